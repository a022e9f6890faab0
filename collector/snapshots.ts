/**
 * A replica's snapshots in the log's blobs: stores them, one after the other, and drops those, and the log's entries
 * behind them, that nobody needs any more. When they are due, and whose business they are, the replica knows.
 */
import type { Log } from '@netfall/log';
import type { Say } from './resume.ts';
import { listSnapshots, logDigest, type SnapshotRef, writeSnapshot } from './store/snapshot.ts';

/** So many are kept, however old they are, and the log is not purged before there are as many. */
const LEAST_SNAPSHOTS = 3;

export interface SnapshotsOptions {
  readonly log: Log;
  /** The replica's database. */
  readonly path: string;
  /** How long snapshots and the log behind them are kept, seconds. */
  readonly retain_s: number;
  readonly say: Say;
}

export class Snapshots {
  readonly #options: SnapshotsOptions;
  #taking: Promise<void> = Promise.resolve();

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** Stores one of what is committed and retires what is older; `nowUs` is log time. Failures are said, not thrown. */
  take(nowUs: number): Promise<void> {
    return this.#next(() => this.#take(nowUs));
  }

  /** The same, unless there is one that reaches `sequence`. */
  takeFrom(sequence: number, foldVersion: number, nowUs: number): Promise<void> {
    return this.#next(async () => {
      if (!(await this.reach(sequence, foldVersion))) await this.#take(nowUs);
    });
  }

  /** Whether there is one of this log and fold version that holds what stands there up to `sequence`. */
  async reach(sequence: number, foldVersion: number): Promise<boolean> {
    const { log } = this.#options;
    const ours = logDigest((await log.info()).identity);
    return (await listSnapshots(log.blobs)).some(
      (snapshot) =>
        snapshot.log === ours && snapshot.foldVersion === foldVersion && snapshot.sequence >= sequence,
    );
  }

  /** Resolves when none is being taken. */
  async idle(): Promise<void> {
    await this.#taking;
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#taking = this.#taking.then(work).catch((error) => {
      this.#options.say.warn(`snapshot: ${error instanceof Error ? error.message : String(error)}`);
    });
    return this.#taking;
  }

  async #take(nowUs: number): Promise<void> {
    const { log, path, say } = this.#options;
    const written = await writeSnapshot(path, log.blobs);
    if (!written) return;
    say.info(`stored ${written.name}`);
    await this.#retire(nowUs);
  }

  async #retire(nowUs: number): Promise<void> {
    const { log, retain_s } = this.#options;
    const listed = await listSnapshots(log.blobs);
    // After the list, so that no snapshot of it is newer than this end of the log.
    const { identity, first, last } = await log.info();
    const ours = logDigest(identity);
    const snapshots: SnapshotRef[] = [];
    for (const snapshot of listed) {
      // One of another log, or of a time before this one was set back, is of no use to anybody.
      if (snapshot.log === ours && snapshot.sequence >= first && snapshot.sequence <= last) {
        snapshots.push(snapshot);
      } else await log.blobs.delete(snapshot.name);
    }
    const keepFrom = nowUs - retain_s * 1_000_000;
    let oldest = snapshots[0];
    for (const [i, snapshot] of snapshots.entries()) {
      const entry = await log.get(snapshot.sequence);
      const young = entry !== null && entry.timeUs >= keepFrom;
      if (i < LEAST_SNAPSHOTS || young) oldest = snapshot;
      else await log.blobs.delete(snapshot.name);
    }
    // The entry that a snapshot ends with stays: it proves that the log is the one that was folded.
    if (oldest && snapshots.length >= LEAST_SNAPSHOTS) await log.purge(oldest.sequence);
  }
}
