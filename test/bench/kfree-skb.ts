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

import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadedProgramIds } from '../../agent/kernel/bpf/bpf.ts';
import { pinToCpu } from '../../agent/kernel/libc.ts';
import {
  type DropRow,
  type KfreeSkbCounter,
  openKfreeSkb,
  probeKfreeSkb,
} from '../../agent/sources/kfree-skb/index.ts';
import { etherFlood } from '../load/ether-flood.ts';
import { Namespace, udpNoPorts } from '../load/namespace.ts';
import { udpFlood } from '../load/udp-flood.ts';
import { CLOSED_PORT, CPU, isPerfMissing, pairedCost, RATE, type Stretch, underPerf } from './paired-cost.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const MADE_UP_TYPES = Array.from({ length: 1_000 }, (_, i) => 0x9000 + i);
/** With IPv4 these are more kinds than a table of four entries holds. */
const KNOWN_TYPES = [0x8847, 0x8864, 0x88cc, 0x888e, 0x9000];

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

/** Against perf, each beyond what the flood itself takes. */
async function cost(namespace: Namespace, rounds: number): Promise<Result[]> {
  if (isPerfMissing()) return [unmeasured(METRIC.cost, GOAL.cost, 'needs perf')];
  const { alone, extra } = await pairedCost(namespace, rounds, [underOurs, underPerf]);
  const [ours = 0, perf = 0] = extra;
  return [
    measured(METRIC.cost, ours / perf, GOAL.cost),
    { metric: 'cpu_per_drop_vs_flood_alone', value: 1 + ours / alone },
    { metric: 'cpu_per_drop_of_perf_record_vs_flood_alone', value: 1 + perf / alone },
  ];
}

async function underOurs(stretch: Stretch): Promise<number> {
  using counter = openKfreeSkb();
  const read = () => {
    counter.read(() => {});
    counter.ledger();
  };
  read();
  return await stretch(read);
}
