/**
 * Loses packets in every way there is while `netfall counters` watches, and prints what it made of each: a line a scenario.
 *
 *   node test/drops/audit.ts [--count=1000] [--only=NAME]
 *
 * Needs root and BPF. Prints `{"scenario","kernel","counter","lost","audit"}`, or `{"scenario","skipped"}` with the reason
 * when this kernel cannot make it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pinToCpu } from '../../agent/kernel/libc.ts';
import type { Findings } from '../../agent/report/audit.ts';
import { Wire } from './network.ts';
import { scenarios } from './scenarios.ts';

export interface AuditOutcome {
  readonly scenario: string;
  readonly kernel: string;
  readonly counter: string;
  readonly lost: number;
  readonly audit: Findings;
  readonly skipped?: string;
}

const NOTHING: Findings = { explained: [], unseen: [], uncounted: [] };
/** For what another CPU still has in hand. */
const SETTLE_MS = 300;
/** Scenarios that are watched from inside of a namespace: queueing disciplines of others are not read. */
const inside: Readonly<Record<string, 'a' | 'b'>> = { 'full qdisc': 'a', tc: 'b' };

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { count: { ...text, default: '1000' }, only: text } });
const count = Number(values.count);

// Every softirq of the veth pair where the sender is, but for what a scenario steers elsewhere.
pinToCpu(0);

for (const { name, counter, run } of scenarios) {
  if (values.only !== undefined && values.only !== name) continue;
  const base = { scenario: name, kernel: release(), counter };
  try {
    using wire = new Wire('netfall-audit');
    using watch = await watchCounters(inside[name] && wire[inside[name]]);
    const { lost } = await run(wire, count);
    await sleep(SETTLE_MS);
    print({ ...base, lost, audit: await watch.end() });
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
    const skipped = lines.find((line) => line.startsWith('Error: ')) ?? lines.at(-1) ?? '';
    print({ ...base, lost: 0, audit: NOTHING, skipped });
  }
}

interface Watch extends Disposable {
  /** What it found. */
  end(): Promise<Findings>;
}

/** `netfall counters` in a namespace, or where this is, once it counts. */
async function watchCounters(namespace?: string): Promise<Watch> {
  const netfall = [process.execPath, 'cli/main.ts', 'counters', '--for', '300s', '--json'];
  const there = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  const [program = '', ...args] = [...there, ...netfall];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
  const [said] = (await once(child.stderr, 'data')) as [Buffer];
  if (!said.toString().startsWith('counting for ')) throw new Error(`netfall counters: ${said}`);
  return {
    end: async () => {
      child.kill('SIGINT');
      await once(child, 'close');
      const document = JSON.parse(Buffer.concat(output).toString()) as { audit: Findings | null };
      if (!document.audit) throw new Error(`netfall counters: ${Buffer.concat(output)}`);
      return document.audit;
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

function print(outcome: AuditOutcome): void {
  console.log(JSON.stringify(outcome));
}
