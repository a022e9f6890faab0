/**
 * The thread that runs a target: makes inputs, puts them through, and says what it found. What must watch it from outside is
 * in fuzz.ts.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { MOST_BYTES, Mutator } from './mutator.ts';
import type { Bound, Target, TargetModule } from './target.ts';

/** What the thread is given. */
export interface Job {
  /** The target's file. */
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  /** Instead of mutated inputs, this one. */
  readonly input?: Uint8Array | undefined;
  /** Its only word says how many runs are done. */
  readonly progress: SharedArrayBuffer;
}

/** Memory after a collection of garbage: this thread's own, and the whole process's. */
export interface Memory {
  readonly percent: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** What the thread says. */
export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'memory'; readonly memory: Memory }
  | {
      readonly kind: 'found';
      readonly run: number;
      readonly what: string;
      /** Absent when no single input does it. */
      readonly input?: Uint8Array;
    }
  | {
      readonly kind: 'end';
      readonly elapsedMs: number;
      readonly bounds: readonly Bound[];
      readonly counts: Readonly<Record<string, number>>;
    };

const SETTLE_EVERY = 256;
const BOUNDS_EVERY = 65_536;
/** One input in so many is read twice, with other bytes behind its end. */
const TWICE_EVERY = 16;
/** What IPv4 begins with. */
const BEHIND = 0x45;
const MARKS = [10, 50, 100];

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const job = workerData as Job;
const input = new Uint8Array(MOST_BYTES);
const { corpus, open } = (await import(job.target)) as TargetModule;
const done = new Uint32Array(job.progress);

function say(message: Message): void {
  parentPort?.postMessage(message);
}

function checkBounds(target: Target): void {
  for (const { name, value, most } of target.bounds()) {
    if (!(value <= most)) throw new Error(`${name}: ${value}, and ${most} is the most`);
  }
}

/** Reads an input twice, with other bytes behind its end. */
function runTwice(target: Target, length: number): void {
  input.fill(0, length);
  const first = target.run(length);
  input.fill(BEHIND, length);
  if (target.run(length) !== first) throw new Error('what lies behind the input makes a difference');
}

/** What a fresh target finds in an input alone. */
function findIn(bytes: Uint8Array): string | undefined {
  input.set(bytes);
  const target = open(input);
  try {
    runTwice(target, bytes.length);
    target.settle?.();
    checkBounds(target);
    return undefined;
  } catch (error) {
    return describe(error);
  } finally {
    target.close?.();
  }
}

/** Cuts an input at its end for as long as a fresh target still finds something. */
function shrink(bytes: Uint8Array): Uint8Array {
  let { length } = bytes;
  for (let cut = length >> 1; cut > 0; cut >>= 1) {
    while (cut <= length && findIn(bytes.subarray(0, length - cut)) !== undefined) length -= cut;
  }
  return bytes.slice(0, length);
}

function reportFound(run: number, what: string, bytes: Uint8Array): void {
  if (findIn(bytes) === undefined) {
    say({ kind: 'found', run, what: `${what} (only after the runs before it)`, input: bytes });
    return;
  }
  const short = shrink(bytes);
  say({ kind: 'found', run, what: findIn(short) ?? what, input: short });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function sayMemory(percent: number): void {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  say({ kind: 'memory', memory: { percent, heapBytes: heapUsed + external, rssBytes: rss } });
}

/** Runs the mutated inputs. @returns whether nothing was found. */
function runAll(target: Target, mutator: Mutator): boolean {
  const { seed, runs } = job;
  const marks = MARKS.map((percent) => Math.ceil((runs * percent) / 100));
  for (let run = 0; run < runs; run++) {
    const length = mutator.make(seed, run);
    try {
      if (run % TWICE_EVERY === 0) runTwice(target, length);
      else target.run(length);
    } catch (error) {
      reportFound(run, describe(error), input.slice(0, length));
      return false;
    }
    Atomics.store(done, 0, run + 1);
    const mark = marks.indexOf(run + 1);
    try {
      if ((run + 1) % SETTLE_EVERY === 0 || mark >= 0) target.settle?.();
      if ((run + 1) % BOUNDS_EVERY === 0 || mark >= 0) checkBounds(target);
    } catch (error) {
      blame(run, describe(error), mutator);
      return false;
    }
    if (mark >= 0) sayMemory(MARKS[mark]!);
  }
  return true;
}

/** Finds which of the last inputs makes the sums differ. */
function blame(last: number, what: string, mutator: Mutator): void {
  for (let run = Math.max(0, last - SETTLE_EVERY + 1); run <= last; run++) {
    const bytes = input.slice(0, mutator.make(job.seed, run));
    if (findIn(bytes) === undefined) continue;
    reportFound(run, what, bytes);
    return;
  }
  say({ kind: 'found', run: last, what });
}

const target = open(input);
say({ kind: 'ready' });
const began = performance.now();
let isClean = true;
if (job.input) {
  const what = findIn(job.input.subarray(0, MOST_BYTES));
  if (what !== undefined) say({ kind: 'found', run: 0, what });
  Atomics.store(done, 0, 1);
} else {
  isClean = runAll(target, new Mutator(corpus(), input));
}
const elapsedMs = performance.now() - began;
if (isClean) say({ kind: 'end', elapsedMs, bounds: target.bounds(), counts: target.counts() });
target.close?.();
