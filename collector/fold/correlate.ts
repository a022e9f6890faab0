/**
 * Which hosts' trouble is of one incident. Once a live second it looks at every class of trouble that there is: what do its
 * hosts have in common, and do they have it with an incident that is open? Looking twice changes nothing, so that a replica
 * that was restored between two seconds says the same. docs/correlation.md tells the method.
 */
import { hasLasted, isBeyondHabit, isCrowd, isGrowing } from './alone.ts';
import type { AnnouncedChanges } from './changes.ts';
import { type Active, type Classes, classKey, namesOf, type SignalClass } from './classes.ts';
import type { FoldConfig } from './config.ts';
import type { Population } from './explain/population.ts';
import { explain, type ScanOptions } from './explain/scan.ts';
import {
  canonical,
  fingerprintOf,
  type Group,
  groupOf,
  HANDOVER_US,
  hasClass,
  isAlike,
  isStronger,
  NEAR_US,
  sinceOf,
} from './groups.ts';
import type { HostRecord } from './host.ts';
import { begun, type IncidentRecord, order } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Moment } from './log-time.ts';
import type { AttributeValue, ChangeRef } from './model.ts';

/** Trouble of so many times as many hosts as it was told of is news. */
const SPREAD_TIMES = 3;
/** Incidents whose hosts have nothing in common take further ones for this long after the last. */
const GATHER_US = 900_000_000;
/** Of an incident that is known and has many hosts, every so many more cost a second until it is looked at again. */
const HOSTS_A_SECOND = 4000;
/** A host that falls silent later than that is one more that is dead. */
const GATHER_SILENCE_US = 60_000_000;
/** Packets for one host: so many hosts drop them, where that host is not known to be in trouble. */
const FEWEST_TOWARDS = 3;
const TOWARDS_SHARE = 0.6;
/** Hosts that are named of those an explanation leaves over. */
const MOST_UNEXPLAINED = 10;

export interface CorrelatorOptions {
  readonly classes: Classes;
  readonly population: Population;
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly incidents: Incidents;
  readonly changes: AnnouncedChanges;
  /** Whether a host is known to be dead or silent. */
  readonly isDown: (hostId: string) => boolean;
}

/** What was found out about hosts of a class, by all that it depends on. */
interface Answer {
  readonly question: string;
  readonly ids: readonly string[];
  readonly groups: readonly Group[];
}

export class Correlator {
  readonly #options: CorrelatorOptions;
  readonly #answers = new WeakMap<SignalClass, Answer>();
  #config: FoldConfig;

  constructor(options: CorrelatorOptions, config: FoldConfig) {
    this.#options = options;
    this.#config = config;
  }

  /** Goes by another configuration from here on. */
  configure(config: FoldConfig): void {
    this.#config = config;
  }

