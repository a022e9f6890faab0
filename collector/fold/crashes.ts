/**
 * The life of crashes: witnesses and reports in, crashes out. Several records of one crash, in whatever order they come,
 * are found to be one, and crashes that later turn out to be one are merged. Knows nothing of incidents, nor where logs are.
 */
import type { CrashReport, CrashWitness, Item, StoredReading } from '@netfall/proto';
import type { Addresses } from './addresses.ts';
import type { FoldConfig } from './config.ts';
import {
  type Came,
  crashOf,
  type KnownHost,
  knownHost,
  merged,
  NEW,
  recordOf,
  type StoredCrash,
  tellsMore,
  type Whose,
} from './crash.ts';
import { type HostRecord, hostname } from './host.ts';
import { order } from './incident.ts';
import type { Moment } from './log-time.ts';
import type { CrashRecord } from './model.ts';
import { readingOf } from './reading.ts';
import type { Changes, RejectReason } from './rows.ts';
import { apart, placesOf, type Traits, traitsOf } from './same-crash.ts';
import { put, take } from './sets.ts';

/** Where hosts are looked up. */
export interface KnownHosts {
  readonly records: ReadonlyMap<string, HostRecord>;
  readonly addresses: Addresses;
}

/** A record by its agent, and when it came: what the oldest one is found by. */
type Place = Pick<CrashRecord, 'known_us' | 'record'>;

const NONE: readonly StoredCrash[] = [];

export class Crashes {
  /** In the order in which they were noticed. */
  readonly all: Map<string, StoredCrash> = new Map();
  readonly #hosts: KnownHosts;
  readonly #refused: (why: RejectReason) => void;
  /** All below is derived from the crashes. */
  readonly #traits = new Map<string, Traits>();
  /** Crashes by what they may have in common with others. */
  readonly #places = new Map<string, Set<string>>();
  /** Crashes by the digests of their logs. */
  readonly #logs = new Map<string, Set<string>>();
  /** Which crash a record belongs to. */
  readonly #owners = new Map<string, string>();
  /** By agent, the oldest first. */
  readonly #byAgent = new Map<string, Place[]>();
  readonly #touched = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  #openedAt = 0;
  #openedThere = 0;

  constructor(hosts: KnownHosts, refused: (why: RejectReason) => void, stored: Iterable<StoredCrash>) {
    this.#hosts = hosts;
    this.#refused = refused;
    for (const crash of [...stored].sort(order)) this.#attach(crash);
    this.#changed.clear();
    this.#touched.clear();
  }

  /** Folds what a message of an agent says of crashes, after what it says of its host. */
  hear(agent: HostRecord, items: readonly Item[], moment: Moment, { crashes }: FoldConfig): void {
    for (const { crash_witness, crash_report } of items) {
      const witness = crash_witness ?? crash_report?.witness;
      if (!witness) continue;
      this.#take(agent, witness, crash_report ?? null, moment);
      for (let kept = this.#keptOf(agent.id); kept.length > crashes.records_per_host; ) {
        this.#forgetRecord(agent.id, kept[0]);
        kept = this.#keptOf(agent.id);
      }
      this.#forget(crashes.history);
    }
  }

