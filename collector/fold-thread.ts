/** The main thread's end of the fold's thread: hands over batches, holds back when it falls behind. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packBatch } from './batch.ts';
import type { FoldEntry } from './fold/fold.ts';
import type { FoldWorkerData, FromFold, ToFold } from './fold-worker.ts';
import type { FolderStatus } from './folder.ts';

/** Batches that may wait for the fold; enough to keep it busy while the next ones are read. */
const MOST_WAITING = 16;
/** Room for what lives as long as a batch, MB: with V8's own, half of it, collecting that takes nearly twice the time. */
const YOUNG_MB = 96;

/** Something that folds what it is handed, in order: the fold's thread, or a folder in a simulated world. */
export interface Folding {
  /** Resolves as soon as another batch may be handed over. */
  push(entries: readonly FoldEntry[]): Promise<void>;
  /** Commits everything that was handed over, if it can, and ends; lets go of whoever waits to hand over more. */
  close(): Promise<void>;
}

export interface FoldingEvents {
  committed(status: FolderStatus): void;
  /** Its disk takes no commits: it takes no more batches, and tries again until the next `committed`. Told at each try. */
  stalled(why: string): void;
  /** The fold cannot go on: a defect, or its database failed. */
  failed(error: Error): void;
}

/** Starts the thread and resolves with its first status, once it has loaded its checkpoint. */
export async function startFoldThread(
  data: FoldWorkerData,
  events: FoldingEvents,
): Promise<[Folding, FolderStatus]> {
  // A release has .js where the checkout has .ts.
  const program = new URL(`./fold-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(program, {
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const thread = new FoldThread(worker, events);
  return [thread, await thread.first];
}

class FoldThread implements Folding {
  readonly first: Promise<FolderStatus>;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #waiting = 0;
  #wake: (() => void) | null = null;
  #error: Error | null = null;
  #closing = false;

  constructor(worker: Worker, events: FoldingEvents) {
    this.#worker = worker;
    const first = Promise.withResolvers<FolderStatus>();
    this.first = first.promise;
    let started = false;
    worker.on('message', (message: FromFold) => {
      if (message.kind === 'applied') {
        this.#waiting--;
        this.#release();
      } else if (message.kind === 'stalled') {
        events.stalled(message.why);
      } else {
        if (started) events.committed(message.status);
        else first.resolve(message.status);
        started = true;
      }
    });
    worker.on('error', (cause) => {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#error = error;
      this.#release();
      if (started) events.failed(error);
      else first.reject(error);
    });
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => resolve());
    });
  }

  async push(entries: readonly FoldEntry[]): Promise<void> {
    if (this.#closing) return;
    const slab = packBatch(entries);
    this.#waiting++;
    this.#post(slab, [slab]);
    if (this.#waiting < MOST_WAITING) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#error) this.#release();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#release();
    if (!this.#error) this.#post(null, []);
    await this.#ended;
  }

  #post(message: ToFold, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #release(): void {
    if (!this.#error && !this.#closing && this.#waiting >= MOST_WAITING) return;
    this.#wake?.();
    this.#wake = null;
  }
}
