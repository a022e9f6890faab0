import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { probeKfreeSkb } from '../../agent/sources/kfree-skb/index.ts';
import type { Outcome } from '../drops/run.ts';
import { type Column, page } from '../drops/table.ts';
import { branches } from './packages.ts';
import { whyNoVmTests } from './qemu.ts';
import { bootVm } from './vm.ts';

const MINUTE = 60_000;
const RUN = 'test/drops/run.ts';
const tree = join(import.meta.dirname, '../..');
const file = join(tree, 'docs/drop-signals.md');
const node = 'node_modules/.bin/node';

/** What watches: the source's name for run.ts, and what the page calls it. */
const modes = [
  { source: 'kfree-skb', mode: 'BPF' },
  { source: 'packet', mode: 'packet alerts' },
  { source: 'summary', mode: 'summary alerts' },
] as const;

const columns: Column[] = [];

/** Whether drops and ledger add up to what was lost, where there is anything to see. */
function expectComplete(outcomes: readonly Outcome[]): void {
  for (const { scenario, lost, signals, ledger, skipped } of outcomes) {
    if (skipped !== undefined) continue;
    const reported = signals.reduce((sum, { events }) => sum + events, 0);
    const inLedger = Object.values(ledger).reduce((sum, count) => sum + count, 0);
    expect({ scenario, lost: lost > 0 }).toEqual({ scenario, lost: true });
    if (signals.length > 0) expect({ scenario, seen: reported + inLedger }).toEqual({ scenario, seen: lost });
  }
}

function outcomesIn(text: string): Outcome[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome);
}

function add(mode: string, outcomes: readonly Outcome[]): void {
  const [, kernel = ''] = /^(\d+\.\d+)/.exec(outcomes[0]?.kernel ?? '') ?? [];
  columns.push({ kernel, mode, outcomes });
}

const here = process.getuid?.() === 0 && probeKfreeSkb().state === 'ok';

describe.skipIf(!here)(
  'lost packets on this kernel (needs root and BPF)',
  { retry: 2, timeout: 2 * MINUTE },
  () => {
    test('are seen by BPF, or counted', async () => {
      const { stdout } = await promisify(execFile)(node, [RUN, '--source=kfree-skb'], { cwd: tree });
      const outcomes = outcomesIn(stdout);
      expectComplete(outcomes);
      add('BPF', outcomes);
    });
  },
);

const missing = new Map(
  await Promise.all(branches.map(async (kernel) => [kernel, await whyNoVmTests(kernel)] as const)),
);

describe('lost packets in a VM', () => {
  for (const [kernel, why] of missing) {
    const name = `on Linux ${kernel} are seen, or counted${why === null ? '' : ` (${why})`}`;
    test.skipIf(why !== null)(name, { timeout: 10 * MINUTE }, async () => {
      await using vm = await bootVm({ kernel, network: false });
      for (const { source, mode } of modes) {
        const { status, stdout, stderr } = await vm.run(`${node} ${RUN} --source=${source}`, {
          timeoutMs: 5 * MINUTE,
        });
        expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
        const outcomes = outcomesIn(String(stdout));
        expectComplete(outcomes);
        add(mode, outcomes);
      }
    });
  }
});

const complete = here && [...missing.values()].every((why) => why === null);

test.skipIf(!complete)('docs/drop-signals.md says what was seen (UPDATE=1 writes it anew)', () => {
  const order = ({ kernel, mode }: Column) =>
    Number(kernel.split('.')[1]) * modes.length + modes.findIndex((known) => known.mode === mode);
  const sorted = columns.toSorted((a, b) => order(a) - order(b));
  if (process.env['UPDATE'] === '1') writeFileSync(file, page(sorted));
  const written = readFileSync(file, 'utf8');
  // A developer's kernel may be one that the page does not have.
  const known = sorted.filter(({ kernel }) => written.includes(`| ${kernel} | `));
  const kernels = new Set(known.map(({ kernel }) => kernel));
  const lines = written.split('\n').filter((line) => {
    const [, kernel] = /^\| (\d+\.\d+) \| /.exec(line) ?? [];
    return kernel === undefined || kernels.has(kernel);
  });
  expect(lines.join('\n')).toBe(page(known));
});