  /** Takes what a newer parser reads off a log, for all records of that log. */
  read({ digest, ...told }: StoredReading): void {
    const read = readingOf(told);
    const isOlder = (record: CrashRecord) =>
      record.digest === digest && record.parser_version < read.parser_version;
    for (const id of [...(this.#logs.get(digest) ?? [])]) {
      const crash = this.all.get(id);
      if (!crash?.records.some(isOlder)) continue;
      const records = crash.records.map((record) => (isOlder(record) ? { ...record, ...read } : record));
      this.#detach(crash);
      this.#attach(crashOf({ ...crash, version: crash.version + 1 }, records));
    }
  }

  /** Crashes of a host, by id. */
  ofHost(hostId: string): Iterable<string> {
    return this.#places.get(`host ${hostId}`) ?? [];
  }

  /** The crashes that an entry made or told more of, in the order in which they were noticed. */
  takeTouched(): readonly StoredCrash[] {
    // Asked after every message, of which hardly any tells of a crash.
    if (this.#touched.size === 0) return NONE;
    const touched = Array.from(this.#touched, (id) => this.all.get(id)).filter(
      (crash) => crash !== undefined,
    );
    this.#touched.clear();
    return touched.sort(order);
  }

  /** What changed since this was last called. */
  takeChanges(): Pick<Changes, 'crashes' | 'removedCrashes'> {
    const crashes = Array.from(this.#changed, (id) => this.all.get(id)).filter(
      (crash) => crash !== undefined,
    );
    const changes = { crashes, removedCrashes: [...this.#removed] };
    this.#changed.clear();
    this.#removed.clear();
    return changes;
  }

  #take(agent: HostRecord, witness: CrashWitness, report: CrashReport | null, moment: Moment): void {
    const crash = this.all.get(this.#owners.get(keyOf(agent.id, witness.record)) ?? '');
    const before = crash?.records.find(
      ({ host_id, record }) => host_id === agent.id && record === witness.record,
    );
    if (!tellsMore(before, witness, report)) return;
    const came: Came = {
      hostId: agent.id,
      hostname: hostname(agent),
      offsetUs: agent.state.offset_us,
      nowUs: moment.nowUs,
    };
    const whose = before?.crashed
      ? before
      : this.#whose(agent, before?.sender ?? witness.sender, witness.kernel);
    const record = recordOf(before, witness, report, came, whose);
    if (!crash) {
      this.#settle(crashOf(NEW, [record]), moment);
      return;
    }
    this.#detach(crash);
    const head = { ...crash, version: crash.version + 1 };
    const others = crash.records.filter((known) => known !== before);
    const alone = crashOf(NEW, [record]);
    if (others.length === 0 || apart(traitsOf(crashOf(head, others)), traitsOf(alone)) !== null) {
      this.#settle(crashOf(head, [...others, record]), moment);
      return;
    }
    // What is known by now tells that it was not of this crash after all.
    this.#attach(crashOf(head, others));
    this.#settle(alone, moment);
  }

  /** Joins a crash that is not attached to whatever it is one with, and keeps it. */
  #settle(crash: StoredCrash, moment: Moment): void {
    let settled = crash;
    for (let twin = this.#twinOf(settled); twin; twin = this.#twinOf(settled)) {
      this.#detach(twin);
      const isOlder = settled.id !== '' && order(settled, twin) < 0;
      const [older, younger] = isOlder ? [settled, twin] : [twin, settled];
      if (younger.id !== '') this.#drop(younger.id);
      settled = merged(older, younger);
      const dropped = older.records.length + younger.records.length - settled.records.length;
      for (let i = 0; i < dropped; i++) this.#refused('too_many_crash_records');
    }
    this.#attach(settled.id === '' ? { ...settled, id: this.#nextId(moment), version: 1 } : settled);
  }

  /** The crash that is one with another, if there is one: the nearest, and of those as near the oldest. */
  #twinOf(crash: StoredCrash): StoredCrash | null {
    const traits = traitsOf(crash);
    let twin: StoredCrash | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const place of placesOf(traits)) {
      for (const id of this.#places.get(place) ?? []) {
        const other = this.all.get(id);
        const theirs = this.#traits.get(id);
        const far = theirs ? apart(traits, theirs) : null;
        if (!other || far === null || far > least) continue;
        if (far === least && twin && order(other, twin) > 0) continue;
        twin = other;
        least = far;
      }
    }
    return twin;
  }

  /** The host that crashed: the agent's own, or the one that has the sender's address. */
  #whose(agent: HostRecord, sender: string, kernel: string): Whose {
    if (sender === '') return { crashed: asKnown(agent), holders: [] };
    const holders = this.#hosts.addresses.holders(sender);
    const hosts = holders.flatMap((id) => this.#hosts.records.get(id) ?? []);
    const fitting = hosts.filter(({ facts }) => kernel !== '' && facts.inventory?.kernel === kernel);
    const [host] = hosts.length === 1 ? hosts : fitting.length === 1 ? fitting : [];
    return { crashed: host ? asKnown(host) : null, holders };
  }

  #attach(crash: StoredCrash): void {
    const { id } = crash;
    const traits = traitsOf(crash);
    this.all.set(id, crash);
    this.#changed.add(id);
    this.#touched.add(id);
    this.#traits.set(id, traits);
    for (const place of placesOf(traits)) put(this.#places, place, id);
    for (const record of crash.records) {
      if (record.digest !== '') put(this.#logs, record.digest, id);
      this.#owners.set(keyOf(record.host_id, record.record), id);
      const kept = this.#byAgent.get(record.host_id);
      if (kept) insert(kept, record);
      else this.#byAgent.set(record.host_id, [record]);
    }
  }

  /** Takes a crash out of all that is derived, and leaves it in its place among the others. */
  #detach({ id, records }: StoredCrash): void {
    const traits = this.#traits.get(id);
    this.#traits.delete(id);
    for (const place of traits ? placesOf(traits) : []) take(this.#places, place, id);
    for (const record of records) {
      take(this.#logs, record.digest, id);
      this.#owners.delete(keyOf(record.host_id, record.record));
      const kept = this.#byAgent.get(record.host_id) ?? [];
      const at = kept.findIndex((place) => place.record === record.record);
      if (at >= 0) kept.splice(at, 1);
      if (kept.length === 0) this.#byAgent.delete(record.host_id);
    }
  }

  /** Removes a crash that is detached. */
  #drop(id: string): void {
    this.all.delete(id);
    this.#changed.delete(id);
    this.#removed.add(id);
  }

  #forget(history: number): void {
    for (const [id, crash] of this.all) {
      if (this.all.size <= history) return;
      this.#detach(crash);
      this.#drop(id);
    }
  }

  /** Forgets a record, and its crash when it was the last one. */
  #forgetRecord(hostId: string, oldest: Place | undefined): void {
    const crash = this.all.get(this.#owners.get(keyOf(hostId, oldest?.record ?? '')) ?? '');
    if (!crash) throw new Error('there is a record that belongs to no crash');
    this.#detach(crash);
    const others = crash.records.filter(
      ({ host_id, record }) => host_id !== hostId || record !== oldest?.record,
    );
    if (others.length === 0) this.#drop(crash.id);
    else this.#attach(crashOf({ ...crash, version: crash.version + 1 }, others));
  }

  #keptOf(hostId: string): readonly Place[] {
    return this.#byAgent.get(hostId) ?? [];
  }

  #nextId({ sequence }: Moment): string {
    if (this.#openedAt !== sequence) {
      this.#openedAt = sequence;
      this.#openedThere = 0;
    }
    return `c${sequence}-${this.#openedThere++}`;
  }
}

function keyOf(hostId: string, record: string): string {
  return `${hostId} ${record}`;
}

function asKnown(host: HostRecord): KnownHost {
  return knownHost(host.id, hostname(host), host.facts.inventory);
}

/** Inserts in order of arrival; those that came at once by name, so that the order is that of a fold that was restored. */
function insert(kept: Place[], place: Place): void {
  let at = kept.length;
  const isAfter = (other: Place) =>
    other.known_us > place.known_us || (other.known_us === place.known_us && other.record > place.record);
  while (at > 0 && isAfter(kept[at - 1] as Place)) at--;
  kept.splice(at, 0, place);
}
