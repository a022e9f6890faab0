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
import { entryDigest } from './store/digest.ts';
import { type Checkpoint, Store } from './store/store.ts';

/** Where the fold stands as of its last commit. */
export interface FolderStatus {
  readonly sequence: number;
  readonly nowUs: number;
  readonly claim: ClaimRecord;
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

export class Folder {
  readonly #identity: string;
  readonly #store: Store;
  readonly #fold: Fold;
  #last: FoldEntry | null = null;
  #lastDigest: string;
  #commits = 0;
  #barrier: FolderStatus['barrier'] = null;

  /** Goes on from what the database at `path` holds, or from the log's beginning. */
  constructor(path: string, identity: string, rules: Rules) {
    this.#identity = identity;
    this.#store = new Store(path);
    const loaded = this.#store.load();
    this.#fold = new Fold(rules, loaded?.rows);
    this.#lastDigest = loaded?.checkpoint.entryDigest ?? '';
  }

  get sequence(): number {
    return this.#fold.sequence;
  }

  /** Applies entries in order, up to a barrier: what follows it is passed over. */
  apply(entries: Iterable<FoldEntry>): void {
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

  /** Commits what was applied since the last time. */
  commit(nowMs: () => number): FolderStatus {
    const began = nowMs();
    if (this.#last) this.#lastDigest = entryDigest(this.#last);
    this.#last = null;
    const changes = this.#fold.takeChanges();
    const checkpoint: Checkpoint = {
      identity: this.#identity,
      sequence: this.#fold.sequence,
      entryDigest: this.#lastDigest,
      foldVersion: changes.global.fold_version,
    };
    this.#store.commit(changes, checkpoint);
    this.#commits++;
    return this.#status(nowMs() - began, changes);
  }

  close(): void {
    this.#store.close();
  }

  #status(commitMs: number, changes: Changes): FolderStatus {
    const { global } = changes;
    return {
      sequence: global.sequence,
      nowUs: global.now_us,
      claim: global.claim,
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

function idOf({ id }: { readonly id: string }): string {
  return id;
}
