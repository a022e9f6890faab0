/**
 * Runs a benchmark: `npm run bench -- NAME [--json] [--option=value …]`. Prints a table, and with --json a last line that
 * programs read. Exits 1 when a goal is missed.
 */
import { parseArgs } from 'node:util';
import type { Benchmark, Result } from './result.ts';

const benchmarks: Readonly<Record<string, () => Promise<{ run: Benchmark }>>> = {
  agent: () => import('./agent.ts'),
  'catch-up': () => import('./catch-up.ts'),
  'crash-titles': () => import('./crash-titles.ts'),
  correlation: () => import('./correlation.ts'),
  counters: () => import('./counters.ts'),
  'drop-monitor': () => import('./drop-monitor.ts'),
  'kfree-skb': () => import('./kfree-skb.ts'),
  fold: () => import('./fold.ts'),
  relay: () => import('./relay.ts'),
  samples: () => import('./samples.ts'),
};

function show(results: readonly Result[]): void {
  const width = Math.max(6, ...results.map(({ metric }) => metric.length));
  console.log(`${'METRIC'.padEnd(width)}  ${'VALUE'.padStart(10)}  ${'GOAL'.padStart(8)}`);
  for (const { metric, value, goal = '', ok, skipped } of results) {
    const figure = value === undefined ? '-' : String(Number(value.toPrecision(4)));
    const verdict = skipped ? `skipped: ${skipped}` : ok === undefined ? '' : ok ? 'ok' : 'MISSED';
    console.log(`${metric.padEnd(width)}  ${figure.padStart(10)}  ${goal.padStart(8)}  ${verdict}`.trimEnd());
  }
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' } },
  strict: false,
  allowPositionals: true,
});
const [name = ''] = positionals;
const load = benchmarks[name];
if (!load || positionals.length !== 1) {
  console.error(
    `netfall: name one benchmark: npm run bench -- ${Object.keys(benchmarks).join('|')} [--json]`,
  );
  process.exitCode = 2;
} else {
  const { run } = await load();
  try {
    const results = await run(values);
    show(results);
    if (values['json']) console.log(JSON.stringify({ bench: name, results }));
    if (results.some(({ ok }) => ok === false)) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`netfall: ${error.message}`);
    process.exitCode = 2;
  }
}
