/**
 * Which crashes are of one incident: those of one signature, however many hosts; which hosts crash again and again; and which
 * crashes came with a new kernel or image. A crash is told of at its first sign, when nobody knows its signature yet: until its
 * log is read it goes with others that look alike. Must not know how crashes are put together.
 */
import { attributesOf } from './attributes.ts';
import type { FoldConfig } from './config.ts';
import { isSurvived, readingIn, type StoredCrash } from './crash.ts';
import { type HostRecord, hostname } from './host.ts';
import { type CrashRef, type IncidentRecord, isOpen } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Moment } from './log-time.ts';
import type { CrashSignal, IncidentHost, Rollout } from './model.ts';
import { compare } from './text.ts';

/** Crashes that an incident keeps: the newest ones. */
const MOST_CRASHES = 200;
/** A crash that is older than this when it is first heard of is history: it pages nobody. */
const LATE_US = 600_000_000;
/** Crashes of which nobody knows more than the first line go together when they come within this time. */
const ALIKE_US = 600_000_000;
/** So many crashes of one host within an hour are a loop. */
const LOOP_CRASHES = 3;
const LOOP_US = 3_600_000_000;
/** What hosts came to this long before their crash may be its cause. */
const ROLLOUT_US = 7 * 86_400_000_000;
const ROLLED_OUT: readonly string[] = ['kernel', 'image', 'firmware', 'microcode'];
/** A host that fell silent was heard of last at most this long before or after its crash. */
const AROUND_US = 120_000_000;

export interface CrashIncidentsOptions {
  readonly incidents: Incidents;
  readonly crashes: ReadonlyMap<string, StoredCrash>;
  /** Crashes of a host, by id. */
  readonly crashesOf: (hostId: string) => Iterable<string>;
  readonly hosts: ReadonlyMap<string, HostRecord>;
  /** Hosts in the fleet. */
  readonly fleet: () => number;
  /** A host's silence turns out to be a crash's. */
  readonly endSilence: (host: HostRecord, why: string) => void;
  /** An incident has other hosts now: what do they have in common? */
  readonly explain: (id: string, moment: Moment) => void;
}

export class CrashIncidents {
  readonly #options: CrashIncidentsOptions;
  /** Which incident a crash is of. Derived. */
  readonly #of = new Map<string, string>();

  constructor(options: CrashIncidentsOptions) {
    this.#options = options;
    for (const { id, crashes } of options.incidents.records.values()) {
      for (const crash of crashes) this.#of.set(crash.id, id);
    }
  }

  /** Whether a host crashed about when it was heard of last, or later: its silence is that. */
  hasCrashed(hostId: string, lastSeenUs: number): boolean {
    const { crashes, crashesOf } = this.#options;
    for (const id of crashesOf(hostId)) {
      const crash = crashes.get(id);
      if (crash?.host_id === hostId && isOfSilence(crash, lastSeenUs)) return true;
    }
    return false;
  }

