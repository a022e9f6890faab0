/**
 * Whether the source kfree-skb counts every drop, and what that costs.
 *
 *   npm run bench -- kfree-skb [--seconds=600] [--rounds=20] [--json]
 *
 * Run it alone: it takes the whole machine's drops for its own, and costs for those of what it observes.
 *
 * Exactness: a flood of 150 000 datagrams a second to a closed port in a network namespace, on the same CPU as the
 * reader, for `seconds`; then, a quarter as long each, with the table filled by made-up EtherTypes first, and with a
 * table of four entries. What was named, plus overflow, plus misses, must be what the kernel's own counters say.
 *
 * Cost: processor time of flood and observer together, per drop and beyond that of the flood alone, for our
 * counter read every second and for `perf record -e skb:kfree_skb -a`, in turn. Medians of `rounds` pairs.
 */

import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadedProgramIds } from '../../agent/kernel/bpf/bpf.ts';
import { pinToCpu } from '../../agent/kernel/libc.ts';
import {
  type DropRow,
  type KfreeSkbCounter,
  openKfreeSkb,
  probeKfreeSkb,
} from '../../agent/sources/kfree-skb/index.ts';
import { CpuTime } from '../load/cpu-time.ts';
import { etherFlood } from '../load/ether-flood.ts';
import { Namespace, udpNoPorts } from '../load/namespace.ts';
import { udpFlood } from '../load/udp-flood.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const RATE = 150_000;
const CPU = 0;
const CLOSED_PORT = 9;
const MADE_UP_TYPES = Array.from({ length: 1_000 }, (_, i) => 0x9000 + i);
/** With IPv4 these are more kinds than a table of four entries holds. */
const KNOWN_TYPES = [0x8847, 0x8864, 0x88cc, 0x888e, 0x9000];
/** How long costs are taken at a time, and how long what has just begun is left to come to rest. */
const STRETCH_MS = 1_000;
const SETTLE_MS = 300;

const GOAL = { exact: '=0', cost: '<=0.125' } as const;
const METRIC = {
  plain: 'drops_unaccounted',
  filled: 'drops_unaccounted_after_made_up_ethertypes',
  small: 'drops_unaccounted_with_4_entries',
  cost: 'cpu_per_drop_vs_perf_record',
  left: 'programs_left_when_off',
} as const;

export async function run(options: Options): Promise<Result[]> {
  const probe = probeKfreeSkb();
  const why =
    process.getuid?.() !== 0
      ? 'needs root'
      : probe.state === 'unavailable'
        ? `${probe.missing}; ${probe.mend}`
        : spawnSync('ip', ['netns', 'list']).status !== 0
          ? 'needs ip (iproute2)'
          : undefined;
  if (why !== undefined) {
    return Object.entries(METRIC).map(([name, metric]) =>
      unmeasured(metric, name === 'cost' ? GOAL.cost : GOAL.exact, why),
    );
  }
  const seconds = positive(options['seconds'], 600);
  const rounds = positive(options['rounds'], 20);
  const before = loadedProgramIds();
  using namespace = new Namespace('netfall-bench');
  pinToCpu(CPU);
  const results = [
    ...(await exactness(METRIC.plain, namespace, seconds, undefined, [])),
    ...(await exactness(METRIC.filled, namespace, seconds / 4, undefined, MADE_UP_TYPES)),
    ...(await exactness(METRIC.small, namespace, seconds / 4, 4, KNOWN_TYPES)),
    ...(await cost(namespace, rounds)),
  ];
  await sleep(1_000);
  const left = loadedProgramIds().filter((id) => !before.includes(id)).length;
  return [...results, measured(METRIC.left, left, GOAL.exact)];
}

function positive(option: string | boolean | undefined, otherwise: number): number {
  if (option === undefined) return otherwise;
  const value = Number(option);
  if (!(value > 0)) throw new RangeError(`'${option}' must be a number above 0`);
  return value;
}

