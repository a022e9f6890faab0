/**
 * What operators do to incidents, and whom they keep from hearing of them: acknowledgements, resolutions, comments; silences,
 * maintenance, and causes that are being told of. Must not know how incidents are found.
 */
import type { Command } from '@netfall/proto';
import { attributesOf } from './attributes.ts';
import type { FoldConfig } from './config.ts';
import { type HostRecord, hostname } from './host.ts';
import { type IncidentRecord, isOpen } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Moment } from './log-time.ts';
import type { Cause, Suppression } from './model.ts';
import {
  aboutIncident,
  fitsHost,
  fitsIncident,
  isActive,
  namesHosts,
  type SilenceRecord,
} from './silence.ts';

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
  pass(moment: Moment, config: FoldConfig): void {
    const { incidents, silences } = this.#options;
    const active = [...silences.values()]
      .filter((silence) => isActive(silence, moment.nowUs))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const record of incidents.open()) {
      if (record.state === 'candidate') continue;
      // What is over need not be told of any more.
      if (record.state !== 'resolving') {
        incidents.suppress(record.id, this.#suppressionOf(record, active, moment, config), moment);
      }
      incidents.tell(record.id, moment);
    }
  }

  /** Whether the host that an incident comes of has been back for long enough that it should be over. */
  #isBack({ incident_id, host_id }: Cause, { nowUs }: Moment, { incident }: FoldConfig): boolean {
    const { hosts, incidents } = this.#options;
    const { state } = hosts.get(host_id) ?? {};
    if (!state || state.status === 'silent') return false;
    const began = incidents.records.get(incident_id)?.started_us ?? 0;
    return state.back_us > began && nowUs - state.back_us >= incident.hold_down_s * 1_000_000;
  }

  #suppressionOf(
    record: IncidentRecord,
    silences: readonly SilenceRecord[],
    moment: Moment,
    config: FoldConfig,
  ): Suppression | null {
    const { incidents } = this.#options;
    const { cause } = record;
    if (cause && incidents.isOpenNow(cause.incident_id) && !this.#isBack(cause, moment, config)) {
      return { by: 'incident', id: cause.incident_id };
    }
    if (silences.length === 0) return null;
    const affected = record.hosts.filter(({ active }) => active);
    const hosts = affected.length > 0 ? affected : record.hosts;
    const isBeyond = record.hosts_total > record.hosts.length;
    let first: SilenceRecord | undefined;
    // Every symptom, and every host, has to be covered: by one silence, or by several.
    for (const { signal } of record.symptoms) {
      const about = aboutIncident({ ...record, signal });
      const fitting = silences.filter((silence) => fitsIncident(silence, about));
      if (isBeyond && fitting.every(namesHosts)) return null;
      const covering = (hostId: string) => fitting.find((silence) => this.#covers(silence, hostId));
      if (!hosts.every(({ host_id }) => covering(host_id))) return null;
      first ??= covering(hosts[0]?.host_id ?? '');
    }
    return first ? { by: first.maintenance ? 'maintenance' : 'silence', id: first.id } : null;
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
