/**
 * The life of incidents: hosts that join and leave, the steps from candidate to closed, and who is to hear of it. Which
 * hosts are of which incident is correlate.ts's to say, and crash-incidents.ts's; how trouble is noticed is not known here.
 */
import { type Active, type Classes, classKey, namesOf, type SignalClass } from './classes.ts';
import type { FoldConfig } from './config.ts';
import type { Spell } from './detect.ts';
import { HANDOVER_US } from './groups.ts';
import type { HostRecord } from './host.ts';
import {
  audited,
  type IncidentRecord,
  isOpen,
  newIncident,
  type Opening,
  order,
  refreshed,
  retitled,
  shown,
  withHost,
  withoutHosts,
} from './incident.ts';
import type { Moment } from './log-time.ts';
import type { Cause, Incident, IncidentSample, Notification, Suppression } from './model.ts';
import { withSample } from './samples.ts';
import { put, take } from './sets.ts';
import { Timers } from './timers.ts';
import { runbookOf } from './words.ts';

/** What the incidents tell the rest of the fold. */
export interface IncidentEvents {
  /** The record changed and must be stored. */
  changed(id: string): void;
  /** The record is gone. */
  removed(id: string): void;
  /** Somebody should hear of it. */
  notify(kind: Notification['kind'], incident: Incident, moment: Moment, why?: string): void;
  /** A host's record says which incident its trouble is of. */
  hostChanged(host: HostRecord): void;
  /** Whether a host says nothing any more. */
  isDown(hostId: string): boolean;
  /** An incident could not be opened because too many are. */
  refused(): void;
}

/** How often a host's numbers are brought up to date within an incident, log time. */
const PROGRESS_EVERY_US = 5_000_000;
/** Trouble that comes back this soon after its resolution has to be over for longer the next time. */
const SOON_US = 3_600_000_000;
/** How often hosts that crashed and did not come back are looked after. */
const DOWN_AGAIN_US = 60_000_000;
/** How often the hold-down doubles at most. */
const MOST_DOUBLINGS = 5;

export class Incidents {
  readonly records: Map<string, IncidentRecord> = new Map();
  readonly #events: IncidentEvents;
  readonly #classes: Classes;
  readonly #timers = new Timers((id) => this.records.get(id)?.due_us ?? 0);
  /** All below is derived. Incidents by fingerprint. */
  readonly #byFingerprint = new Map<string, Set<string>>();
  /** Open ones by the classes of their symptoms. */
  readonly #byClass = new Map<string, Set<string>>();
  /** How often hosts are affected in it now, each time by one symptom. */
  readonly #affected = new Map<string, number>();
  /** Ids of those that are open, while none opened or closed since somebody asked. */
  #openInOrder: readonly string[] | null = null;
  #open = 0;
  #openedAt = 0;
  #openedThere = 0;

  /** @param classes to be filled after this, so that `restored` can count */
  constructor(events: IncidentEvents, classes: Classes, records: Iterable<IncidentRecord>) {
    this.#events = events;
    this.#classes = classes;
    const ordered = [...records].sort((a, b) => order(a, b));
    for (const record of ordered) {
      this.records.set(record.id, record);
      this.#index(record);
      if (isOpen(record)) this.#open++;
      if (record.due_us > 0) this.#timers.set(record.id, record.due_us);
    }
  }

  /** Counts who is affected, once the classes are restored. */
  restored(): void {
    for (const { active } of this.#classes.all()) {
      for (const { spell } of active.values()) this.#count(spell.incident, 1);
    }
  }