/** Counts a flood for some seconds, read once a second, against the kernel's own counters. */
async function exactness(
  metric: string,
  namespace: Namespace,
  seconds: number,
  maxEntries: number | undefined,
  etherTypes: readonly number[],
): Promise<Result[]> {
  // What the rest of the machine drops meanwhile takes places in a small table, too: a large one tells how much.
  using others = maxEntries === undefined ? undefined : openKfreeSkb();
  using counter = openKfreeSkb(maxEntries === undefined ? {} : { maxEntries });
  elsewhere(others);
  // The same kind of drop in the first namespace counts on both sides; in others it must not happen.
  const independent = () => namespace.udpNoPorts() + namespace.receiveDrops('lo') + udpNoPorts('/proc/1/net');
  const before = independent();
  let named = 0;
  const visit = (row: Readonly<DropRow>) => {
    if (others !== undefined || isOurs(row)) named += row.events;
  };
  const place = { namespace: namespace.name, cpu: CPU };
  if (etherTypes.length > 0) {
    await etherFlood({ ...place, interface: 'lo', etherTypes, count: 100_000, ratePerSecond: RATE }).done;
  }
  const timer = setInterval(() => counter.read(visit), 1_000);
  const count = Math.ceil(seconds * RATE);
  const flood = await udpFlood({ ...place, host: '127.0.0.1', port: CLOSED_PORT, count, ratePerSecond: RATE })
    .done;
  clearInterval(timer);
  counter.read(visit);
  const { overflowEvents, misses } = counter.ledger();
  const unrelated = elsewhere(others);
  const dropped = independent() - before;
  const unaccounted = dropped + unrelated - (named + overflowEvents + misses);
  return [
    measured(metric, unaccounted, GOAL.exact),
    { metric: `${metric}_of`, value: dropped },
    { metric: `${metric}_overflow_share`, value: overflowEvents / dropped },
    { metric: `${metric}_rate_vs_goal`, value: flood.sent / flood.seconds / RATE },
  ];
}

/** What the floods cause: no socket, no handler, and a full queue in between where the CPU does not keep up. */
function isOurs({ reason, function: name }: Readonly<DropRow>): boolean {
  return name === '__udp4_lib_rcv' || reason === 'UNHANDLED_PROTO' || reason === 'CPU_BACKLOG';
}

/** Drops since the last call that the floods did not cause. */
function elsewhere(counter: KfreeSkbCounter | undefined): number {
  let events = 0;
  counter?.read((row) => {
    if (!isOurs(row)) events += row.events;
  });
  return events;
}

/**
 * One flood without end, and short stretches of it with and without an observer in turn, so that whatever else the
 * machine does falls on all alike. An observer's beginning and end lie outside of the stretches.
 */
async function cost(namespace: Namespace, rounds: number): Promise<Result[]> {
  if (spawnSync('perf', ['--version']).status !== 0)
    return [unmeasured(METRIC.cost, GOAL.cost, 'needs perf')];
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
  /** Nanoseconds of processor time a drop, over a second. */
  const stretch = async (read: () => void) => {
    await sleep(SETTLE_MS);
    const [time, drops] = [cpuTime.read(), udpNoPorts(`/proc/${flood.process.pid}/net`)];
    await sleep(STRETCH_MS);
    read();
    return (cpuTime.read() - time) / (udpNoPorts(`/proc/${flood.process.pid}/net`) - drops);
  };
  const alone: number[] = [];
  const ours: number[] = [];
  const perf: number[] = [];
  try {
    await sleep(1_000);
    alone.push(await stretch(() => {}));
    for (let round = 0; round < rounds; round++) {
      // Each against the mean of the stretches before and after it, so that a drift cancels out.
      for (const [extra, under] of [[ours, underOurs] as const, [perf, underPerf] as const]) {
        const before = alone.at(-1)!;
        const observed = await under(stretch);
        const after = await stretch(() => {});
        alone.push(after);
        extra.push(observed - (before + after) / 2);
      }
    }
  } finally {
    flood.process.kill();
    await ended;
  }
  return [
    measured(METRIC.cost, median(ours) / median(perf), GOAL.cost),
    { metric: 'cpu_per_drop_vs_flood_alone', value: 1 + median(ours) / median(alone) },
    { metric: 'cpu_per_drop_of_perf_record_vs_flood_alone', value: 1 + median(perf) / median(alone) },
  ];
}

type Stretch = (read: () => void) => Promise<number>;

async function underOurs(stretch: Stretch): Promise<number> {
  using counter = openKfreeSkb();
  const read = () => {
    counter.read(() => {});
    counter.ledger();
  };
  read();
  return await stretch(read);
}

async function underPerf(stretch: Stretch): Promise<number> {
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
