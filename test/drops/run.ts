/**
 * Loses packets in every way there is, and prints what the drop source of a kernel makes of each: a line a scenario.
 *
 *   node test/drops/run.ts --source=kfree-skb|packet|summary [--count=1000] [--only=NAME]
 *
 * Needs root. Prints `{"scenario","counter","sent","lost","signals":[{"reason","function","protocol","events"}],
 * "ledger":{hop: count}}`, or `{"scenario","skipped"}` with the reason when this kernel cannot make it.
 */
import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pinToCpu } from '../../agent/kernel/libc.ts';
import type { Collector, DropRow } from '../../agent/source.ts';
import { Wire } from './network.ts';
import { observers } from './observers.ts';
import { scenarios } from './scenarios.ts';

export interface Signal {
  readonly reason: string;
  readonly function: string;
  readonly protocol: string;
  readonly events: number;
}

export interface Outcome {
  readonly scenario: string;
  readonly kernel: string;
  readonly counter: string;
  readonly sent: number;
  readonly lost: number;
  /** Kinds of drops that came with it, the most first. */
  readonly signals: readonly Signal[];
  readonly ledger: Readonly<Record<string, number>>;
  readonly skipped?: string;
}

/** Fewer events than this share of what was lost are somebody else's. */
const SHARE = 0.02;
const POLL_MS = 100;

class Sum implements Collector {
  readonly rows = new Map<string, Signal>();
  readonly ledger: Record<string, number> = {};
  events = 0;

  drop({ reason, function: fn, protocol, events }: Readonly<DropRow>): void {
    this.events += events;
    const key = `${reason} ${fn} ${protocol}`;
    const known = this.rows.get(key)?.events ?? 0;
    this.rows.set(key, { reason, function: fn, protocol, events: known + events });
  }

  loss(hop: string, count: number): void {
    this.ledger[hop] = (this.ledger[hop] ?? 0) + count;
  }

  wantsSample(): boolean {
    return false;
  }

  counter(): void {}
  sample(): void {}
}

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { source: text, count: { ...text, default: '1000' }, only: text } });
const observe = observers[values.source ?? ''];
if (!observe) throw new Error(`--source is one of ${Object.keys(observers).join(', ')}`);
const count = Number(values.count);

// Every softirq of the veth pair where the sender is, but for what a scenario steers elsewhere.
pinToCpu(0);
using source = observe();

for (const { name, counter, beside = [], run } of scenarios) {
  if (values.only !== undefined && values.only !== name) continue;
  const base = { scenario: name, kernel: release(), counter };
  try {
    using wire = new Wire('netfall-drops');
    source.collect(new Sum());
    const sum = new Sum();
    const { sent, lost } = await run(wire, count);
    await settled(sum);
    const signals = [...sum.rows.values()]
      .filter(({ function: fn, events }) => events >= Math.max(1, SHARE * lost) && !beside.includes(fn))
      .sort((one, other) => other.events - one.events);
    print({ ...base, sent, lost, signals, ledger: sum.ledger });
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
    const skipped = lines.find((line) => line.startsWith('Error: ')) ?? lines.at(-1) ?? '';
    print({ ...base, sent: 0, lost: 0, signals: [], ledger: {}, skipped });
  }
}

/** Collects until nothing has come for a while: alerts wait in queues of the kernel's. */
async function settled(sum: Sum): Promise<void> {
  for (let quiet = 0, before = -1; quiet < source.settleMs; quiet += POLL_MS) {
    await sleep(Math.min(POLL_MS, source.settleMs));
    source.collect(sum);
    if (sum.events !== before) quiet = 0;
    before = sum.events;
  }
  source.collect(sum);
}

function print(outcome: Outcome): void {
  console.log(JSON.stringify(outcome));
}
