/**
 * What operators do to incidents, and whom they keep from hearing of them: acknowledgements, resolutions, comments; silences,
 * maintenance, and causes that are being told of. Must not know how incidents are found.
 */
import type { Command } from '@netfall/proto';
import { attributesOf } from './attributes.ts';
import type { FoldConfig } from './config.ts';
import type { HostRecord } from './host.ts';
import { hostname } from './host.ts';
import { type IncidentRecord, isOpen } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Moment } from './log-time.ts';
import type { Suppression } from './model.ts';
import { aboutIncident, fitsHost, fitsIncident, isActive, type SilenceRecord } from './silence.ts';

export interface OperationsOptions {
  readonly incidents: Incidents;
  readonly silences: ReadonlyMap<string, SilenceRecord>;
  readonly hosts: ReadonlyMap<string, HostRecord>;
}

export class Operations {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** An operator's word about an incident. Of one that is not there any more, or over, there is nothing to say but a comment. */
  operate(command: Command, moment: Moment, config: FoldConfig): void {
    const { by, comment, acknowledge, resolve, comment_on } = command;
    const { incidents } = this.#options;
    const about = acknowledge ?? resolve ?? comment_on;
    const record = incidents.records.get(about?.incident_id ?? '');
    if (!record) return;
    if (comment_on) incidents.note(record.id, {}, moment, 'comment', comment, by);
    else if (!isOpen(record) || record.state === 'candidate') return;
    else if (resolve) incidents.resolve(record.id, moment, config, comment, by);
    else if (!record.acknowledged) {
      const state = record.state === 'firing' ? 'acknowledged' : record.state;
      const acknowledged = { by, at_us: moment.nowUs, comment };
      incidents.note(record.id, { state, acknowledged }, moment, 'acknowledged', comment, by);
    }
  }

  /** Sees who is kept from hearing of what is open, and tells all others. */
  pass(moment: Moment): void {
    const { incidents, silences } = this.#options;
    const active = [...silences.values()]
      .filter((silence) => isActive(silence, moment.nowUs))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const record of incidents.open()) {
      if (record.state === 'candidate') continue;
      incidents.suppress(record.id, this.#suppressionOf(record, active), moment);
      incidents.tell(record.id, moment);
    }
  }

  #suppressionOf(record: IncidentRecord, silences: readonly SilenceRecord[]): Suppression | null {
    const { incidents } = this.#options;
    const { cause } = record;
    if (cause && incidents.isOpenNow(cause.incident_id)) return { by: 'incident', id: cause.incident_id };
    if (silences.length === 0) return null;
    const about = aboutIncident(record);
    const fitting = silences.filter((silence) => fitsIncident(silence, about));
    const affected = record.hosts.filter(({ active }) => active);
    const hosts = affected.length > 0 ? affected : record.hosts;
    // Every host has to be covered: by one silence, or by several.
    const first = fitting.find((silence) => hosts.some((host) => this.#covers(silence, host.host_id)));
    const isCovered = hosts.every(({ host_id }) => fitting.some((silence) => this.#covers(silence, host_id)));
    if (!first || !isCovered) return null;
    return { by: first.maintenance ? 'maintenance' : 'silence', id: first.id };
  }

  #covers(silence: SilenceRecord, hostId: string): boolean {
    const host = this.#options.hosts.get(hostId);
    const known = {
      id: hostId,
      hostname: host ? hostname(host) : hostId,
      attributes: attributesOf(host?.facts.inventory ?? null),
    };
    return fitsHost(silence, known);
  }
}