  /** The open incidents that have a class among their symptoms, in the order in which they opened. */
  openWith(key: string): readonly IncidentRecord[] {
    return Array.from(this.#byClass.get(key) ?? [], (id) => this.#get(id)).sort(order);
  }

  /** All that are open, in the order in which they opened. */
  open(): readonly IncidentRecord[] {
    this.#openInOrder ??= [...this.records.values()]
      .filter(isOpen)
      .sort(order)
      .map(({ id }) => id);
    return this.#openInOrder.map((id) => this.#get(id));
  }

  isOpenNow(id: string): boolean {
    const record = this.records.get(id);
    return record !== undefined && isOpen(record);
  }

  /** Opens an incident, which has no hosts yet; null where there is no room. */
  begin(
    opening: Omit<Opening, 'runbook'>,
    moment: Moment,
    { limits, incident }: FoldConfig,
  ): IncidentRecord | null {
    if (this.#open >= limits.open_incidents) {
      this.#events.refused();
      return null;
    }
    if (this.#openedAt !== moment.sequence) {
      this.#openedAt = moment.sequence;
      this.#openedThere = 0;
    }
    const runbook = runbookOf(opening.signal, incident.runbook);
    const id = `i${moment.sequence}-${this.#openedThere++}`;
    const record = newIncident(id, { ...opening, runbook }, moment);
    this.#open++;
    this.#store(record);
    return record;
  }

  /** Hosts that a class of trouble affects become part of an open incident, out of whichever they were in. */
  admit(id: string, of: SignalClass, hosts: readonly Active[], moment: Moment, config: FoldConfig): void {
    let record = this.#get(id);
    const before = new Set<string>();
    const joined: Active[] = [];
    // By id: which of them are listed where there is no room for all must not depend on the order of a restored map.
    for (const active of hosts.toSorted((a, b) => (a.host.id < b.host.id ? -1 : 1))) {
      if (active.spell.incident === id) continue;
      joined.push(active);
      before.add(active.spell.incident);
      this.#count(active.spell.incident, -1);
      active.spell.incident = id;
      this.#count(id, 1);
      record = withHost(record, of, active, config.incident.max_hosts);
      record = { ...record, samples: withSample(record.samples, active.spell.sample) };
      active.spell.sample = null;
      this.#events.hostChanged(active.host);
    }
    for (const other of before) if (other !== '') this.#leftBy(other, id, hosts, moment, config);
    if (before.size === 0) return;
    if (record.state === 'resolving') {
      const state = record.acknowledged ? 'acknowledged' : 'firing';
      const heldUs = holdDown(record, config.incident.hold_down_s) * 1_000_000;
      // A host that speaks again says what is wrong there a moment later: that is no return.
      const isReturn = moment.liveUs - (record.due_us - heldUs) > HANDOVER_US;
      const why = `again on ${namesOf(joined)} before it was resolved`;
      const audit = audited(record, moment, 'firing', why);
      record = { ...record, state, due_us: 0, returns: record.returns + (isReturn ? 1 : 0), audit };
    } else if (record.state !== 'candidate' && record.audit.length > 0) {
      record = { ...record, audit: audited(record, moment, 'joined', namesOf(joined)) };
    }
    this.#update(record);
  }

  /** A host's trouble goes on: newer numbers, and a newer sample. */
  progressed(host: HostRecord, spell: Spell, sample: IncidentSample | null): void {
    const record = this.records.get(spell.incident);
    if (!record || !isOpen(record)) return;
    const listed = record.hosts.find(({ host_id }) => host_id === host.id);
    const isDue = listed?.active === true && spell.last_us - listed.last_us >= PROGRESS_EVERY_US;
    const isFirst = sample !== null && !record.samples.some(({ host_id }) => host_id === host.id);
    const samples = isDue || isFirst ? withSample(record.samples, sample) : record.samples;
    if (!isDue && samples === record.samples) return;
    const hosts = isDue
      ? record.hosts.map((known) => (known === listed ? refreshed(known, spell) : known))
      : record.hosts;
    this.#update({ ...record, hosts, samples, last_us: Math.max(record.last_us, spell.last_us) });
  }

  /** A host's trouble of one class ended, or the host went away. The class has it no more. */
  ended(host: HostRecord, spell: Spell, why: string, moment: Moment, config: FoldConfig): void {
    const id = spell.incident;
    this.#count(id, -1);
    const record = this.records.get(id);
    if (!record || !isOpen(record)) return;
    if (record.state === 'candidate') {
      this.#update(withoutHosts(record, (other) => other === host.id, this.#affected.get(id) ?? 0));
      this.#endWithout(id, why, moment, config);
      return;
    }
    const goesOn = this.#isAffected(record, host.id);
    const hosts = record.hosts.map((known) =>
      known.host_id === host.id ? { ...refreshed(known, spell), active: goesOn } : known,
    );
    this.#update({ ...record, hosts, last_us: Math.max(record.last_us, spell.last_us) });
    this.#endWithout(id, why, moment, config);
  }

  /** A candidate is trouble: somebody is to hear of it. */
  fire(id: string, fingerprint: string, moment: Moment, why: string): void {
    const record = this.#get(id);
    const earlier = this.#lastOf(fingerprint);
    const fired: IncidentRecord = {
      ...record,
      fingerprint,
      state: 'firing',
      detected_us: moment.nowUs,
      ...(earlier && pastOf(earlier, moment)),
      audit: audited(record, moment, 'fired', earlier ? `${why}, again after ${earlier.id}` : why),
    };
    this.#update(fired);
  }

  /** Changes what is known of an incident. */
  change(id: string, change: Partial<IncidentRecord>): void {
    this.#update({ ...this.#get(id), ...change });
  }

  /** Changes it, and says so in its audit trail. */
  note(
    id: string,
    change: Partial<IncidentRecord>,
    moment: Moment,
    event: string,
    detail: string,
    by = '',
  ): void {
    const record = { ...this.#get(id), ...change };
    this.#update({ ...record, audit: audited(record, moment, event, detail, by) });
  }

  /** An incident turns out to be another one: its hosts are of that by now. */
  merge(id: string, into: string, moment: Moment, { incident }: FoldConfig): void {
    const record = this.#get(id);
    this.#close(record, { state: 'merged', merged_into: into }, moment, 'merged', `into ${into}`, incident);
  }

  /** Somebody says that it is over. Trouble that goes on is not looked at again until it ends. */
  resolve(id: string, moment: Moment, { incident }: FoldConfig, why: string, by = ''): void {
    this.#close(this.#get(id), { state: 'resolved' }, moment, 'resolved', why, incident, by);
  }

  /** Who is not to hear of it, by now; null: nobody is kept from it. */
  suppress(id: string, suppressed: Suppression | null, moment: Moment): void {
    const record = this.#get(id);
    const { by, id: which } = suppressed ?? { by: '', id: '' };
    if (record.suppressed?.id === which || (!record.suppressed && !suppressed)) return;
    const detail = suppressed ? `by ${by} ${which}` : '';
    this.note(id, { suppressed }, moment, suppressed ? 'suppressed' : 'no longer suppressed', detail);
  }

  /** It comes of another incident. */
  causedBy(id: string, cause: Cause, moment: Moment): void {
    const parent = this.#get(cause.incident_id);
    const detail = `of ${cause.incident_id}: packets for ${cause.hostname}`;
    this.note(id, { cause }, moment, 'consequence', detail);
    if (!parent.consequences.includes(id))
      this.change(parent.id, { consequences: [...parent.consequences, id].slice(-100) });
  }

  /** Whoever has to hear of it does, unless it is suppressed: that it fires, or else that it became worse since. */
  tell(id: string, moment: Moment): void {
    const { notified, suppressed, state, owed } = this.#get(id);
    if (suppressed || (state !== 'firing' && state !== 'acknowledged')) return;
    if (!notified && state === 'firing') {
      this.change(id, { notified: true, owed: [] });
      this.#events.notify('firing', shown(this.#get(id)), moment);
    } else if (notified && owed.length > 0) {
      this.change(id, { owed: [], escalated: [...this.#get(id).escalated, ...owed] });
      this.#events.notify('escalated', shown(this.#get(id)), moment, owed[0]);
    }
  }

  /** It became worse, or turned out to be more: whoever heard of it is to hear of that, once for each reason. */
  escalate(id: string, why: string): void {
    const { notified, owed, escalated } = this.#get(id);
    if (notified && !owed.includes(why) && !escalated.includes(why))
      this.change(id, { owed: [...owed, why] });
  }

  /** It goes by another fingerprint by now, and so may have a past. */
  rename(id: string, fingerprint: string, moment: Moment): void {
    const record = this.#get(id);
    if (record.fingerprint === fingerprint) return;
    const earlier = record.regression_of === '' ? this.#lastOf(fingerprint) : null;
    this.change(id, { fingerprint, ...(earlier && pastOf(earlier, moment)) });
  }

  /** A live second is crossed. */
  pass(second: number, moment: Moment, config: FoldConfig): void {
    for (const id of this.#timers.take(second, moment.liveUs)) {
      const record = this.records.get(id);
      // What became of another one may have put it off.
      if (record && record.due_us > 0 && record.due_us <= moment.liveUs) this.#due(record, moment, config);
    }
  }

  #due(record: IncidentRecord, moment: Moment, config: FoldConfig): void {
    const { hold_down_s } = config.incident;
    if (record.state === 'resolving')
      this.resolve(record.id, moment, config, `no affected host for ${holdDown(record, hold_down_s)} s`);
    else if (record.state === 'resolved' || record.state === 'merged') {
      const state = record.state === 'merged' ? 'merged' : 'closed';
      const audit = state === 'closed' ? audited(record, moment, 'closed') : record.audit;
      this.#update({ ...record, state, due_us: 0, audit });
    } else if (record.crashes.some(({ host_id }) => this.#events.isDown(host_id))) {
      // Nobody is to think that a host is back which is not.
      this.#update({ ...record, due_us: moment.liveUs + DOWN_AGAIN_US });
    } else if (isOpen(record)) this.#endWithout(record.id, 'nothing more came', moment, config);
  }

  /** An incident in which nothing is wrong any more begins to resolve; a candidate is forgotten. */
  #endWithout(id: string, why: string, moment: Moment, config: FoldConfig): void {
    const record = this.#get(id);
    if ((this.#affected.get(id) ?? 0) > 0 || record.state === 'resolving') return;
    if (record.state === 'candidate') {
      this.#open--;
      this.#remove(record);
      return;
    }
    const due_us = moment.liveUs + holdDown(record, config.incident.hold_down_s) * 1_000_000;
    const hosts = record.hosts.map((host) => (host.active ? { ...host, active: false } : host));
    this.#update({
      ...record,
      hosts,
      state: 'resolving',
      due_us,
      audit: audited(record, moment, 'resolving', why),
    });
  }

  /** Hosts were moved to another incident: where nobody is left, the incident is that one. */
  #leftBy(id: string, into: string, hosts: readonly Active[], moment: Moment, config: FoldConfig): void {
    const record = this.records.get(id);
    if (!record || !isOpen(record)) return;
    const gone = new Set(hosts.map(({ host }) => host.id));
    const affected = this.#affected.get(id) ?? 0;
    if (record.state === 'candidate') {
      this.#update(withoutHosts(record, (hostId) => gone.has(hostId), affected));
      this.#endWithout(id, `its hosts are of ${into}`, moment, config);
      return;
    }
    const stays = (hostId: string) => !gone.has(hostId) || this.#isAffected(record, hostId);
    const left = record.hosts.filter(({ host_id }) => stays(host_id));
    const hosts_total = record.hosts_total - record.hosts.length + left.length;
    if (left.length < record.hosts.length) this.#update({ ...record, hosts: left, hosts_total });
    if (affected > 0) return;
    if (left.length > 0) this.#endWithout(id, `its hosts are of ${into}`, moment, config);
    else this.merge(id, into, moment, config);
  }

  /** Whether any of an incident's symptoms affects a host now. */
  #isAffected({ id, symptoms }: IncidentRecord, hostId: string): boolean {
    return symptoms.some(
      ({ signal }) => this.#classes.get(classKey(signal))?.active.get(hostId)?.spell.incident === id,
    );
  }

  #close(
    record: IncidentRecord,
    end: Partial<IncidentRecord>,
    moment: Moment,
    event: string,
    detail: string,
    { close_after_s, history }: FoldConfig['incident'],
    by = '',
  ): void {
    const closed: IncidentRecord = {
      ...record,
      ...end,
      resolved_us: moment.nowUs,
      due_us: moment.liveUs + close_after_s * 1_000_000,
      hosts: record.hosts.map((host) => (host.active ? { ...host, active: false } : host)),
      audit: audited(record, moment, event, detail, by),
    };
    this.#open--;
    this.#update(closed);
    if (closed.notified) this.#events.notify('resolved', shown(this.#get(record.id)), moment);
    this.#forget(history);
  }

  #get(id: string): IncidentRecord {
    const record = this.records.get(id);
    if (!record) throw new Error(`there is no incident ${id}`);
    return record;
  }

