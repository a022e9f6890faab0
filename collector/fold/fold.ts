/**
 * The fold: (state, entry) → (state', changes). Pure and deterministic: two folds that started from the same rows and
 * applied the same entries hold the same rows, whatever the batches, the order of restored rows or the machine.
 *
 * Time is the log's. `nowUs` is the highest stamp so far. `liveUs` is that without the log's outages (gaps of over
 * OUTAGE_US between entries), so that an outage of the log defers every deadline by its own length. Deadlines fire at
 * each crossing of a live second, before the entry that crosses it.
 */
import type { DropReport, Entry, Envelope, Epoch } from '@netfall/proto';
import { checkEntry, decodeEntry, MAX_ENTRY_BYTES } from '@netfall/proto';
import { type FoldConfig, INITIAL_CONFIG } from './config.ts';
import { plus } from './count.ts';
import { newSignal, type Observation, observe, type SignalRecord, type Spell, seed } from './detect.ts';
import {
  addLosses,
  applyHeartbeat,
  findSignal,
  type HostRecord,
  type HostState,
  insertSignal,
  isLate,
  newHost,
  noticeConflict,
  plainInventory,
  restoredHost,
  streamOf,
} from './host.ts';
import { type HostSignal, type IncidentRecord, Incidents, type Moment } from './incidents.ts';
import { interner } from './intern.ts';
import type { Incident, Notification, Severity } from './model.ts';
import { Outbox, type OutboxStep } from './outbox.ts';
import { type Acceptance, accept, openStream } from './stream.ts';
import { Timers } from './timers.ts';

/** Of this module's rules. Any change that could give other rows from the same log is a new version. */
export const FOLD_VERSION = 1;

/** A gap between two entries that cannot be idleness, since replicas append ticks. */
const OUTAGE_US = 3_000_000;
/** A host whose messages say nothing of drops for this long has nobody left who counts them. */
const UNCOUNTED_US = 300_000_000;

/** An entry of the log. Structurally the log's own `Stored`, which this module does not import. */
export interface FoldEntry {
  readonly sequence: number;
  readonly timeUs: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** What the drop catalog says of a signal, as far as the fold goes by it. */
export interface DropClass {
  /** Everyday noise: followed, never trouble. */
  readonly everyday: boolean;
  readonly severity: Severity;
}

/** What the fold goes by besides the log. */
export interface Rules {
  readonly version: number;
  readonly cell: string;
  readonly catalogDigest: string;
  readonly classify: (reason: string, fn: string) => DropClass;
  /** Checks an epoch's configuration and completes it, or null when this version cannot make sense of it. */
  readonly readConfig: (json: string) => FoldConfig | null;
}

/** The fold's own record. */
export interface GlobalRecord {
  readonly fold_version: number;
  readonly sequence: number;
  readonly now_us: number;
  readonly live_us: number;
  readonly outages_us: number;
  readonly epoch: EpochRecord | null;
  readonly claim: ClaimRecord;
  readonly entries: number;
  /** Entries that were not folded, by why. */
  readonly rejected: Readonly<Record<string, number>>;
}

export interface EpochRecord {
  readonly sequence: number;
  readonly fold_version: number;
  readonly config_digest: string;
  readonly catalog_digest: string;
  readonly config: string;
}

export interface ClaimRecord {
  readonly holder: string;
  /** Log time. */
  readonly until_us: number;
}

/** The fold's state as rows; within a kind keyed by id. What is stored, digested and carried in snapshots. */
export interface Rows {
  readonly global: GlobalRecord;
  readonly hosts: Iterable<HostRecord>;
  readonly incidents: Iterable<IncidentRecord>;
  readonly notifications: Iterable<Notification>;
}

/** The rows that changed since the last look, and those that are gone. */
export interface Changes extends Rows {
  /** Those of the hosts whose facts changed too. */
  readonly hostFacts: ReadonlySet<string>;
  readonly removedIncidents: readonly string[];
  readonly removedNotifications: readonly string[];
}

export type RejectReason =
  | 'too_large'
  | 'undecodable'
  | 'invalid'
  | 'other_cell'
  | 'too_many_hosts'
  | 'too_many_incidents';

/** Thrown by apply at an epoch that these rules cannot fold: nothing of the entry was applied. */
export class EpochBarrier extends Error {
  readonly epoch: Epoch;
  readonly sequence: number;
  constructor(epoch: Epoch, sequence: number) {
    super(
      `entry ${sequence} begins an epoch of fold version ${epoch.fold_version}, catalog ${epoch.catalog_digest.slice(0, 12)}: ` +
        'run a release that has them',
    );
    this.name = 'EpochBarrier';
    this.epoch = epoch;
    this.sequence = sequence;
  }
}

/** Whether these rules can fold what stands behind an epoch. */
export function canFold({ version, catalogDigest, readConfig }: Rules, epoch: Epoch): boolean {
  return (
    epoch.fold_version === version &&
    epoch.catalog_digest === catalogDigest &&
    readConfig(epoch.config) !== null
  );
}

export class Fold {
  readonly #rules: Rules;
  readonly #prefix: string;
  #config: FoldConfig = INITIAL_CONFIG;
  #sequence = 0;
  #nowUs = 0;
  #liveUs = 0;
  #outagesUs = 0;
  #entries = 0;
  #epoch: EpochRecord | null = null;
  #claim: ClaimRecord = { holder: '', until_us: 0 };
  readonly #rejected = new Map<string, number>();
  readonly #hosts = new Map<string, HostRecord>();
  readonly #incidents: Incidents;
  readonly #outbox: Outbox;
  readonly #timers = new Timers();
  readonly #intern = interner();
  readonly #dirtyHosts = new Set<HostRecord>();
  #dirtyFacts = new Set<string>();
  readonly #dirtyIncidents = new Set<string>();
  readonly #dirtyNotifications = new Set<string>();
  readonly #removedIncidents = new Set<string>();
  readonly #removedNotifications = new Set<string>();