  /** Whether a host is known to have died, in an incident that is open. */
  isDown(hostId: string): boolean {
    const { crashes, crashesOf, incidents, hosts } = this.#options;
    for (const id of crashesOf(hostId)) {
      const crash = crashes.get(id);
      if (crash?.host_id !== hostId || isSurvived(crash.kind)) continue;
      const state = hosts.get(hostId)?.state;
      const isBack = state?.status === 'live' && state.back_us >= crash.at_us;
      if (!isBack && incidents.isOpenNow(this.#of.get(id) ?? '')) return true;
    }
    return false;
  }

  /** A crash is new, or more is known of it. */
  take(crash: StoredCrash, moment: Moment, config: FoldConfig): void {
    const { incidents } = this.#options;
    const signal = signalOf(crash);
    const known = this.#incidentOf(crash);
    let record = known;
    if (!known) record = this.#newcomer(crash, signal, moment, config);
    else if (isOpen(known)) record = this.#better(known, crash, signal, moment, config);
    if (!record) return;
    const isNew = record.id !== known?.id;
    this.#list(record.id, crash, signal, moment, config, isNew);
    if (!isOpen(incidents.records.get(record.id) as IncidentRecord)) return;
    this.#claimSilence(record.id, crash, moment, config);
    if (isNew || signal.signature !== '') this.#options.explain(record.id, moment);
  }

  /** The incident that a crash that is new is of; null when nobody is to hear of it. */
  #newcomer(
    crash: StoredCrash,
    signal: CrashSignal,
    moment: Moment,
    config: FoldConfig,
  ): IncidentRecord | null {
    const target =
      signal.signature === '' ? this.#lookalike(crash, moment) : this.#ofSignature(signal.signature);
    const isLate = moment.nowUs - crash.at_us > LATE_US;
    if (isLate) {
      if (target) this.#amend(target, crash);
      return null;
    }
    return target ?? this.#open(crash, signal, moment, config);
  }

  /** The incident of a crash of which more is known now: mostly the same. */
  #better(
    record: IncidentRecord,
    crash: StoredCrash,
    signal: CrashSignal,
    moment: Moment,
    config: FoldConfig,
  ): IncidentRecord | null {
    const { incidents } = this.#options;
    const ref = record.crashes.find(({ id }) => id === crash.id);
    const { signature } = record.signal as CrashSignal;
    if (signal.signature === '' || signature === signal.signature || !ref?.provisional) return record;
    const other = this.#ofSignature(signal.signature);
    const isFirstRead = signature === '' && record.crashes.every(({ provisional }) => provisional);
    if (!other && isFirstRead) {
      const rollout = this.#rolloutOf(crash, signal.signature);
      const { title } = signal;
      incidents.note(
        record.id,
        { signal, rollout, symptoms: [symptom(record, signal)] },
        moment,
        'read',
        title,
      );
      incidents.rename(record.id, fingerprintOf(signal, crash), moment);
      if (rollout) incidents.escalate(record.id, 'rollout');
      return incidents.records.get(record.id) ?? null;
    }
    const target = other ?? this.#open(crash, signal, moment, config);
    if (target) this.#move(record, target.id, crash, moment, config);
    return target;
  }