  /** Hosts of an incident of crashes: what do they have in common? */
  crashed(id: string, moment: Moment): void {
    const { incidents, population, hosts } = this.#options;
    const record = incidents.records.get(id) as IncidentRecord;
    const ids = record.hosts.flatMap(({ host_id }) => (hosts.has(host_id) ? [host_id] : []));
    const [found] = explain(population, ids, this.#scanOptions(moment));
    if (!found) return;
    const group = groupOf(found, this.#changedUs(found.items, found.hosts));
    const left = ids.filter((host) => !found.hosts.includes(host));
    this.#explainBy(id, group, left, moment);
  }

  /** A live second is crossed. */
  pass(second: number, moment: Moment): void {
    for (const one of this.#options.classes.all()) this.#look(one, second, moment);
    this.#mergeAlike(moment);
  }

  #look(of: SignalClass, second: number, moment: Moment): void {
    const { incidents, population } = this.#options;
    const known = incidents.openWith(of.key);
    const isKnown = known.some(({ state }) => state !== 'candidate');
    if (isKnown && second % (1 + Math.floor(of.active.size / HOSTS_A_SECOND)) !== 0) return;
    // What an operator called over is not looked at until it ends.
    const free = [...of.active.values()].filter(
      ({ spell }) => spell.incident === '' || incidents.isOpenNow(spell.incident),
    );
    this.#consequences(of, free, moment);
    // What comes of something else is explained by that.
    const open = free.filter(({ spell }) => !incidents.records.get(spell.incident)?.cause);
    const groups = this.#explained(of, open, moment).filter((group) => {
      return isBeyondHabit(of, group, moment, population.size, this.#config);
    });
    const explained = new Set(groups.flatMap(({ hosts }) => hosts));
    const unexplained = open.map(({ host }) => host.id).filter((id) => !explained.has(id));
    const placed = new Set<string>();
    const taken = new Set<string>();
    for (const group of groups) {
      const id = this.#place(of, group, taken, moment);
      if (id === null) continue;
      taken.add(id);
      for (const host of group.hosts) placed.add(host);
      this.#explainBy(id, group, unexplained, moment);
    }
    const left = open.filter(({ host }) => !placed.has(host.id));
    this.#lonely(of, left, moment);
  }

  /** What hosts of a class that are in trouble have in common. What was asked before, of the same fleet, is known. */
  #explained(of: SignalClass, active: readonly Active[], moment: Moment): readonly Group[] {
    const { population, changes } = this.#options;
    if (active.length < 2) return [];
    const ids = active.map(({ host }) => host.id);
    const options = this.#scanOptions(moment);
    const { chancePpm, announced } = options;
    const question = `${population.version} ${changes.version} ${chancePpm} ${JSON.stringify(announced)}`;
    const known = this.#answers.get(of);
    if (known?.question === question && isSame(known.ids, ids)) return known.groups;
    const groups = explain(population, ids, options).map((found) => {
      return groupOf(found, this.#changedUs(found.items, found.hosts));
    });
    this.#answers.set(of, { question, ids, groups });
    return groups;
  }

  /** The incident that a group is of; a new one where there is none. Null where there is no room for one. */
  #place(of: SignalClass, group: Group, taken: ReadonlySet<string>, moment: Moment): string | null {
    const { incidents } = this.#options;
    const members = group.hosts.flatMap((id) => of.active.get(id) ?? []);
    // Those that are of an explained incident stay there, whatever else they share by now.
    if (this.#isOfExplained(members)) return null;
    const owner = this.#owner(of, group, members, taken);
    // A candidate of its own gives way to an incident that fires already.
    const known = owner && owner.state !== 'candidate' ? owner : this.#alike(of, group, members, moment);
    const id = (known ?? owner)?.id ?? this.#begin(of, group, moment);
    if (id === null) return null;
    const before = incidents.records.get(id) as IncidentRecord;
    const isNew = before.state === 'candidate';
    const others = isNew ? this.#membersOf(of, id, group.hosts) : [];
    const joining = members.some(({ spell }) => spell.incident !== id);
    this.#admit(id, of, members, moment);
    // Those that were only watched together go on to be watched, elsewhere.
    if (others.length > 0) this.#watch(of, others, moment, id);
    if (isNew || joining) {
      const since = sinceOf(group, members, this.#config.correlate.chance_ppm);
      const admitted = incidents.records.get(id) as IncidentRecord;
      const record = begun(admitted, isNew ? null : before, of.key, since);
      incidents.change(id, isNew ? { ...record, changes: this.#changesOf(record) } : record);
    }
    if (isNew) incidents.fire(id, fingerprintOf(of, group.canonical), moment, `by ${namesOf(members)}`);
    return id;
  }

  /** Whether all of these are of one incident that is explained, by more than that it is the fleet's. */
  #isOfExplained(members: readonly Active[]): boolean {
    const [first] = members;
    const record = this.#options.incidents.records.get(first?.spell.incident ?? '');
    if (!record?.explanation?.items.length || record.state === 'candidate') return false;
    const items = record.explanation.items;
    return members.every(
      ({ host, spell }) => spell.incident === record.id && !this.#options.population.fits(host.id, items),
    );
  }

  /** The open incident of this class that most of the group's hosts are in, or that is of the same explanation. */
  #owner(
    of: SignalClass,
    { hosts, canonical: name }: Group,
    members: readonly Active[],
    taken: ReadonlySet<string>,
  ): IncidentRecord | undefined {
    const { incidents } = this.#options;
    const counts = new Map<string, number>();
    for (const { spell } of members) counts.set(spell.incident, (counts.get(spell.incident) ?? 0) + 1);
    const open = incidents.openWith(of.key).filter(({ id }) => !taken.has(id));
    const same = open.find(({ explanation }) => explanation && canonical(explanation.items) === name);
    if (same) return same;
    let owner: IncidentRecord | undefined;
    for (const record of open) {
      if (isOver(record, members)) continue;
      const inside = counts.get(record.id) ?? 0;
      const outside = this.#membersOf(of, record.id, hosts).length;
      if (inside > outside && inside > (counts.get(owner?.id ?? '-') ?? 0)) owner = record;
    }
    return owner;
  }

  /** An open incident of another class that began about now, on nearly the same hosts, or explained by the same. */
  #alike(
    of: SignalClass,
    group: Group,
    members: readonly Active[],
    moment: Moment,
  ): IncidentRecord | undefined {
    const ids = new Set(members.map(({ host }) => host.id));
    const since = Math.min(...members.map(({ spell }) => spell.since_us));
    const name = group.explanation ? group.canonical : '';
    const { incidents } = this.#options;
    return incidents.open().find((record) => {
      return !hasClass(record, of.key) && isAlike(record, { ids, since, name }, moment);
    });
  }

  /** Symptoms that turned out to be of one trouble: the younger incident goes into the older one. */
  #mergeAlike(moment: Moment): void {
    const { incidents } = this.#options;
    for (const { id } of incidents.open()) {
      const younger = incidents.records.get(id) as IncidentRecord;
      if (younger.state !== 'firing' || moment.nowUs - younger.detected_us > NEAR_US) continue;
      if (younger.signal.kind === 'crash') continue;
      const ids = new Set(younger.hosts.map(({ host_id }) => host_id));
      const name = younger.explanation ? canonical(younger.explanation.items) : '';
      const older = incidents.open().find((record) => {
        if (order(record, younger) >= 0 || hasClass(record, classKey(younger.signal))) return false;
        return isAlike(record, { ids, since: younger.started_us, name }, moment);
      });
      if (older) this.#mergeInto(younger, older.id, moment);
    }
  }

