/**
 * The fold's thread: applies the batches that come, commits every 50 ms or as often as it can afford, says where it
 * stands. While the disk takes no commit it lets batches wait, which holds the reader back, and tries again.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { unpackBatch } from './batch.ts';
import { COMMIT_MS, CommitPace } from './commit-pace.ts';
import { DiskError, Folder, type FolderStatus } from './folder.ts';
import { currentRules } from './rules.ts';

export interface FoldWorkerData {
  readonly path: string;
  readonly identity: string;
  readonly cell: string;
  /** How often a commit that the disk did not take is tried again; by default every 5 s. */
  readonly retryMs?: number;
}

/** To the thread: a packed batch, or null to commit and end. */
export type ToFold = ArrayBuffer | null;

/** From the thread: that it took a batch off its hands, where it stands after a commit, or why it cannot commit now. */
export type FromFold =
  | { readonly kind: 'applied' }
  | { readonly kind: 'committed'; readonly status: FolderStatus }
  | { readonly kind: 'stalled'; readonly why: string };

const port = parentPort;
if (!port) throw new Error('collector/fold-worker.ts runs as a worker thread');
const { path, identity, cell, retryMs = 5000 } = workerData as FoldWorkerData;
const folder = new Folder(path, identity, currentRules(cell));
/** Batches that wait for a commit to succeed; whoever sends them holds back when there are many. */
const held: ArrayBuffer[] = [];
let pending: NodeJS.Timeout | undefined;
const pace = new CommitPace();
let started = false;
let stalled = false;

function say(message: FromFold): void {
  port?.postMessage(message);
}

function apply(batch: ArrayBuffer): void {
  folder.apply(unpackBatch(batch));
  say({ kind: 'applied' });
  // Timers do not get their turn while batches come without a break, which they do for minutes after an outage.
  look();
}

/** Commits what was applied, now or as soon as that is due. */
function look(): void {
  clearTimeout(pending);
  if (pace.isDue(performance.now(), performance.eventLoopUtilization().idle)) commit();
  else pending = setTimeout(look, COMMIT_MS);
}

function commit(): void {
  pending = undefined;
  try {
    const status = folder.commit(() => performance.now());
    pace.committed(performance.now(), performance.eventLoopUtilization().idle, status.commitMs);
    started = true;
    stalled = false;
    say({ kind: 'committed', status });
  } catch (error) {
    // One that cannot even begin leaves it to whoever starts it to try again.
    if (!(error instanceof DiskError && started)) throw error;
    stalled = true;
    say({ kind: 'stalled', why: error.message });
    pending = setTimeout(commit, retryMs);
    return;
  }
  while (held.length > 0 && !stalled) apply(held.shift() as ArrayBuffer);
}

port.on('message', (message: ToFold) => {
  if (message !== null) {
    if (stalled) held.push(message);
    else apply(message);
    return;
  }
  clearTimeout(pending);
  // What waits, or cannot be committed now, the log gives again.
  held.length = 0;
  commit();
  clearTimeout(pending);
  folder.close();
  port.close();
});

// The first status tells where the fold resumes.
commit();
