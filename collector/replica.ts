/**
 * A replica: reads the log, has it folded, and appends what collectors say there: epochs, ticks, claims, outcomes of
 * deliveries, readings. Also takes snapshots and, by them, retires the log's oldest entries, and evidence that is of no use
 * any more.
 * Everything it knows it has from the log, so any number of replicas may run.
 */
import type { Clock, Log, Timer } from '@netfall/log';
import type { Switches } from '@netfall/proto';
import { Appender, type OperatorEntry } from './appender.ts';
import { CatchUp } from './catch-up.ts';
import { epochOf, readEpoch } from './epoch.ts';
import { EvidenceKeeper } from './evidence-keeper.ts';
import type { FoldConfig } from './fold/config.ts';
import { canFold, type FoldEntry, type Rules } from './fold/fold.ts';
import type { Folding, FoldingEvents } from './fold-thread.ts';
import type { FolderStatus } from './folder.ts';
import type { Outcome } from './notify/lane.ts';
import { type FoldedClaim, OwnClaim } from './own-claim.ts';
import { OwnEpoch } from './own-epoch.ts';
import { ReadingKeeper } from './reading-keeper.ts';
import type { Say } from './resume.ts';
import { Snapshots } from './snapshots.ts';
import type { ReplicaStatus } from './status.ts';

export interface ReplicaConfig {
  readonly cell: string;
  readonly fold: FoldConfig;
  /** How often the leader takes a snapshot, and how long it and the log behind it are kept, seconds. */
  readonly snapshot_every_s: number;
  readonly retain_s: number;
}

export interface ReplicaOptions {
  readonly replica: string;
  readonly config: ReplicaConfig;
  readonly rules: Rules;
  /** The replica's database, resumed already. */
  readonly path: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly say: Say;
  /** Starts the fold over the database. */
  readonly startFolding: (events: FoldingEvents) => Promise<[Folding, FolderStatus]>;
  /** Called after each commit. */
  readonly onCommit: (status: FolderStatus) => void;
  /** Called once when the replica cannot go on. */
  readonly onFailure: (error: Error) => void;
  /** 0 ≤ random() < 1. */
  readonly random: () => number;
}

/** Why a replica has to be started anew: from another state, which `resume` finds. */
export class BarrierLifted extends Error {
  readonly code = 'barrier-lifted';
  constructor(sequence: number) {
    super(
      `entry ${sequence} begins an epoch of this release's rules again: going on from a snapshot that a peer left behind it`,
    );
    this.name = 'BarrierLifted';
  }
}