  /** A fold at the log's beginning, or one that goes on from rows of the same version, in any order. */
  constructor(rules: Rules, rows?: Rows) {
    this.#rules = rules;
    this.#prefix = `netfall.${rules.cell}.`;
    this.#incidents = new Incidents(
      {
        changed: (id) => this.#incidentChanged(id),
        removed: (id) => {
          this.#dirtyIncidents.delete(id);
          this.#removedIncidents.add(id);
        },
        notify: (kind, incident, moment) => this.#notify(kind, incident, moment),
        refused: () => this.#reject('too_many_incidents'),
      },
      rows?.incidents ?? [],
    );
    this.#outbox = new Outbox(rows?.notifications ?? []);
    if (rows) this.#restore(rows);
  }

  get sequence(): number {
    return this.#sequence;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  get claim(): ClaimRecord {
    return this.#claim;
  }

  get epoch(): EpochRecord | null {
    return this.#epoch;
  }

  /** Incidents in the order in which they opened. */
  incidents(): Iterable<Incident> {
    return this.#incidents.records.values();
  }

  /**
   * Applies the log's next entry, wholly or, when it is counted as rejected, not at all (time passes either way). Never
   * throws for what an entry holds; throws EpochBarrier where these rules end, and RangeError for an entry out of turn.
   */
  apply(entry: FoldEntry): void {
    if (entry.sequence <= this.#sequence)
      throw new RangeError(`entry ${entry.sequence} after ${this.#sequence}`);
    const decoded = this.#decode(entry);
    if (typeof decoded !== 'string' && decoded.epoch && !canFold(this.#rules, decoded.epoch)) {
      throw new EpochBarrier(decoded.epoch, entry.sequence);
    }
    this.#sequence = entry.sequence;
    this.#entries++;
    this.#advance(entry.timeUs);
    if (typeof decoded === 'string') this.#reject(decoded);
    else if (decoded.envelope) this.#envelope(decoded.envelope);
    else if (decoded.epoch) this.#beginEpoch(decoded.epoch);
    else if (decoded.claim) this.#claimed(decoded.claim.holder, decoded.claim.lease_us);
    else if (decoded.delivered) this.#settle(decoded);
  }

  /** Everything, in canonical order. The rows are the fold's own: encode them before it goes on. */
  rows(): Rows {
    return {
      global: this.#global(),
      hosts: byId([...this.#hosts.values()]),
      incidents: byId([...this.#incidents.records.values()]),
      notifications: byId([...this.#outbox.records.values()]),
    };
  }

  /** What changed since this was last called. The rows are the fold's own: encode them before it goes on. */
  takeChanges(): Changes {
    const changes: Changes = {
      global: this.#global(),
      hosts: [...this.#dirtyHosts],
      hostFacts: this.#dirtyFacts,
      incidents: Array.from(this.#dirtyIncidents, (id) => this.#incidents.records.get(id) as IncidentRecord),
      notifications: Array.from(
        this.#dirtyNotifications,
        (id) => this.#outbox.records.get(id) as Notification,
      ),
      removedIncidents: [...this.#removedIncidents],
      removedNotifications: [...this.#removedNotifications],
    };
    this.#dirtyHosts.clear();
    this.#dirtyFacts = new Set();
    this.#dirtyIncidents.clear();
    this.#dirtyNotifications.clear();
    this.#removedIncidents.clear();
    this.#removedNotifications.clear();
    return changes;
  }

  #restore({ global, hosts }: Rows): void {
    if (global.fold_version !== this.#rules.version) {
      throw new RangeError(
        `rows of fold version ${global.fold_version} in version ${this.#rules.version}: migrate first`,
      );
    }
    this.#sequence = global.sequence;
    this.#nowUs = global.now_us;
    this.#liveUs = global.live_us;
    this.#outagesUs = global.outages_us;
    this.#entries = global.entries;
    this.#claim = global.claim;
    this.#epoch = global.epoch;
    for (const [why, count] of Object.entries(global.rejected)) this.#rejected.set(why, count);
    if (global.epoch) {
      const config = this.#rules.readConfig(global.epoch.config);
      if (!config)
        throw new RangeError(`the epoch at entry ${global.epoch.sequence} has an unreadable configuration`);
      this.#config = config;
    }
    for (const record of hosts) {
      this.#hosts.set(record.id, restoredHost(record));
      const { silent_at_us: silentAt } = record.state;
      if (silentAt > 0) this.#timers.set(`h${record.id}`, silentAt);
    }
    for (const { id, due_us } of this.#incidents.records.values()) {
      if (due_us > 0) this.#timers.set(`i${id}`, due_us);
    }
  }

  #global(): GlobalRecord {
    return {
      fold_version: this.#rules.version,
      sequence: this.#sequence,
      now_us: this.#nowUs,
      live_us: this.#liveUs,
      outages_us: this.#outagesUs,
      epoch: this.#epoch,
      claim: this.#claim,
      entries: this.#entries,
      rejected: Object.fromEntries([...this.#rejected].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  #decode(entry: FoldEntry): Entry | RejectReason {
    if (entry.data.length > MAX_ENTRY_BYTES) return 'too_large';
    if (!entry.subject.startsWith(this.#prefix)) return 'other_cell';
    let decoded: Entry;
    try {
      decoded = decodeEntry(entry.data);
    } catch {
      return 'undecodable';
    }
    return checkEntry(decoded, entry.subject) === null ? decoded : 'invalid';
  }

  #advance(timeUs: number): void {
    const gap = timeUs - this.#nowUs;
    if (gap <= 0) return;
    if (this.#nowUs > 0 && gap > OUTAGE_US) this.#outagesUs += gap;
    else if (this.#nowUs > 0) this.#pass(gap);
    this.#nowUs = timeUs;
  }

  /** Lets live time pass, firing what is due at each second that it crosses. */
  #pass(us: number): void {
    const end = this.#liveUs + us;
    const startUs = this.#nowUs - this.#liveUs;
    for (let second = Math.floor(this.#liveUs / 1_000_000) + 1; second * 1_000_000 <= end; second++) {
      this.#liveUs = second * 1_000_000;
      const moment: Moment = {
        sequence: this.#sequence,
        nowUs: startUs + this.#liveUs,
        liveUs: this.#liveUs,
      };
      for (const key of this.#timers.take(second)) this.#due(key, moment);
    }
    this.#liveUs = end;
  }

  #due(key: string, moment: Moment): void {
    const id = key.slice(1);
    if (key.startsWith('i')) {
      const due = this.#incidents.records.get(id)?.due_us ?? 0;
      if (due > 0 && due <= moment.liveUs) this.#incidents.due(id, moment, this.#config);
      else if (due > 0) this.#timers.set(key, due);
      return;
    }
    const host = this.#hosts.get(id);
    if (!host || host.state.silent_at_us === 0) return;
    if (host.state.silent_at_us > moment.liveUs) {
      this.#timers.set(key, host.state.silent_at_us);
      return;
    }
    host.state.status = 'silent';
    host.state.silent_at_us = 0;
    this.#dirtyHosts.add(host);
    this.#endSignals(host, `${hostname(host)} fell silent`, moment);
  }

  #moment(): Moment {
    return { sequence: this.#sequence, nowUs: this.#nowUs, liveUs: this.#liveUs };
  }

  #reject(why: RejectReason): void {
    this.#rejected.set(why, (this.#rejected.get(why) ?? 0) + 1);
  }

  // --- What collectors say -------------------------------------------------------------------------------------------

  #beginEpoch(epoch: Epoch): void {
    this.#config = this.#rules.readConfig(epoch.config) ?? this.#config;
    this.#epoch = {
      sequence: this.#sequence,
      fold_version: epoch.fold_version,
      config_digest: epoch.config_digest,
      catalog_digest: epoch.catalog_digest,
      config: epoch.config,
    };
  }

  #claimed(holder: string, leaseUs: number): void {
    if (this.#claim.holder !== holder && this.#nowUs < this.#claim.until_us) return;
    this.#claim = { holder, until_us: this.#nowUs + leaseUs };
  }

  #settle({ delivered }: Entry): void {
    if (!delivered) return;
    this.#notificationsChanged(this.#outbox.settle(delivered, this.#nowUs));
  }

  #notify(kind: 'firing' | 'resolved', incident: Incident, moment: Moment): void {
    this.#notificationsChanged(this.#outbox.add(kind, incident, moment.nowUs, this.#config.sinks));
  }

  #notificationsChanged({ changed, removed }: OutboxStep): void {
    for (const id of changed) this.#dirtyNotifications.add(id);
    for (const id of removed) {
      this.#dirtyNotifications.delete(id);
      this.#removedNotifications.add(id);
    }
  }

  #incidentChanged(id: string): void {
    this.#dirtyIncidents.add(id);
    const due = this.#incidents.records.get(id)?.due_us ?? 0;
    if (due > 0) this.#timers.set(`i${id}`, due);
  }

  // --- What hosts say ------------------------------------------------------------------------------------------------

  #envelope(envelope: Envelope): void {
    const known = this.#hosts.get(envelope.host_id);
    if (!known && this.#hosts.size >= this.#config.limits.hosts) {
      this.#reject('too_many_hosts');
      return;
    }
    const host = known ?? newHost(envelope.host_id, this.#nowUs);
    if (!known) this.#hosts.set(host.id, host);
    this.#dirtyHosts.add(host);
    if (!known) this.#dirtyFacts.add(host.id);
    const { state } = host;
    const { fresh, newest } = this.#number(state, envelope);
    if (!fresh) return;

    if (!known) state.offset_us = this.#nowUs - envelope.observed_us;
    const late = isLate(state, envelope.observed_us, this.#nowUs, this.#liveUs);
    state.last_seen_us = this.#nowUs;
    addLosses(state, envelope.losses, this.#intern);
    // What was overtaken by a later message of the same spool says how the host was, not how it is.
    const goodbye = newest ? this.#news(host, envelope) : null;
    // After the inventory of the same message, which may hold the name to call the host by.
    if (!late && state.status === 'live') this.#reports(host, envelope, !known);
    if (state.silent_at_us > 0) this.#timers.set(`h${host.id}`, state.silent_at_us);
    if (goodbye === null) return;
    state.status = 'stopped';
    state.silent_at_us = 0;
    this.#endSignals(host, `${hostname(host)} stopped: ${goodbye}`, this.#moment());
  }

  /** What a host says of itself. Returns why it stops, or null. */
  #news(host: HostRecord, envelope: Envelope): string | null {
    host.state.status = 'live';
    let { facts } = host;
    if (facts.boot_id !== envelope.boot_id) facts = { ...facts, boot_id: envelope.boot_id };
    let goodbye: string | null = null;
    for (const item of envelope.items) {
      if (item.inventory) facts = { ...facts, inventory: plainInventory(item.inventory, this.#intern) };
      else if (item.heartbeat) {
        facts = applyHeartbeat({ ...host, facts }, item.heartbeat, this.#liveUs, this.#intern);
      } else if (item.goodbye) goodbye = item.goodbye.reason;
    }
    if (facts !== host.facts) this.#dirtyFacts.add(host.id);
    host.facts = facts;
    return goodbye;
  }

  #reports(host: HostRecord, { items }: Envelope, first: boolean): void {
    let counted = false;
    for (const { drop_report } of items) {
      if (drop_report) this.#drops(host, drop_report, first);
      counted ||= drop_report != null;
    }
    if (counted) return;
    const uncounted = ({ spell, last_us }: SignalRecord) => spell && this.#nowUs - last_us >= UNCOUNTED_US;
    if (host.state.signals.some(uncounted))
      this.#endSignals(host, `${hostname(host)} reports no drops any more`, this.#moment());
  }

  /** Whether the message is new; counts it as duplicate otherwise, and what is now known to be lost. */
  #number(host: HostState, { incarnation, seq, oldest_seq, observed_us }: Envelope): Acceptance {
    const stream = streamOf(host, incarnation, () => openStream(incarnation, oldest_seq, observed_us));
    const acceptance = accept(stream, seq, oldest_seq);
    host.messages_lost = plus(host.messages_lost, acceptance.lost);
    if (!acceptance.fresh) host.duplicates++;
    else noticeConflict(host, stream, observed_us, this.#liveUs);
    return acceptance;
  }

  #drops(host: HostRecord, report: DropReport, first: boolean): void {
    const { state } = host;
    const packets = report.received_packets + report.sent_packets;
    const mentioned = new Map<SignalRecord, number>();
    for (const { reason, function: fn, events } of report.drops) {
      const known = findSignal(state, reason, fn);
      const signal = known ?? this.#follow(state, reason, fn, mentioned);
      if (signal) mentioned.set(signal, plus(mentioned.get(signal) ?? 0, events));
    }
    for (const [signal, events] of mentioned) {
      const seen: Observation = { events, windowUs: report.window_us, packets };
      if (first) seed(signal, seen, this.#nowUs);
      else this.#observe(host, signal, seen);
    }
    const none: Observation = { events: 0, windowUs: report.window_us, packets };
    for (const signal of state.signals) {
      // What is at rest learns of its silence when it is next mentioned.
      if (signal.spell && !mentioned.has(signal)) this.#observe(host, signal, none);
    }
  }

  #observe(host: HostRecord, signal: SignalRecord, seen: Observation): void {
    const { everyday, severity } = this.#rules.classify(signal.reason, signal.function);
    const verdict = observe(signal, seen, this.#nowUs, everyday, this.#config.detect);
    const { spell } = signal;
    if (!spell?.affected) return;
    const about = hostSignal(host, signal, spell, severity);
    // Where there is no room for an incident, it is tried again when the trouble has lasted as long once more.
    if (verdict === 'affected') spell.affected = this.#incidents.began(about, this.#moment(), this.#config);
    else if (verdict === 'unchanged') this.#incidents.progressed(about, this.#moment());
    else {
      signal.spell = null;
      this.#incidents.ended(about, `${hostname(host)} recovered`, this.#moment(), this.#config);
    }
  }

  /** A new signal's record; where there is no room, the quietest one that is well and not `mentioned` makes room. */
  #follow(
    host: HostState,
    reason: string,
    fn: string,
    mentioned: ReadonlyMap<SignalRecord, number>,
  ): SignalRecord | undefined {
    const { signals } = host;
    if (signals.length >= this.#config.limits.signals_per_host) {
      let quietest: SignalRecord | undefined;
      for (const signal of signals) {
        if (signal.spell || mentioned.has(signal)) continue;
        if (!quietest || isQuieter(signal, quietest)) quietest = signal;
      }
      if (!quietest) return undefined;
      signals.splice(signals.indexOf(quietest), 1);
    }
    const signal = newSignal(this.#intern(reason), this.#intern(fn), this.#nowUs);
    insertSignal(host, signal);
    return signal;
  }

  #endSignals(host: HostRecord, why: string, moment: Moment): void {
    for (const signal of host.state.signals) {
      const { spell } = signal;
      signal.spell = null;
      if (!spell?.affected) continue;
      const { severity } = this.#rules.classify(signal.reason, signal.function);
      this.#incidents.ended(hostSignal(host, signal, spell, severity), why, moment, this.#config);
    }
  }
}

function hostSignal(host: HostRecord, signal: SignalRecord, spell: Spell, severity: Severity): HostSignal {
  return {
    hostId: host.id,
    hostname: hostname(host),
    signal: { kind: 'drop', reason: signal.reason, function: signal.function },
    severity,
    events: spell.events,
    peakRate: spell.peak_rate,
    baselineRate: spell.baseline_rate,
    sinceUs: spell.since_us,
  };
}

function hostname({ id, facts }: HostRecord): string {
  return facts.inventory?.hostname || id;
}

/** Compares by what was usual, then by when it was last seen; signals come in the order of their names. */
function isQuieter(a: SignalRecord, b: SignalRecord): boolean {
  return a.baseline < b.baseline || (a.baseline === b.baseline && a.last_us < b.last_us);
}

function byId<T extends { readonly id: string }>(list: T[]): T[] {
  return list.sort((a, b) => (a.id < b.id ? -1 : 1));
}