  #mergeInto(younger: IncidentRecord, into: string, moment: Moment): void {
    const { incidents, classes } = this.#options;
    for (const { signal } of younger.symptoms) {
      const of = classes.get(classKey(signal));
      const members = of ? this.#membersOf(of, younger.id, []) : [];
      if (of && members.length > 0) this.#admit(into, of, members, moment);
    }
    incidents.merge(younger.id, into, moment, this.#config);
  }

  /** Hosts join an incident; when they bring silence with them, whoever heard of it is to hear of that. */
  #admit(id: string, of: SignalClass, members: readonly Active[], moment: Moment): void {
    const { incidents } = this.#options;
    const isWorse =
      of.signal.kind === 'silence' && !hasClass(incidents.records.get(id) as IncidentRecord, of.key);
    incidents.admit(id, of, members, moment, this.#config);
    if (isWorse) incidents.escalate(id, 'silence');
  }

  #begin(of: SignalClass, { canonical: name }: Group, moment: Moment): string | null {
    const { incidents, population } = this.#options;
    const { signal, severity } = of;
    const opening = { fingerprint: fingerprintOf(of, name), signal, severity, fleet: population.size };
    return incidents.begin(opening, moment, this.#config)?.id ?? null;
  }

  /** The strongest explanation stands: hosts that recover one by one do not make it weaker. */
  #explainBy(
    id: string,
    { explanation, canonical: name }: Group,
    unexplained: readonly string[],
    moment: Moment,
  ): void {
    const { incidents, population } = this.#options;
    const record = incidents.records.get(id) as IncidentRecord;
    const before = record.explanation;
    if (!explanation || (before && !isStronger(explanation, before))) return;
    const change = {
      explanation,
      fleet: Math.max(record.fleet, population.size),
      unexplained: {
        total: unexplained.length,
        hosts: unexplained.toSorted().slice(0, MOST_UNEXPLAINED),
      },
      changes: this.#changesOf(record),
    };
    if (before && canonical(before.items) === name) {
      incidents.change(id, change);
      return;
    }
    // What it fires with is no news.
    if (!before && record.detected_us === moment.nowUs) {
      incidents.change(id, change);
      return;
    }
    incidents.note(id, change, moment, 'explained', name);
    if (record.signal.kind === 'crash') {
      // One signature is one page, but whoever took care of one host has to hear of a kernel.
      if (record.acknowledged) incidents.escalate(id, 'explained');
      return;
    }
    incidents.rename(id, fingerprintOf({ key: classKey(record.signal) }, name), moment);
    // Whoever heard of one host is to hear that it is more; and of a rack, that it is the fleet.
    if (!before) incidents.escalate(id, 'explained');
    else if (explanation.affected >= SPREAD_TIMES * before.affected) incidents.escalate(id, 'spread');
  }

  /** Hosts of which nothing explains why it is them. */
  #lonely(of: SignalClass, left: readonly Active[], moment: Moment): void {
    const { incidents } = this.#options;
    const open = incidents.openWith(of.key);
    const fired = open.filter(({ state }) => state !== 'candidate');
    const candidate = open.find(({ state }) => state === 'candidate');
    let pool: Active[] = [];
    const belonging = new Map<string, Active[]>();
    for (const active of left) {
      const { incident } = active.spell;
      if (incident !== '' && incident !== candidate?.id) continue;
      // A host that was in it, or has what its hosts have in common, is of it.
      const record = fired.find((one) => this.#belongs(one, active.host.id));
      if (record) push(belonging, record.id, active);
      else pool.push(active);
    }
    for (const [id, members] of belonging) incidents.admit(id, of, members, moment, this.#config);
    pool = this.#towards(of, pool, moment);
    if (of.signal.kind === 'silence') pool = this.#ofKnown(of, pool, moment);
    // Of hosts behind one switch some are missed sooner than others: silence waits for them.
    const fleet = this.#options.population.size;
    const isNoChance =
      of.signal.kind !== 'silence' && isCrowd(pool.length, fleet, this.#config) && !isGrowing(pool, moment);
    const ready = isNoChance
      ? pool
      : pool.filter((active) => hasLasted(of, active, moment, fleet, this.#config));
    if (ready.length > 0) {
      const gathering = fired.find((record) => this.#gathers(record, moment));
      const group: Group = {
        hosts: ready.map(({ host }) => host.id),
        canonical: scattered(ready),
        explanation: null,
      };
      if (gathering) incidents.admit(gathering.id, of, ready, moment, this.#config);
      else if (this.#place(of, group, new Set(fired.map(({ id }) => id)), moment) === null) return;
    }
    const watched = pool.filter(({ spell }) => spell.incident === '');
    if (watched.length > 0) this.#watch(of, watched, moment, '');
  }

  /** Hosts that are in no incident and whose packets were for a host that is down are of one that comes of that. */
  #consequences(of: SignalClass, free: readonly Active[], moment: Moment): void {
    if (of.signal.kind !== 'drop') return;
    const { isDown } = this.#options;
    const byCause = new Map<string, Active[]>();
    for (const [target, members] of byTarget(free.filter((active) => this.#isWatched(active)))) {
      if (!isDown(target)) continue;
      const cause = this.#incidentOf(target);
      if (cause) for (const one of members) push(byCause, cause.id, one);
    }
    for (const [cause, members] of byCause) this.#placeTowards(of, cause, members, moment);
  }

  /** The open incident of a host's death or silence. */
  #incidentOf(hostId: string): IncidentRecord | undefined {
    return this.#options.incidents.open().find(({ signal, state, hosts }) => {
      const isDeath = signal.kind === 'crash' || signal.kind === 'silence';
      return isDeath && state !== 'candidate' && hosts.some(({ host_id }) => host_id === hostId);
    });
  }

  /** Groups those whose packets were for one host. Returns those that are left. */
  #towards(of: SignalClass, pool: readonly Active[], moment: Moment): Active[] {
    const placed = new Set<string>();
    for (const [target, members] of byTarget(pool)) {
      // One of several hosts that packets were for says nothing yet: they may turn out to be of one rack.
      if (members.length < FEWEST_TOWARDS || members.length < TOWARDS_SHARE * pool.length) continue;
      if (!this.#placeTowards(of, target, members, moment)) continue;
      for (const { host } of members) placed.add(host.id);
    }
    return pool.filter(({ host }) => !placed.has(host.id));
  }

  #placeTowards(of: SignalClass, target: string, members: readonly Active[], moment: Moment): boolean {
    const name = canonical([{ attribute: 'towards', value: target }]);
    const known = this.#options.incidents
      .openWith(of.key)
      .find(({ fingerprint }) => fingerprint === fingerprintOf(of, name));
    if (known) {
      this.#admit(known.id, of, members, moment);
      return true;
    }
    const group: Group = { hosts: members.map(({ host }) => host.id), canonical: name, explanation: null };
    return this.#place(of, group, new Set(), moment) !== null;
  }

  #isWatched({ spell }: Active): boolean {
    return (
      spell.incident === '' || this.#options.incidents.records.get(spell.incident)?.state === 'candidate'
    );
  }

  /** Hosts that were in trouble until they fell silent, with others of their kind: their silence is of that. Returns the rest. */
  #ofKnown(of: SignalClass, pool: readonly Active[], moment: Moment): Active[] {
    const { incidents, population } = this.#options;
    const rest: Active[] = [];
    const belonging = new Map<string, Active[]>();
    for (const active of pool) {
      const { host, spell } = active;
      const record = incidents.open().find(({ state, signal, explanation, hosts }) => {
        if (state === 'candidate' || signal.kind === 'crash' || signal.kind === 'backlog') return false;
        const items = explanation?.items ?? [];
        if (items.length === 0 || !population.fits(host.id, items)) return false;
        return hosts.some((one) => one.host_id === host.id && spell.since_us <= one.last_us + HANDOVER_US);
      });
      if (record) push(belonging, record.id, active);
      else rest.push(active);
    }
    for (const [id, members] of belonging) this.#admit(id, of, members, moment);
    return rest;
  }

  #belongs(record: IncidentRecord, hostId: string): boolean {
    if (record.hosts.some(({ host_id }) => host_id === hostId)) return true;
    const items = record.explanation?.items ?? [];
    return items.length > 0 && this.#options.population.fits(hostId, items);
  }

  /** Whether an incident takes hosts that have nothing in common with those it has. */
  #gathers({ explanation, hosts, fingerprint, state, signal }: IncidentRecord, { nowUs }: Moment): boolean {
    // Whoever took care of it knows of the hosts that it had.
    if (explanation || state !== 'firing' || fingerprint.includes('@towards=')) return false;
    const while_us = signal.kind === 'silence' ? GATHER_SILENCE_US : GATHER_US;
    return hosts.some(({ first_us }) => nowUs - first_us < while_us);
  }

  /** Hosts that somebody may have to hear of, once it has lasted: a candidate. */
  #watch(of: SignalClass, members: readonly Active[], moment: Moment, not: string): void {
    const { incidents } = this.#options;
    const candidate = incidents.openWith(of.key).find(({ id, state }) => state === 'candidate' && id !== not);
    const group: Group = { hosts: [], canonical: 'watched', explanation: null };
    const id = candidate?.id ?? this.#begin(of, group, moment);
    if (id !== null) incidents.admit(id, of, members, moment, this.#config);
  }

  /** Hosts of a class that are in an incident, without some. */
  #membersOf(of: SignalClass, id: string, without: readonly string[]): readonly Active[] {
    const not = new Set(without);
    return [...of.active.values()].filter(({ host, spell }) => spell.incident === id && !not.has(host.id));
  }

  #scanOptions({ nowUs }: Moment): ScanOptions {
    const { changes } = this.#options;
    const { chance_ppm } = this.#config.correlate;
    return { chancePpm: chance_ppm, changedUs: this.#changedUs, announced: changes.expected(nowUs) };
  }

  #changesOf(record: IncidentRecord): readonly ChangeRef[] {
    const { changes, population } = this.#options;
    return changes.before(record.started_us, record.hosts, population);
  }

  /** When the last of some hosts came to have these values, as far as that was seen or announced. */
  readonly #changedUs = (items: readonly AttributeValue[], hosts: readonly string[]): number => {
    let latest = this.#options.changes.lastUs(items);
    for (const id of hosts) {
      const changed = this.#options.hosts.get(id)?.facts.changed ?? {};
      for (const { attribute } of items) latest = Math.max(latest, changed[attribute] ?? 0);
    }
    return latest;
  };
}

/** Trouble by the host that most of its packets were for, in the order of these. */
function byTarget(active: readonly Active[]): readonly (readonly [string, readonly Active[]])[] {
  const lists = new Map<string, Active[]>();
  for (const one of active) {
    const [target] = one.spell.towards;
    if (target) push(lists, target.host_id, one);
  }
  return [...lists].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Whether an explained incident's trouble had ended before that of these hosts began, which mostly were not in it: what they
 * are in is something else, though one that had recovered is among them.
 */
function isOver({ id, explanation, hosts }: IncidentRecord, members: readonly Active[]): boolean {
  if (!explanation) return false;
  const known = new Set(hosts.map(({ host_id }) => host_id));
  const strangers = members.filter(({ host }) => !known.has(host.id));
  if (strangers.length * 2 < members.length) return false;
  const ended = hosts.filter(({ active }) => !active).map(({ last_us }) => last_us);
  const inside = members.filter(({ spell }) => spell.incident === id);
  return ended.length > 0 && inside.every(({ spell }) => spell.since_us > Math.max(...ended));
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((id, i) => id === others[i]);
}

function scattered(active: readonly Active[]): string {
  return active.length === 1 ? `host=${active[0]?.host.id}` : 'scattered';
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