const NO_SWITCHES = { sequence: 0, by: '', switches: [] };
const IDLE_MS = 1000;
const CLAIM_EVERY_MS = 5000;
const EVIDENCE_EVERY_MS = 3_600_000;
const READINGS_EVERY_MS = 3_600_000;
/** How often a replica that stands at a barrier looks for a way past it. */
const BARRIER_EVERY_MS = 60_000;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #appender: Appender;
  readonly #ownEpoch: OwnEpoch;
  readonly #ownClaim: OwnClaim;
  readonly #catchUp: CatchUp;
  readonly #snapshots: Snapshots;
  readonly #evidence: EvidenceKeeper;
  readonly #readings: ReadingKeeper;
  readonly #stopping = new AbortController();
  readonly #timers = new Map<string, Timer>();
  #folding: Folding | null = null;
  #status: FolderStatus | null = null;
  #statusAtUs = 0;
  /** The newest entry that was read. */
  #read = 0;
  #failed = false;
  /** The epoch that there is a snapshot of, or that one is being taken of. */
  #snapshotOf = 0;
  /** Whether logs were looked for that a newer parser has to read. */
  #hasRead = false;
  #reading: Promise<void> = Promise.resolve();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { replica, log, path, clock, say, config, rules } = options;
    const appender = new Appender(log, config.cell, replica);
    this.#appender = appender;
    this.#ownEpoch = new OwnEpoch({ epoch: epochOf(rules, config.fold), appender, log, clock, say });
    this.#ownClaim = new OwnClaim(appender, () => this.#foldedClaim());
    this.#catchUp = new CatchUp({ log, clock, say });
    this.#snapshots = new Snapshots({ log, path, say, retain_s: config.retain_s });
    this.#evidence = new EvidenceKeeper({ evidence: log.evidence, path, say });
    this.#readings = new ReadingKeeper({
      ...{ evidence: log.evidence, path, clock, say },
      append: (reading) => appender.reading(reading),
      mayGoOn: () => this.mayDeliver(),
    });
  }

  /** Starts to fold; resolves once the fold has loaded its checkpoint. */
  async start(): Promise<void> {
    const { startFolding } = this.#options;
    await this.#catchUp.start();
    const [folding, status] = await startFolding({
      committed: (next) => this.#committed(next),
      stalled: (why) => this.#catchUp.stall(why),
      failed: (error) => this.#fail(error),
    });
    this.#folding = folding;
    this.#read = status.sequence;
    this.#committed(status);
    this.#reading = this.#readLog(folding, status.sequence + 1).catch((error) => this.#fail(error));
    this.#scheduleTick();
    this.#every('claim', CLAIM_EVERY_MS, () => this.#ownClaim.renew());
    this.#every('evidence', EVIDENCE_EVERY_MS, async () => {
      if (this.mayDeliver()) await this.#evidence.look();
    });
    this.#every('readings', READINGS_EVERY_MS, async () => {
      if (this.mayDeliver()) await this.#readings.look();
    });
    this.#every('snapshot', this.#options.config.snapshot_every_s * 1000, () => this.#takeSnapshot());
  }

  status(): ReplicaStatus {
    const { replica, config, clock } = this.#options;
    const status = this.#status;
    const why = this.#whyNotReady();
    return {
      replica,
      cell: config.cell,
      ready: why === '',
      why,
      sequence: status?.sequence ?? 0,
      lastSequence: Math.max(this.#read, this.#catchUp.target),
      logTimeUs: status?.nowUs ?? 0,
      lagMs: status && status.nowUs > 0 ? Math.max(0, Math.round((clock.nowUs() - status.nowUs) / 1000)) : 0,
      entries: status?.entries ?? 0,
      rejected: status?.rejected ?? {},
      epoch: {
        fold_version: status?.epoch?.fold_version ?? 0,
        config_digest: status?.epoch?.config_digest ?? '',
        catalog_digest: status?.epoch?.catalog_digest ?? '',
      },
      configDiffers: status !== null && this.#ownEpoch.differs(status),
      leader: this.mayDeliver(),
      claimHolder: status?.claim.holder ?? '',
      commits: status?.commits ?? 0,
    };
  }

  /** Whether this replica holds the claim by the log's order, and still will for a moment. */
  mayDeliver(): boolean {
    return this.#ownClaim.isHeld();
  }

  /** Appends a delivery's outcome; rejects when the log does not take it now. */
  recordDelivered(outcome: Outcome): Promise<void> {
    return this.#appender.delivered(outcome);
  }

  /**
   * Appends another set of switches behind the entry `seen`; false when another one came first. Rejects when the log does
   * not take it now.
   */
  changeSwitches(switches: Switches, seen: number): Promise<boolean> {
    return this.#appender.compete('switches', { switches }, seen);
  }

  /** Appends what somebody told. Returns the entry's sequence; rejects when the log does not take it now. */
  append(entry: OperatorEntry): Promise<number> {
    return this.#appender.told(entry);
  }

  /** Gives up the claim, commits and ends. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#ownEpoch.stop();
    this.#catchUp.stop();
    // First, for the reader may be waiting for it.
    const folded = this.#folding?.close();
    await this.#ownClaim.release();
    await this.#reading;
    await this.#snapshots.idle();
    await this.#readings.idle();
    await folded;
  }

  #committed(status: FolderStatus): void {
    const { clock, onCommit, say } = this.#options;
    const before = this.#status;
    this.#status = status;
    this.#statusAtUs = clock.nowUs();
    if (status.barrier && !before?.barrier) {
      say.warn(`stopped folding: ${status.barrier.message}`);
      void this.#snapshots.take(this.#logTimeUs());
      this.#every('barrier', BARRIER_EVERY_MS, () => this.#lookPastBarrier());
    }
    if (this.#catchUp.committed(status.sequence)) {
      void this.#ownClaim.renew();
      if (!status.barrier) this.#ownEpoch.begin(status);
    }
    this.#snapshotEpoch(status);
    this.#readAtFirst();
    this.#ownEpoch.watch(status);
    onCommit(status);
  }

  /** Stores a snapshot soon after an epoch begins: what other rules folded before it is of no use to those who start. */
  #snapshotEpoch({ epoch }: FolderStatus): void {
    if (!epoch || epoch.sequence === this.#snapshotOf || !this.mayDeliver()) return;
    this.#snapshotOf = epoch.sequence;
    void this.#snapshots.takeFrom(epoch.sequence, epoch.fold_version, this.#logTimeUs());
  }

  /** A release that has just been started may have a newer parser: as soon as this replica holds the claim. */
  #readAtFirst(): void {
    if (this.#hasRead || !this.mayDeliver()) return;
    this.#hasRead = true;
    this.#readings.look().catch((error) => this.#options.say.warn(`readings: ${message(error)}`));
  }

  async #readLog(folding: Folding, from: number): Promise<void> {
    const { log } = this.#options;
    for await (const entries of log.read({ from, signal: this.#stopping.signal })) {
      this.#scheduleTick();
      const last = entries.at(-1);
      if (last) this.#read = last.sequence;
      await folding.push(entries satisfies readonly FoldEntry[]);
    }
  }

  #whyNotReady(): string {
    const status = this.#status;
    if (!status) return 'the fold is starting';
    const { stalled, done, target } = this.#catchUp;
    if (stalled !== '') return stalled;
    if (status.barrier) return status.barrier.message;
    if (!done) return `entry ${status.sequence} of ${target} is folded`;
    if (!status.epoch) return 'the first epoch has not begun';
    return '';
  }

  /** Fails when the log's newest epoch is one of these rules again and a peer has left a snapshot behind it. */
  async #lookPastBarrier(): Promise<void> {
    const { log, rules } = this.#options;
    const last = await log.lastOn(this.#appender.subject('epoch'));
    const epoch = last && readEpoch(last);
    if (!epoch || !canFold(rules, epoch)) return;
    if (await this.#snapshots.reach(last.sequence, rules.version))
      this.#fail(new BarrierLifted(last.sequence));
  }

  /** The claim as it is folded, while that can be gone by. */
  #foldedClaim(): FoldedClaim | null {
    const status = this.#status;
    if (!status || this.#stopping.signal.aborted) return null;
    // What becomes of it beyond a barrier, or beyond what is folded of the log's past, this replica does not see.
    if (status.barrier || !this.#catchUp.done) return null;
    return { claim: status.claim, nowUs: this.#logTimeUs() };
  }

  /** Log time now, as far as this replica can tell. */
  #logTimeUs(): number {
    const elapsed = Math.max(0, this.#options.clock.nowUs() - this.#statusAtUs);
    return (this.#status?.nowUs ?? 0) + elapsed;
  }

  /** Appends a tick when the log has been idle for a second; jittered, so that usually one replica does. */
  #scheduleTick(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, random } = this.#options;
    this.#timers.get('tick')?.cancel();
    const timer = clock.setTimer(IDLE_MS * (1 + random() / 4), () => {
      // A log that does not answer has an outage; the gap itself will say so.
      this.#appender.tick().catch(() => {});
      this.#scheduleTick();
    });
    this.#timers.set('tick', timer);
  }

  #every(name: string, ms: number, work: () => Promise<void>): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, say } = this.#options;
    const timer = clock.setTimer(ms, () => {
      work()
        .catch((error) => say.warn(`${name}: ${message(error)}`))
        .finally(() => this.#every(name, ms, work));
    });
    this.#timers.set(name, timer);
  }

  async #takeSnapshot(): Promise<void> {
    if (!this.mayDeliver()) return;
    await this.#keepSwitches();
    await this.#snapshots.take(this.#logTimeUs());
  }

  /** Says again what is switched off: agents ask the log for it, which forgets what is older than its snapshots. */
  async #keepSwitches(): Promise<void> {
    const { sequence, by, switches } = this.#status?.switches ?? NO_SWITCHES;
    if (switches.length === 0) return;
    // Whoever changes them at the same moment is right.
    await this.changeSwitches({ switches, by }, sequence).catch(() => {});
  }

  #fail(error: Error): void {
    if (this.#stopping.signal.aborted || this.#failed) return;
    this.#failed = true;
    this.#options.onFailure(error);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
