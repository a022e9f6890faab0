/**
 * The life of incidents: candidate hosts in, incidents and notifications out. A first lifecycle: one incident a signal,
 * whatever the hosts. It takes toggles ("this signal began / ended on this host") and the passing of live time, and
 * knows nothing of how trouble is detected.
 */
import type { FoldConfig } from './config.ts';
import {
  asHost,
  audited,
  type HostSignal,
  type IncidentRecord,
  isOpen,
  order,
  refreshed,
  rejoined,
  shown,
  title,
} from './incident.ts';
import type { Moment } from './log-time.ts';
import type { Incident } from './model.ts';
import { withSample } from './samples.ts';
import { Timers } from './timers.ts';

/** What the incidents tell the rest of the fold. */
export interface IncidentEvents {
  /** The record changed and must be stored. */
  changed(id: string): void;
  /** The record is gone. */
  removed(id: string): void;
  /** Somebody should hear of it. */
  notify(kind: 'firing' | 'resolved', incident: Incident, moment: Moment): void;
  /** An incident could not be opened because too many are. */
  refused(): void;
}

/** How often a host's numbers are brought up to date within an incident, log time. */
const PROGRESS_EVERY_US = 5_000_000;

export class Incidents {
  readonly records: Map<string, IncidentRecord> = new Map();
  readonly #events: IncidentEvents;
  readonly #timers = new Timers();
  /** The newest incident of each fingerprint. */
  readonly #latest = new Map<string, string>();
  #open = 0;
  #openedAt = 0;
  #openedThere = 0;

  constructor(events: IncidentEvents, records: Iterable<IncidentRecord>) {
    this.#events = events;
    const ordered = [...records].sort((a, b) => order(a, b));
    for (const record of ordered) {
      this.records.set(record.id, record);
      this.#latest.set(record.fingerprint, record.id);
      if (isOpen(record)) this.#open++;
      if (record.due_us > 0) this.#timers.set(record.id, record.due_us);
    }
  }

