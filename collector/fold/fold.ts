/**
 * The fold: (state, entry) → (state', changes). Pure and deterministic: two folds that started from the same rows and
 * applied the same entries hold the same rows, whatever the batches, the order of restored rows or the machine. This
 * module hands each entry to the part that it is for; what hosts say, incidents, crashes, deliveries, changes and silences
 * mean is theirs to know.
 */
import type { Command, Entry, Envelope, Epoch, StoredReading } from '@netfall/proto';
import { checkEntry, decodeEntry, MAX_ENTRY_BYTES, switchesOf } from '@netfall/proto';
import { AnnouncedChanges } from './changes.ts';
import type { FoldConfig } from './config.ts';
import { Correlation } from './correlation.ts';
import { Crashes } from './crashes.ts';
import { Hosts } from './hosts.ts';
import type { IncidentRecord } from './incident.ts';
import { LogTime, type Moment } from './log-time.ts';
import type { Incident, Notification } from './model.ts';
import { Outbox, type OutboxStep } from './outbox.ts';
import type {
  Changes,
  ClaimRecord,
  EpochRecord,
  GlobalRecord,
  RejectReason,
  Rows,
  SwitchesRecord,
} from './rows.ts';
import { canFold, EpochBarrier, type FoldEntry, type Rules } from './rules.ts';
import { Silences } from './silences.ts';

export type { Changes, ClaimRecord, EpochRecord, GlobalRecord, Rows } from './rows.ts';
export { canFold, EpochBarrier, FOLD_VERSION, type FoldEntry, type Rules } from './rules.ts';

export class Fold {
  readonly #rules: Rules;
  readonly #prefix: string;
  readonly #time = new LogTime();
  #config: FoldConfig;
  #entries = 0;
  #epoch: EpochRecord | null = null;
  #claim: ClaimRecord = { holder: '', until_us: 0 };
  #switches: SwitchesRecord = { sequence: 0, by: '', switches: [] };
  readonly #rejected = new Map<string, number>();
  readonly #hosts: Hosts;
  readonly #correlation: Correlation;
  readonly #crashes: Crashes;
  readonly #outbox: Outbox;
  readonly #announced: AnnouncedChanges;
  readonly #silences: Silences;
  readonly #dirtyIncidents = new Set<string>();
  readonly #dirtyNotifications = new Set<string>();
  readonly #removedIncidents = new Set<string>();
  readonly #removedNotifications = new Set<string>();