  /** Puts a crash and its host on an incident's lists, or brings them up to date. */
  #list(
    id: string,
    crash: StoredCrash,
    signal: CrashSignal,
    moment: Moment,
    config: FoldConfig,
    isNew: boolean,
  ): void {
    const { incidents } = this.#options;
    const record = incidents.records.get(id) as IncidentRecord;
    const answersTo = [crash.id, ...crash.merged];
    const before = record.crashes.filter((ref) => answersTo.includes(ref.id));
    const ref: CrashRef = {
      id: crash.id,
      host_id: crash.host_id,
      at_us: crash.at_us,
      provisional: signal.signature === '' || signal.signature !== (record.signal as CrashSignal).signature,
    };
    if (before.length === 1 && isSameRef(before[0] as CrashRef, ref)) return;
    const crashes = [...record.crashes.filter((one) => !before.includes(one)), ref]
      .sort((a, b) => a.at_us - b.at_us || (a.id < b.id ? -1 : 1))
      .slice(-MOST_CRASHES);
    for (const { id: gone } of before) this.#of.delete(gone);
    this.#of.set(crash.id, id);
    const hosts = this.#hostsOf(record, crashes, crash, config.incident.max_hosts);
    const loops = isOpen(record) ? loopsOf(crashes) : record.loops;
    const isLoop = loops.length > 0 && record.loops.length === 0;
    const change: Partial<IncidentRecord> = {
      crashes,
      hosts,
      hosts_total: record.hosts_total + (this.#isListed(record, crash) ? 0 : 1),
      loops,
      started_us: Math.min(record.started_us, crash.at_us),
      last_us: Math.max(record.last_us, crash.at_us),
      ...(isLoop ? { severity: 'critical' as const } : {}),
    };
    if (isNew && isOpen(record)) {
      const again = record.state === 'resolving';
      Object.assign(change, { due_us: moment.liveUs + config.incident.crash_quiet_s * 1_000_000 });
      if (again)
        Object.assign(change, {
          state: record.acknowledged ? 'acknowledged' : 'firing',
          returns: record.returns + 1,
        });
      const who = crash.hostname || crash.records[0]?.sender || 'a host that is not known';
      if (record.crashes.length === 0) incidents.change(id, change);
      else incidents.note(id, change, moment, again ? 'firing' : 'crashed', who);
    } else incidents.change(id, change);
    if (!isLoop) return;
    const names = loops.map((hostId) => this.#nameOf(hostId)).join(', ');
    incidents.note(id, {}, moment, 'crash loop', names);
    incidents.escalate(id, 'crash-loop');
  }

  #hostsOf(
    { hosts }: IncidentRecord,
    crashes: readonly CrashRef[],
    crash: StoredCrash,
    most: number,
  ): readonly IncidentHost[] {
    const id = crash.host_id;
    const own = crashes.filter((ref) => ref.host_id === id);
    const name = crash.hostname || crash.records[0]?.sender || '';
    const isIt = (host: IncidentHost) => host.host_id === id && (id !== '' || host.hostname === name);
    const times = own.map(({ at_us }) => at_us);
    const host: IncidentHost = {
      host_id: id,
      hostname: name,
      first_us: Math.min(...times),
      last_us: Math.max(...times),
      ...{ active: true, events: 0, peak_rate: 0, baseline_rate: 0 },
      crashes: own.length,
    };
    // What was not known whose it was is this host's now.
    const others = hosts.filter(
      (one) => !isIt(one) && !(one.host_id === '' && id !== '' && isHeardAs(one, crash)),
    );
    if (others.length === hosts.length && hosts.length >= most) return hosts;
    return [...others, host].sort((a, b) => compare(a.host_id, b.host_id) || compare(a.hostname, b.hostname));
  }

  /** Whether an incident has an earlier crash of the same host, known or heard from the same address. */
  #isListed(record: IncidentRecord, crash: StoredCrash): boolean {
    return record.crashes.some(({ id, host_id }) => {
      if (id === crash.id || crash.merged.includes(id)) return true;
      if (crash.host_id !== '') return host_id === crash.host_id;
      const other = this.#options.crashes.get(id);
      return other?.host_id === '' && other.records[0]?.sender === crash.records[0]?.sender;
    });
  }

  /** The host's silence, and the incident of it, are this crash's, whether the host is back by now or not. */
  #claimSilence(id: string, crash: StoredCrash, moment: Moment, config: FoldConfig): void {
    const { incidents, hosts, endSilence } = this.#options;
    const host = hosts.get(crash.host_id);
    if (!host) return;
    if (host.state.silence && isOfSilence(crash, host.state.silence.since_us)) {
      endSilence(host, `${hostname(host)} had crashed: ${id}`);
    }
    const crashed = new Set(
      (incidents.records.get(id) as IncidentRecord).hosts.map(({ host_id }) => host_id),
    );
    for (const silence of incidents.openWith('silence')) {
      const mine = silence.hosts.find(({ host_id }) => host_id === crash.host_id);
      if (silence.signal.kind !== 'silence' || !mine || !isOfSilence(crash, mine.first_us)) continue;
      // Of those that did not crash somebody still has to hear.
      if (silence.hosts.every(({ host_id }) => crashed.has(host_id)))
        incidents.merge(silence.id, id, moment, config);
    }
  }

  #open(crash: StoredCrash, signal: CrashSignal, moment: Moment, config: FoldConfig): IncidentRecord | null {
    const { incidents, fleet } = this.#options;
    const severity = isSurvived(crash.kind) ? ('warning' as const) : ('critical' as const);
    const fingerprint = fingerprintOf(signal, crash);
    const opened = incidents.begin({ fingerprint, signal, severity, fleet: fleet() }, moment, config);
    if (!opened) return null;
    const rollout = signal.signature === '' ? null : this.#rolloutOf(crash, signal.signature);
    const symptoms = [{ signal, severity, first_us: crash.at_us, hosts_total: 1 }];
    incidents.change(opened.id, { rollout, symptoms, started_us: crash.at_us });
    const who = crash.hostname || crash.records[0]?.sender || 'a host that is not known';
    incidents.fire(opened.id, fingerprint, moment, `by ${who}`);
    return incidents.records.get(opened.id) ?? null;
  }

  /** A crash, and its host, go over to the incident of its signature. */
  #move(from: IncidentRecord, to: string, crash: StoredCrash, moment: Moment, config: FoldConfig): void {
    const { incidents } = this.#options;
    const crashes = from.crashes.filter(({ id }) => id !== crash.id);
    const stays = crashes.some(({ host_id }) => host_id === crash.host_id);
    const hosts = stays ? from.hosts : from.hosts.filter(({ host_id }) => host_id !== crash.host_id);
    const hosts_total = from.hosts_total - from.hosts.length + hosts.length;
    if (crashes.length === 0) {
      incidents.change(from.id, { crashes });
      incidents.merge(from.id, to, moment, config);
    } else incidents.note(from.id, { crashes, hosts, hosts_total }, moment, 'moved', `${crash.id} to ${to}`);
  }

  /** What came late adds to what is known, and to nothing else. */
  #amend({ id, late, crashes }: IncidentRecord, crash: StoredCrash): void {
    if (crashes.some((ref) => ref.id === crash.id)) return;
    this.#options.incidents.change(id, { late: { ...late, reports: late.reports + 1 } });
  }

  #ofSignature(signature: string): IncidentRecord | null {
    return this.#options.incidents.openWith(`crash/${signature}`).at(-1) ?? null;
  }

  /** The newest incident with a crash of the same kind, not long ago. */
  #lookalike(crash: StoredCrash, { nowUs }: Moment): IncidentRecord | null {
    const { incidents, crashes } = this.#options;
    const alike = incidents.open().filter((record) => {
      return record.crashes.some(({ id, at_us }) => {
        return nowUs - at_us < ALIKE_US && crashes.get(id)?.kind === crash.kind;
      });
    });
    return alike.at(-1) ?? null;
  }

  #incidentOf(crash: StoredCrash): IncidentRecord | null {
    for (const id of [crash.id, ...crash.merged]) {
      const record = this.#options.incidents.records.get(this.#of.get(id) ?? '');
      if (record) return record;
    }
    return null;
  }

  /** What a host came to before its crash, if no crash of the signature was ever seen before: what it came to last. */
  #rolloutOf(crash: StoredCrash, signature: string): Rollout | null {
    const { crashes, hosts } = this.#options;
    const host = hosts.get(crash.host_id);
    if (!host) return null;
    for (const other of crashes.values()) {
      if (other.id === crash.id || other.at_us >= crash.at_us) continue;
      if (readingIn(other).reading?.signature === signature) return null;
    }
    const { changed, inventory } = host.facts;
    const [newest] = Object.entries(changed)
      .filter(
        ([key, us]) =>
          ROLLED_OUT.includes(key) && us <= crash.at_us + AROUND_US && crash.at_us - us < ROLLOUT_US,
      )
      .sort(([a, x], [b, y]) => y - x || ROLLED_OUT.indexOf(a) - ROLLED_OUT.indexOf(b));
    if (!newest || !inventory) return null;
    const [attribute, since_us] = newest;
    return { attribute, value: this.#valueOf(host, attribute), since_us };
  }

  #valueOf({ facts }: HostRecord, attribute: string): string {
    return attributesOf(facts.inventory)[attribute] ?? '';
  }

  #nameOf(hostId: string): string {
    const host = this.#options.hosts.get(hostId);
    return host ? hostname(host) : hostId;
  }
}

