/**
 * Runs a target in a thread and watches over it: what it finds, whether it gets on, and whether it grows. It must not know
 * any target.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { MOST_BYTES, Mutator } from './mutator.ts';
import type { Bound, TargetModule } from './target.ts';
import type { Job, Memory, Message } from './worker.ts';

export interface FuzzOptions {
  /** The target's file. */
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  /** Runs this input alone. */
  readonly input?: Uint8Array | undefined;
  /** A thread that ends no run for so long hangs. Default 10 s. */
  readonly hangMs?: number;
  /** Where an input in which something was found is written. Default: the system's folder for temporary files. */
  readonly folder?: string;
}

export interface Finding {
  /** Counted from 0. */
  readonly run: number;
  readonly what: string;
  /** The input, to be run again with `--input`; absent when no single one does it. */
  readonly file?: string | undefined;
}

export interface FuzzResult {
  readonly target: string;
  readonly seed: number;
  /** Runs that ended. */
  readonly runs: number;
  readonly elapsedMs: number;
  /** After a tenth, half, and all of the runs. */
  readonly memory: readonly Memory[];
  readonly bounds: readonly Bound[];
  readonly counts: Readonly<Record<string, number>>;
  readonly finding?: Finding;
}

const HANG_MS = 10_000;
/** How long loading a target may take. */
const LOAD_MS = 120_000;
const LOOKS = 20;
/** What a thread may hold, and by how much it may grow between the first mark and the last. */
const HEAP_MB = 256;
const YOUNG_MB = 8;
const MOST_HEAP_GROWTH = 8 * 1024 ** 2;
const MOST_RSS_GROWTH = 64 * 1024 ** 2;

/** Resolves when the runs are done, or something was found. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { seed, runs, input, hangMs = HANG_MS, folder = tmpdir() } = options;
  const name = basename(options.target, '.ts');
  const progress = new SharedArrayBuffer(4);
  const done = new Uint32Array(progress);
  const job: Job = { target: pathToFileURL(options.target).href, seed, runs, input, progress };
  const memory: Memory[] = [];
  let end: Extract<Message, { kind: 'end' }> | undefined;
  let found: { run: number; what: string; input?: Uint8Array | undefined } | undefined;

  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const began = performance.now();
  let isReady = false;
  worker.on('message', (message: Message) => {
    if (message.kind === 'ready') isReady = true;
    else if (message.kind === 'memory') memory.push(message.memory);
    else if (message.kind === 'found') found = message;
    else end = message;
  });
  worker.on('error', (error) => {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    found ??= { run: Atomics.load(done, 0), what };
  });
  let seen = -1;
  let looks = 0;
  // Looks are counted, and not time: a machine that slept, or had no time for us, hung no thread.
  const watchdog = setInterval(() => {
    const now = Atomics.load(done, 0);
    looks = now === seen ? looks + 1 : 0;
    seen = now;
    if (looks < (isReady ? LOOKS : (LOOKS * LOAD_MS) / hangMs)) return;
    found ??= { run: now, what: `no run ended for ${hangMs / 1000} s` };
    clearInterval(watchdog);
    void worker.terminate();
  }, hangMs / LOOKS);
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  clearInterval(watchdog);

  found ??= growth(memory);
  if (!found && !end) found = { run: Atomics.load(done, 0), what: 'the thread ended before its runs' };
  return {
    target: name,
    seed,
    runs: Atomics.load(done, 0),
    elapsedMs: end?.elapsedMs ?? performance.now() - began,
    memory,
    bounds: end?.bounds ?? [],
    counts: end?.counts ?? {},
    ...(found && { finding: await write(found) }),
  };

  async function write({ run, what, input: bytes }: NonNullable<typeof found>): Promise<Finding> {
    if (input) return { run, what };
    // A thread that hangs, or is gone, cannot say what it was reading.
    const lost = bytes ?? (end ? undefined : await inputOf(options, run));
    if (!lost) return { run, what };
    const file = join(folder, `netfall-fuzz-${name}-${seed}-${run}.bin`);
    writeFileSync(file, lost);
    return { run, what, file };
  }
}

function growth(memory: readonly Memory[]): { run: number; what: string } | undefined {
  const [first, last] = [memory[0], memory.at(-1)];
  if (!first || !last) return undefined;
  const heap = last.heapBytes - first.heapBytes;
  const rss = last.rssBytes - first.rssBytes;
  if (heap <= MOST_HEAP_GROWTH && rss <= MOST_RSS_GROWTH) return undefined;
  const [heapMib, rssMib] = [heap, rss].map((bytes) => (bytes / 1024 ** 2).toFixed(1));
  return {
    run: 0,
    what: `memory grew from 10 % of the runs on: heap by ${heapMib} MiB, RSS by ${rssMib} MiB`,
  };
}

/** Makes the input of a run again. */
async function inputOf({ target, seed, runs }: FuzzOptions, run: number): Promise<Uint8Array | undefined> {
  if (run >= runs) return undefined;
  const bytes = new Uint8Array(MOST_BYTES);
  const { corpus } = (await import(pathToFileURL(target).href)) as TargetModule;
  return bytes.slice(0, new Mutator(corpus(), bytes).make(seed, run));
}