  /** A signal became trouble on a host. Whether an incident holds it: only then may it progress and end. */
  began(from: HostSignal, moment: Moment, config: FoldConfig): boolean {
    const fingerprint = `drop/${from.signal.reason}/${from.signal.function}`;
    const latest = this.records.get(this.#latest.get(fingerprint) ?? '');
    if (latest && isOpen(latest)) {
      this.#join(latest, from, moment, config);
      return true;
    }
    if (this.#open < config.limits.open_incidents) {
      this.#fire(fingerprint, latest, from, moment);
      return true;
    }
    this.#events.refused();
    return false;
  }

  /** A host's trouble goes on: newer numbers, and a newer sample. */
  progressed(from: HostSignal, moment: Moment): void {
    const incident = this.#openFor(from);
    const host = incident?.hosts.find(({ host_id }) => host_id === from.hostId);
    if (!incident || !host?.active || from.lastUs - host.last_us < PROGRESS_EVERY_US) return;
    const hosts = incident.hosts.map((known) => (known === host ? refreshed(host, from) : known));
    const last_us = Math.max(incident.last_us, from.lastUs);
    const samples = withSample(incident.samples, from, moment.nowUs);
    this.#store({ ...incident, last_us, hosts, samples, version: incident.version + 1 });
  }

  /** A signal ended on a host, or the host went away. */
  ended(from: HostSignal, why: string, moment: Moment, config: FoldConfig): void {
    const incident = this.#openFor(from);
    if (!incident) return;
    const hosts = incident.hosts.map((host) =>
      host.host_id === from.hostId && host.active ? { ...refreshed(host, from), active: false } : host,
    );
    const listed = hosts.some(({ host_id }) => host_id === from.hostId);
    const unlisted = incident.unlisted - (listed ? 0 : 1);
    const over = unlisted === 0 && !hosts.some(({ active }) => active);
    const last_us = Math.max(incident.last_us, from.lastUs);
    const changed = { ...incident, last_us, hosts, unlisted, version: incident.version + 1 };
    if (!over) {
      this.#store(changed);
      return;
    }
    this.#store({
      ...changed,
      state: 'resolving',
      due_us: moment.liveUs + config.incident.hold_down_s * 1_000_000,
      audit: audited(incident, moment, 'resolving', why),
    });
  }

  /** A live second is crossed. */
  pass(second: number, moment: Moment, config: FoldConfig): void {
    for (const id of this.#timers.take(second)) {
      const incident = this.records.get(id);
      if (!incident || incident.due_us === 0) continue;
      if (incident.due_us > moment.liveUs) this.#timers.set(id, incident.due_us);
      else this.#due(incident, moment, config);
    }
  }

  #due(incident: IncidentRecord, moment: Moment, config: FoldConfig): void {
    if (incident.state === 'resolving') {
      const resolved: IncidentRecord = {
        ...incident,
        state: 'resolved',
        version: incident.version + 1,
        resolved_us: moment.nowUs,
        due_us: moment.liveUs + config.incident.close_after_s * 1_000_000,
        audit: audited(incident, moment, 'resolved', `no affected host for ${config.incident.hold_down_s} s`),
      };
      this.#open--;
      this.#store(resolved);
      this.#events.notify('resolved', shown(resolved), moment);
      this.#forget(config.incident.history);
    } else if (incident.state === 'resolved') {
      this.#store({
        ...incident,
        state: 'closed',
        version: incident.version + 1,
        due_us: 0,
        audit: audited(incident, moment, 'closed', ''),
      });
    }
  }

  #openFor(from: HostSignal): IncidentRecord | undefined {
    const fingerprint = `drop/${from.signal.reason}/${from.signal.function}`;
    const incident = this.records.get(this.#latest.get(fingerprint) ?? '');
    return incident && isOpen(incident) ? incident : undefined;
  }

  #fire(fingerprint: string, earlier: IncidentRecord | undefined, from: HostSignal, moment: Moment): void {
    if (this.#openedAt !== moment.sequence) {
      this.#openedAt = moment.sequence;
      this.#openedThere = 0;
    }
    const id = `i${moment.sequence}-${this.#openedThere++}`;
    const regression = earlier ? earlier.id : '';
    const incident: IncidentRecord = {
      id,
      fingerprint,
      version: 1,
      state: 'firing',
      severity: from.severity,
      title: title(from, [from.hostname], 1),
      signal: from.signal,
      started_us: from.sinceUs,
      detected_us: moment.nowUs,
      last_us: from.lastUs,
      resolved_us: 0,
      hosts: [asHost(from)],
      hosts_total: 1,
      regression_of: regression,
      due_us: 0,
      unlisted: 0,
      samples: withSample([], from, moment.nowUs),
      audit: [
        {
          at_us: moment.nowUs,
          event: 'fired',
          detail:
            regression === '' ? `by ${from.hostname}` : `by ${from.hostname}, again after ${regression}`,
        },
      ],
    };
    this.#open++;
    this.#latest.set(fingerprint, id);
    this.#store(incident);
    this.#events.notify('firing', shown(incident), moment);
  }

  #join(incident: IncidentRecord, from: HostSignal, moment: Moment, config: FoldConfig): void {
    const known = incident.hosts.some(({ host_id }) => host_id === from.hostId);
    const room = known || incident.hosts.length < config.incident.max_hosts;
    const hosts = known
      ? incident.hosts.map((host) => (host.host_id === from.hostId ? rejoined(host, from) : host))
      : room
        ? [...incident.hosts, asHost(from)].sort((a, b) => (a.host_id < b.host_id ? -1 : 1))
        : incident.hosts;
    const total = incident.hosts_total + (known ? 0 : 1);
    const unlisted = incident.unlisted + (known || room ? 0 : 1);
    const again = incident.state === 'resolving';
    this.#store({
      ...incident,
      state: again ? 'firing' : incident.state,
      version: incident.version + 1,
      started_us: Math.min(incident.started_us, from.sinceUs),
      last_us: Math.max(incident.last_us, from.lastUs),
      title: title(
        from,
        hosts.map(({ hostname }) => hostname),
        total,
      ),
      hosts,
      hosts_total: total,
      unlisted,
      samples: withSample(incident.samples, from, moment.nowUs),
      due_us: 0,
      audit: again
        ? audited(incident, moment, 'firing', `again on ${from.hostname} before it was resolved`)
        : known
          ? incident.audit
          : audited(incident, moment, 'joined', from.hostname),
    });
  }

  #store(record: IncidentRecord): void {
    this.records.set(record.id, record);
    if (record.due_us > 0) this.#timers.set(record.id, record.due_us);
    this.#events.changed(record.id);
  }

  /**
   * Forgets those that are over beyond `history`, the one resolved longest ago first: so of one fingerprint's the newest
   * goes last, and tells of it whether this replica was restored or not.
   */
  #forget(history: number): void {
    while (this.records.size - this.#open > history) {
      let oldest: IncidentRecord | undefined;
      // Records are in the order in which they opened, which settles ties.
      for (const record of this.records.values()) {
        if (!isOpen(record) && (!oldest || record.resolved_us < oldest.resolved_us)) oldest = record;
      }
      if (!oldest) return;
      this.records.delete(oldest.id);
      if (this.#latest.get(oldest.fingerprint) === oldest.id) this.#latest.delete(oldest.fingerprint);
      this.#events.removed(oldest.id);
    }
  }
}