function signalOf(crash: StoredCrash): CrashSignal {
  const { reading } = readingIn(crash);
  return {
    kind: 'crash',
    signature: reading?.signature ?? '',
    title: reading?.title || crash.line || crash.kind,
  };
}

/** Of what nobody has read there is no telling whether it happened before. */
function fingerprintOf({ signature }: CrashSignal, { id }: StoredCrash): string {
  return `crash/${signature || `unread/${id}`}`;
}

function symptom({ symptoms, severity }: IncidentRecord, signal: CrashSignal): IncidentRecord['symptoms'][0] {
  const [first] = symptoms;
  return first ? { ...first, signal } : { signal, severity, first_us: 0, hosts_total: 1 };
}

/** Whether a crash is why its host was heard of last then. */
function isOfSilence({ at_us, kind }: StoredCrash, lastSeenUs: number): boolean {
  return !isSurvived(kind) && at_us >= lastSeenUs - AROUND_US;
}

function isSameRef(a: CrashRef, b: CrashRef): boolean {
  return a.id === b.id && a.host_id === b.host_id && a.at_us === b.at_us && a.provisional === b.provisional;
}

function isHeardAs({ hostname: name }: IncidentHost, { records }: StoredCrash): boolean {
  return records.some(({ sender }) => sender === name);
}

/** Hosts with so many crashes within an hour, by id. */
function loopsOf(crashes: readonly CrashRef[]): readonly string[] {
  const times = new Map<string, number[]>();
  for (const { host_id, at_us } of crashes) {
    if (host_id !== '') times.set(host_id, [...(times.get(host_id) ?? []), at_us]);
  }
  const isLoop = (of: readonly number[]) =>
    of.some((at, i) => (of[i + LOOP_CRASHES - 1] ?? Number.POSITIVE_INFINITY) - at <= LOOP_US);
  return [...times]
    .filter(([, of]) => isLoop(of))
    .map(([id]) => id)
    .sort();
}