  #count(id: string, by: number): void {
    if (id === '') return;
    const left = (this.#affected.get(id) ?? 0) + by;
    if (left === 0) this.#affected.delete(id);
    else this.#affected.set(id, left);
  }

  /** Stores a record that is shown differently. */
  #update(record: IncidentRecord): void {
    this.#store(retitled({ ...record, version: record.version + 1 }));
  }

  #store(record: IncidentRecord): void {
    const before = this.records.get(record.id);
    if (before) this.#unindex(before);
    if (!before || isOpen(before) !== isOpen(record)) this.#openInOrder = null;
    this.records.set(record.id, record);
    this.#index(record);
    if (record.due_us > 0) this.#timers.set(record.id, record.due_us);
    this.#events.changed(record.id);
  }

  /** The newest of a fingerprint that is over. */
  #lastOf(fingerprint: string): IncidentRecord | null {
    let last: IncidentRecord | null = null;
    for (const id of this.#byFingerprint.get(fingerprint) ?? []) {
      const record = this.#get(id);
      const isOver = record.state === 'resolved' || record.state === 'closed';
      if (isOver && (!last || order(last, record) < 0)) last = record;
    }
    return last;
  }

  #index(record: IncidentRecord): void {
    put(this.#byFingerprint, record.fingerprint, record.id);
    if (isOpen(record)) for (const key of keysOf(record)) put(this.#byClass, key, record.id);
  }

  #unindex(record: IncidentRecord): void {
    take(this.#byFingerprint, record.fingerprint, record.id);
    for (const key of keysOf(record)) take(this.#byClass, key, record.id);
  }

  #remove(record: IncidentRecord): void {
    this.#openInOrder = null;
    this.#unindex(record);
    this.records.delete(record.id);
    this.#affected.delete(record.id);
    this.#events.removed(record.id);
  }

  /**
   * Forgets those that are over beyond `history`, the one resolved longest ago first: so of one fingerprint's the newest
   * goes last, and tells of it whether this replica was restored or not.
   */
  #forget(history: number): void {
    while (this.records.size - this.#open > history) {
      let oldest: IncidentRecord | undefined;
      for (const record of this.records.values()) {
        if (isOpen(record)) continue;
        if (
          !oldest ||
          record.resolved_us < oldest.resolved_us ||
          (record.resolved_us === oldest.resolved_us && order(record, oldest) < 0)
        )
          oldest = record;
      }
      if (!oldest) return;
      this.#remove(oldest);
    }
  }
}

/** What an incident has of the one that it repeats. */
function pastOf(
  earlier: IncidentRecord,
  { nowUs }: Moment,
): Pick<IncidentRecord, 'regression_of' | 'returns'> {
  const isSoon = nowUs - earlier.resolved_us < SOON_US;
  return { regression_of: earlier.id, returns: isSoon ? earlier.returns + 1 : 0 };
}

function keysOf({ signal, symptoms }: IncidentRecord): readonly string[] {
  // What a backlog tells of is history: nothing that goes on is of it.
  if (signal.kind === 'backlog') return [classKey(signal)];
  return [signal, ...symptoms.map((symptom) => symptom.signal)].map(classKey);
}

/** How long it has to be over before it is resolved, s: twice as long for each time that it was not. */
function holdDown({ returns }: IncidentRecord, seconds: number): number {
  return seconds * 2 ** Math.min(returns, MOST_DOUBLINGS);
}
