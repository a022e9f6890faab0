/** The fold's thread: applies the batches that come, commits every 50 ms, says where it stands. */
import { parentPort, workerData } from 'node:worker_threads';
import { unpackBatch } from './batch.ts';
import { Folder, type FolderStatus } from './folder.ts';
import { currentRules } from './rules.ts';

export interface FoldWorkerData {
  readonly path: string;
  readonly identity: string;
  readonly cell: string;
}

/** To the thread: a packed batch, or null to commit and end. */
export type ToFold = ArrayBuffer | null;

/** From the thread: how many batches it took off its hands, and where it stands after a commit. */
export interface FromFold {
  readonly applied: number;
  readonly committed: FolderStatus | null;
}

const COMMIT_MS = 50;
/** Commits take at most a fifth of the thread's time, however large they are. */
const COMMIT_SHARE = 4;

const port = parentPort;
if (!port) throw new Error('collector/fold-worker.ts runs as a worker thread');
const { path, identity, cell } = workerData as FoldWorkerData;
const folder = new Folder(path, identity, currentRules(cell));
let pending: NodeJS.Timeout | undefined;
let pauseMs = COMMIT_MS;

function say(message: FromFold): void {
  port?.postMessage(message);
}

function commit(): void {
  pending = undefined;
  const status = folder.commit(() => performance.now());
  pauseMs = Math.max(COMMIT_MS, COMMIT_SHARE * status.commitMs);
  say({ applied: 0, committed: status });
}

port.on('message', (message: ToFold) => {
  if (message === null) {
    clearTimeout(pending);
    commit();
    folder.close();
    port.close();
    return;
  }
  folder.apply(unpackBatch(message));
  pending ??= setTimeout(commit, pauseMs);
  say({ applied: 1, committed: null });
});

// The first status tells where the fold resumes.
commit();
