/**
 * The life of incidents: candidate hosts in, incidents and notifications out. A first lifecycle: one incident a signal,
 * whatever the hosts. It takes toggles ("this signal began / ended on this host") and the passing of live time, and
 * knows nothing of how trouble is detected.
 */
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import type { AuditEntry, DropSignal, Incident, IncidentHost, Severity } from './model.ts';

/** The stored form: what is shown, and what the fold goes by. */
export interface IncidentRecord extends Incident {
  /** When the next step is due in live time; 0 when none is. */
  readonly due_us: number;
  /** Affected hosts beyond those that are listed. */
  readonly unlisted: number;
}

/** What a signal did on a host. */
export interface HostSignal {
  readonly hostId: string;
  readonly hostname: string;
  readonly signal: DropSignal;
  readonly severity: Severity;
  readonly events: number;
  readonly peakRate: number;
  readonly baselineRate: number;
  /** When it began, log time. */
  readonly sinceUs: number;
}

/** Where the fold stands when something happens. */
export interface Moment {
  readonly sequence: number;
  /** Log time. */
  readonly nowUs: number;
  /** Log time without the log's outages: what deadlines are counted in. */
  readonly liveUs: number;
}

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

const MOST_AUDIT = 100;
/** How often a host's numbers are brought up to date within an incident, log time. */
const PROGRESS_EVERY_US = 5_000_000;

export class Incidents {
  readonly records: Map<string, IncidentRecord> = new Map();
  readonly #events: IncidentEvents;
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

  /** A host's trouble goes on: newer numbers, shown with the next change. */
  progressed(from: HostSignal, moment: Moment): void {
    const incident = this.#openFor(from);
    const host = incident?.hosts.find(({ host_id }) => host_id === from.hostId);
    if (!incident || !host?.active || moment.nowUs - host.last_us < PROGRESS_EVERY_US) return;
    const hosts = incident.hosts.map((known) => (known === host ? refreshed(host, from, moment) : known));
    this.#store({ ...incident, hosts, version: incident.version + 1 });
  }

  /** A signal ended on a host, or the host went away. */
  ended(from: HostSignal, why: string, moment: Moment, config: FoldConfig): void {
    const incident = this.#openFor(from);
    if (!incident) return;
    const hosts = incident.hosts.map((host) =>
      host.host_id === from.hostId && host.active ? { ...host, last_us: moment.nowUs, active: false } : host,
    );
    const listed = hosts.some(({ host_id }) => host_id === from.hostId);
    const unlisted = incident.unlisted - (listed ? 0 : 1);
    const over = unlisted === 0 && !hosts.some(({ active }) => active);
    const changed = { ...incident, hosts, unlisted, version: incident.version + 1 };
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

  /** The deadline of a record has passed. */
  due(id: string, moment: Moment, config: FoldConfig): void {
    const incident = this.records.get(id);
    if (!incident) return;
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
      resolved_us: 0,
      hosts: [asHost(from, moment)],
      hosts_total: 1,
      regression_of: regression,
      due_us: 0,
      unlisted: 0,
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
      ? incident.hosts.map((host) => (host.host_id === from.hostId ? rejoined(host, from, moment) : host))
      : room
        ? [...incident.hosts, asHost(from, moment)].sort((a, b) => (a.host_id < b.host_id ? -1 : 1))
        : incident.hosts;
    const total = incident.hosts_total + (known ? 0 : 1);
    const unlisted = incident.unlisted + (known || room ? 0 : 1);
    const again = incident.state === 'resolving';
    this.#store({
      ...incident,
      state: again ? 'firing' : incident.state,
      version: incident.version + 1,
      started_us: Math.min(incident.started_us, from.sinceUs),
      title: title(
        from,
        hosts.map(({ hostname }) => hostname),
        total,
      ),
      hosts,
      hosts_total: total,
      unlisted,
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

/** An incident as it is shown: without what is the fold's own. */
export function shown({ due_us: _due, unlisted: _unlisted, ...incident }: IncidentRecord): Incident {
  return incident;
}

function isOpen({ state }: Incident): boolean {
  return state !== 'resolved' && state !== 'closed';
}

/** The order in which incidents opened: by sequence, then by turn. */
function order(a: Incident, b: Incident): number {
  const [aSequence = 0, aTurn = 0] = a.id.slice(1).split('-').map(Number);
  const [bSequence = 0, bTurn = 0] = b.id.slice(1).split('-').map(Number);
  return aSequence - bSequence || aTurn - bTurn;
}

function asHost(from: HostSignal, moment: Moment): IncidentHost {
  return {
    host_id: from.hostId,
    hostname: from.hostname,
    first_us: from.sinceUs,
    last_us: moment.nowUs,
    active: true,
    events: from.events,
    peak_rate: from.peakRate,
    baseline_rate: from.baselineRate,
  };
}

function refreshed(host: IncidentHost, from: HostSignal, moment: Moment): IncidentHost {
  return {
    ...host,
    last_us: moment.nowUs,
    events: Math.max(host.events, from.events),
    peak_rate: Math.max(host.peak_rate, from.peakRate),
  };
}

/** A host whose trouble came back within the incident: the spells' events add up. */
function rejoined(host: IncidentHost, from: HostSignal, moment: Moment): IncidentHost {
  return {
    ...host,
    last_us: moment.nowUs,
    active: true,
    events: plus(host.events, from.events),
    peak_rate: Math.max(host.peak_rate, from.peakRate),
  };
}

function audited(incident: Incident, moment: Moment, event: string, detail: string): readonly AuditEntry[] {
  const audit = [...incident.audit, { at_us: moment.nowUs, event, detail }];
  // The beginning tells how it started; of the rest the newest matter.
  return audit.length > MOST_AUDIT ? [...audit.slice(0, 10), ...audit.slice(11)] : audit;
}

function title(from: HostSignal, hostnames: readonly string[], total: number): string {
  const { reason, function: fn } = from.signal;
  const where = total === 1 ? hostnames[0] : `${total} hosts`;
  return `${where} ${total === 1 ? 'drops' : 'drop'} ${reason}${fn === '' ? '' : ` in ${fn}`}`;
}