  /** A fold at the log's beginning, or one that goes on from rows of the same version, in any order. */
  constructor(rules: Rules, rows?: Rows) {
    this.#rules = rules;
    this.#config = rules.initialConfig;
    this.#prefix = `netfall.${rules.cell}.`;
    this.#outbox = new Outbox(rows?.notifications ?? []);
    this.#announced = new AnnouncedChanges(rows?.changes ?? []);
    this.#silences = new Silences((why) => this.#reject(why), rows?.silences ?? []);
    if (rows) this.#restore(rows.global);
    const refused = (why: RejectReason) => this.#reject(why);
    this.#correlation = new Correlation(
      {
        events: {
          changed: (id) => this.#dirtyIncidents.add(id),
          removed: (id) => {
            this.#dirtyIncidents.delete(id);
            this.#removedIncidents.add(id);
          },
          hostChanged: (host) => this.#hosts.changed(host),
          notify: (kind, incident, moment, why) => this.#notify(kind, incident, moment, why),
          refused: () => refused('too_many_incidents'),
        },
        classify: rules.classify,
        time: this.#time,
        changes: this.#announced,
        silences: this.#silences.all,
      },
      this.#config,
      rows?.incidents ?? [],
    );
    const { classes, population, incidents } = this.#correlation;
    this.#hosts = new Hosts(
      {
        ...{ config: this.#config, rules, time: this.#time, classes, incidents, population, refused },
        hasCrashed: (hostId, sinceUs) => this.#correlation.hasCrashed(hostId, sinceUs),
        late: (host, envelope) => this.#correlation.late(host, envelope),
        isSwitchedOff: (source) => this.#isSwitchedOff(source),
      },
      rows,
    );
    this.#crashes = new Crashes(this.#hosts, refused, rows?.crashes ?? []);
    this.#correlation.begin({
      hosts: this.#hosts.records,
      crashes: this.#crashes.all,
      crashesOf: (hostId) => this.#crashes.ofHost(hostId),
      endSilence: (host, why) => this.#hosts.endSilence(host, why),
    });
  }

  get sequence(): number {
    return this.#time.sequence;
  }

  get nowUs(): number {
    return this.#time.nowUs;
  }

  get claim(): ClaimRecord {
    return this.#claim;
  }

  get epoch(): EpochRecord | null {
    return this.#epoch;
  }

  /** Incidents in the order in which they opened. */
  incidents(): Iterable<Incident> {
    return this.#correlation.incidents.records.values();
  }

  /**
   * Applies the log's next entry, wholly or, when it is counted as rejected, not at all (time passes either way). Never
   * throws for what an entry holds; throws EpochBarrier where these rules end, and RangeError for an entry out of turn.
   */
  apply(entry: FoldEntry): void {
    if (entry.sequence <= this.sequence)
      throw new RangeError(`entry ${entry.sequence} after ${this.sequence}`);
    const decoded = this.#decode(entry);
    if (typeof decoded !== 'string' && decoded.epoch && !canFold(this.#rules, decoded.epoch)) {
      throw new EpochBarrier(decoded.epoch, entry.sequence);
    }
    this.#entries++;
    this.#time.advance(entry.sequence, entry.timeUs, this.#crossed);
    if (typeof decoded === 'string') this.#reject(decoded);
    else if (decoded.envelope) this.#hear(decoded.envelope);
    else if (decoded.epoch) this.#beginEpoch(decoded.epoch);
    else if (decoded.claim) this.#claimed(decoded.claim.holder, decoded.claim.lease_us);
    else if (decoded.delivered) this.#settle(decoded);
    else if (decoded.reading) this.#read(decoded.reading);
    else if (decoded.change) this.#announced.announce(decoded.change, this.#time);
    else if (decoded.command) this.#obey(decoded.command);
    else if (decoded.switches) {
      const { sequence, stampUs } = this.#time;
      this.#switches = {
        sequence,
        by: decoded.switches.by,
        switches: switchesOf(decoded.switches, stampUs),
      };
    }
  }

  /** Everything, in canonical order. The rows are the fold's own: encode them before it goes on. */
  rows(): Rows {
    return {
      global: this.#global(),
      hosts: byId([...this.#hosts.records.values()]),
      incidents: byId([...this.#correlation.incidents.records.values()]),
      crashes: byId([...this.#crashes.all.values()]),
      notifications: byId([...this.#outbox.records.values()]),
      changes: byId([...this.#announced.all.values()]),
      silences: byId([...this.#silences.all.values()]),
    };
  }

  /** What changed since this was last called. The rows are the fold's own: encode them before it goes on. */
  takeChanges(): Changes {
    const changes: Changes = {
      global: this.#global(),
      ...this.#hosts.takeChanges(),
      ...this.#crashes.takeChanges(),
      ...this.#announced.takeChanges(),
      ...this.#silences.takeChanges(),
      incidents: Array.from(
        this.#dirtyIncidents,
        (id) => this.#correlation.incidents.records.get(id) as IncidentRecord,
      ),
      notifications: Array.from(
        this.#dirtyNotifications,
        (id) => this.#outbox.records.get(id) as Notification,
      ),
      removedIncidents: [...this.#removedIncidents],
      removedNotifications: [...this.#removedNotifications],
    };
    this.#dirtyIncidents.clear();
    this.#dirtyNotifications.clear();
    this.#removedIncidents.clear();
    this.#removedNotifications.clear();
    return changes;
  }

  #restore(global: GlobalRecord): void {
    if (global.fold_version !== this.#rules.version) {
      throw new RangeError(
        `rows of fold version ${global.fold_version} in version ${this.#rules.version}: migrate first`,
      );
    }
    this.#time.sequence = global.sequence;
    this.#time.nowUs = global.now_us;
    this.#time.liveUs = global.live_us;
    this.#time.outagesUs = global.outages_us;
    this.#time.stampUs = global.stamp_us;
    this.#entries = global.entries;
    this.#claim = global.claim;
    this.#switches = global.switches;
    this.#epoch = global.epoch;
    for (const [why, count] of Object.entries(global.rejected)) this.#rejected.set(why, count);
    if (!global.epoch) return;
    const config = this.#rules.readConfig(global.epoch.config);
    if (!config)
      throw new RangeError(`the epoch at entry ${global.epoch.sequence} has an unreadable configuration`);
    this.#config = config;
  }

  #global(): GlobalRecord {
    return {
      fold_version: this.#rules.version,
      sequence: this.#time.sequence,
      now_us: this.#time.nowUs,
      live_us: this.#time.liveUs,
      outages_us: this.#time.outagesUs,
      stamp_us: this.#time.stampUs,
      epoch: this.#epoch,
      claim: this.#claim,
      switches: {
        ...this.#switches,
        switches: this.#switches.switches.filter(({ until_us }) => until_us > this.nowUs),
      },
      entries: this.#entries,
      rejected: Object.fromEntries([...this.#rejected].sort(([a], [b]) => (a < b ? -1 : 1))),
      forgotten: this.#hosts.forgotten,
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

  /** Crashes too where the message is late, or was overtaken by a later one: they are history whenever they come. */
  #hear(envelope: Envelope): void {
    const host = this.#hosts.hear(envelope);
    if (!host) return;
    this.#crashes.hear(host, envelope.items, this.#time, this.#config);
    this.#correlation.crashed(this.#crashes.takeTouched());
  }

  #read(reading: StoredReading): void {
    this.#crashes.read(reading);
    this.#correlation.crashed(this.#crashes.takeTouched());
  }

  /** A live second is crossed: hosts first, whose silence may end an incident's trouble. */
  readonly #crossed = (second: number): void => {
    this.#hosts.pass(second);
    this.#correlation.pass(second);
    this.#silences.pass(this.#time);
  };

  /** Does what an operator decided. */
  #obey(command: Command): void {
    if (command.silence) this.#silences.begin(command.silence, command, this.#time);
    else if (command.end_silence) this.#silences.end(command.end_silence.id, command, this.#time);
    else this.#correlation.operate(command);
  }

  /** Whether a source is switched off anywhere now. */
  #isSwitchedOff(source: string): boolean {
    return this.#switches.switches.some((one) => one.source === source && one.until_us > this.nowUs);
  }

  #reject(why: RejectReason): void {
    this.#rejected.set(why, (this.#rejected.get(why) ?? 0) + 1);
  }

  #beginEpoch(epoch: Epoch): void {
    this.#config = this.#rules.readConfig(epoch.config) ?? this.#config;
    this.#hosts.configure(this.#config);
    this.#correlation.configure(this.#config);
    this.#notificationsChanged(this.#outbox.retain(this.#config.sinks, this.nowUs));
    this.#epoch = {
      sequence: this.sequence,
      fold_version: epoch.fold_version,
      config_digest: epoch.config_digest,
      catalog_digest: epoch.catalog_digest,
      config: epoch.config,
    };
  }

  #claimed(holder: string, leaseUs: number): void {
    if (this.#claim.holder !== holder && this.nowUs < this.#claim.until_us) return;
    this.#claim = { holder, until_us: this.nowUs + leaseUs };
  }

  #settle({ delivered }: Entry): void {
    if (!delivered) return;
    this.#notificationsChanged(this.#outbox.settle(delivered, this.nowUs));
  }

  #notify(kind: Notification['kind'], incident: Incident, moment: Moment, why?: string): void {
    const { sinks } = this.#config;
    this.#notificationsChanged(this.#outbox.add(kind, incident, moment.nowUs, sinks, why));
  }

  #notificationsChanged({ changed, removed }: OutboxStep): void {
    for (const id of changed) this.#dirtyNotifications.add(id);
    for (const id of removed) {
      this.#dirtyNotifications.delete(id);
      this.#removedNotifications.add(id);
    }
  }
}

function byId<T extends { readonly id: string }>(list: T[]): T[] {
  return list.sort((a, b) => (a.id < b.id ? -1 : 1));
}
