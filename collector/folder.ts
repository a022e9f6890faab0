/**
 * A fold together with its database: what runs on the fold's own thread. It applies batches, and commits when it is
 * told to; who calls it decides when. Must not know the log.
 */
import {
  type Changes,
  type ClaimRecord,
  EpochBarrier,
  type EpochRecord,
  Fold,
  type FoldEntry,
  type Rules,
} from './fold/fold.ts';
import type { SwitchesRecord } from './fold/rows.ts';
import { entryDigest } from './store/digest.ts';
import { type Checkpoint, Store } from './store/store.ts';

/** Where the fold stands as of its last commit. */
export interface FolderStatus {
  readonly sequence: number;
  readonly nowUs: number;
  readonly claim: ClaimRecord;
  readonly switches: SwitchesRecord;
  readonly epoch: EpochRecord | null;
  readonly entries: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly commits: number;
  /** How long the last commit took. */
  readonly commitMs: number;
  /** What the last commit changed: ids of incidents and notifications. */
  readonly incidents: readonly string[];
  readonly notifications: readonly string[];
  /** The entry that begins an epoch of other rules, at which this folder stopped. */
  readonly barrier: { readonly sequence: number; readonly message: string } | null;
}

/** The database cannot be written because its disk is full or fails: nothing is lost, and a later commit may succeed. */
export class DiskError extends Error {
  readonly code = 'disk';
  constructor(path: string, cause: Error) {
    super(
      `cannot write ${path} (${cause.message}): make room on its disk or mend it; what was folded is kept until then`,
      { cause },
    );
    this.name = 'DiskError';
  }
}

/** SQLite's primary codes of a disk that fails, and of one that is full. */
const DISK_CODES: readonly number[] = [10, 13];

export class Folder {
  readonly #path: string;
  readonly #identity: string;
  readonly #store: Store;
  readonly #fold: Fold;
  #last: FoldEntry | null = null;
  #lastDigest: string;
  #commits = 0;
  #barrier: FolderStatus['barrier'] = null;
  /** What a commit could not write. */
  #unwritten: { readonly changes: Changes; readonly checkpoint: Checkpoint } | null = null;

  /** Goes on from what the database at `path` holds, or from the log's beginning. */
  constructor(path: string, identity: string, rules: Rules) {
    this.#path = path;
    this.#identity = identity;
    this.#store = new Store(path);
    const loaded = this.#store.load();
    this.#fold = new Fold(rules, loaded?.rows);
    this.#lastDigest = loaded?.checkpoint.entryDigest ?? '';
  }

  get sequence(): number {
    return this.#fold.sequence;
  }

  /** Applies entries in order, up to a barrier: what follows it is passed over. Not between a commit that threw and the next. */
  apply(entries: Iterable<FoldEntry>): void {
    // Unwritten rows are the fold's own: they would change under the checkpoint that they are of.
    if (this.#unwritten) throw new Error('entries are applied while earlier ones are not committed');
    if (this.#barrier) return;
    for (const entry of entries) {
      try {
        this.#fold.apply(entry);
      } catch (error) {
        if (!(error instanceof EpochBarrier)) throw error;
        this.#barrier = { sequence: error.sequence, message: error.message };
        return;
      }
      this.#last = entry;
    }
  }

  /** Commits what was applied since the last time. After a DiskError the next call writes the same again. */
  commit(nowMs: () => number): FolderStatus {
    const began = nowMs();
    this.#unwritten ??= this.#take();
    const { changes, checkpoint } = this.#unwritten;
    try {
      this.#store.commit(changes, checkpoint);
    } catch (error) {
      const disk = diskTrouble(error);
      throw disk ? new DiskError(this.#path, disk) : error;
    }
    this.#unwritten = null;
    this.#commits++;
    return this.#status(nowMs() - began, changes);
  }

  close(): void {
    this.#store.close();
  }

  #take(): { readonly changes: Changes; readonly checkpoint: Checkpoint } {
    if (this.#last) this.#lastDigest = entryDigest(this.#last);
    this.#last = null;
    const changes = this.#fold.takeChanges();
    const checkpoint: Checkpoint = {
      identity: this.#identity,
      sequence: this.#fold.sequence,
      entryDigest: this.#lastDigest,
      foldVersion: changes.global.fold_version,
    };
    return { changes, checkpoint };
  }

  #status(commitMs: number, changes: Changes): FolderStatus {
    const { global } = changes;
    return {
      sequence: global.sequence,
      nowUs: global.now_us,
      claim: global.claim,
      switches: global.switches,
      epoch: global.epoch,
      entries: global.entries,
      rejected: global.rejected,
      commits: this.#commits,
      commitMs,
      incidents: [...Array.from(changes.incidents, idOf), ...changes.removedIncidents],
      notifications: [...Array.from(changes.notifications, idOf), ...changes.removedNotifications],
      barrier: this.#barrier,
    };
  }
}

/** SQLite's own error when a commit failed for the disk's sake, else null. */
function diskTrouble(error: unknown): Error | null {
  for (const known of [error, error instanceof Error ? error.cause : null]) {
    if (!(known instanceof Error && 'errcode' in known)) continue;
    // The low byte of an extended code is the primary one.
    if (DISK_CODES.includes(Number(known.errcode) & 0xff)) return known;
  }
  return null;
}

function idOf({ id }: { readonly id: string }): string {
  return id;
}
