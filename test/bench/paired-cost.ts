/**
 * What it costs to observe drops: processor time of a flood and its observer together, per drop and beyond that of the
 * flood alone. One flood without end, and short stretches of it with and without an observer in turn, so that whatever
 * else the machine does falls on all alike. An observer's beginning and end lie outside of the stretches.
 */
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CpuTime } from '../load/cpu-time.ts';
import { type Namespace, udpNoPorts } from '../load/namespace.ts';
import { udpFlood } from '../load/udp-flood.ts';

/** Datagrams a second, to a port that nobody listens on, all on one CPU. */
export const RATE = 150_000;
export const CPU = 0;
export const CLOSED_PORT = 9;

/** How long costs are taken at a time, and how long what has just begun is left to come to rest. */
const STRETCH_MS = 1_000;
const SETTLE_MS = 300;

/** Takes one stretch, and calls `atEnd` for what is still to be done in it. Nanoseconds a drop. */
export type Stretch = (atEnd: () => void) => Promise<number>;

/** Begins to observe, takes a stretch, and ends. */
export type Observer = (stretch: Stretch) => Promise<number>;

export interface PairedCost {
  /** Nanoseconds a drop of the flood alone, and of each observer beyond that: medians. */
  readonly alone: number;
  readonly extra: readonly number[];
}

export async function pairedCost(
  namespace: Namespace,
  rounds: number,
  observers: readonly Observer[],
): Promise<PairedCost> {
  using cpuTime = new CpuTime('netfall-bench');
  const flood = udpFlood({
    namespace: namespace.name,
    cpu: CPU,
    host: '127.0.0.1',
    port: CLOSED_PORT,
    count: Number.MAX_SAFE_INTEGER,
    ratePerSecond: RATE,
  });
  const ended = flood.done.catch(() => {});
  const stretch: Stretch = async (atEnd) => {
    await sleep(SETTLE_MS);
    const [time, drops] = [cpuTime.read(), udpNoPorts(`/proc/${flood.process.pid}/net`)];
    await sleep(STRETCH_MS);
    atEnd();
    return (cpuTime.read() - time) / (udpNoPorts(`/proc/${flood.process.pid}/net`) - drops);
  };
  const nothing = () => {};
  const alone: number[] = [];
  const extra = observers.map((): number[] => []);
  try {
    await sleep(1_000);
    alone.push(await stretch(nothing));
    for (let round = 0; round < rounds; round++) {
      // Each against the mean of the stretches before and after it, so that a drift cancels out.
      for (const [number, observer] of observers.entries()) {
        const before = alone.at(-1)!;
        const observed = await observer(stretch);
        const after = await stretch(nothing);
        alone.push(after);
        extra[number]!.push(observed - (before + after) / 2);
      }
    }
  } finally {
    flood.process.kill();
    await ended;
  }
  return { alone: median(alone), extra: extra.map(median) };
}

export function isPerfMissing(): boolean {
  return spawnSync('perf', ['--version']).status !== 0;
}

/** `perf record` of the same tracepoint, as people use it. */
export async function underPerf(stretch: Stretch): Promise<number> {
  const file = join(tmpdir(), `netfall-bench-${process.pid}.perf`);
  const perf = spawn('perf', ['record', '-e', 'skb:kfree_skb', '-a', '-o', file], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => perf.on('close', () => resolve()));
  try {
    await sleep(1_000);
    return await stretch(() => {});
  } finally {
    perf.kill('SIGINT');
    await ended;
    rmSync(file, { force: true });
    rmSync(`${file}.old`, { force: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
