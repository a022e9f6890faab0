/**
 * `npm run fuzz -- [TARGET …] [--runs=N] [--seed=S] [--json] [--input=FILE]`: runs N mutated inputs through each target, all
 * when none is named, one after another. Prints a table, and with --json a last line that programs read. Exits 1 when
 * something was found. docs/fuzzing.md.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type FuzzResult, fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';

const RUNS = 100_000;
const MOST_RUNS = 2 ** 32 - 1;

const mib = (bytes: number) => (bytes / 1024 ** 2).toFixed(1);

function show(result: FuzzResult): void {
  const { target, runs, elapsedMs, memory, bounds, counts, finding } = result;
  const rate = Math.round(runs / (elapsedMs / 1000));
  console.log(
    `${target}: ${runs} runs in ${(elapsedMs / 1000).toFixed(1)} s, ${rate} a second; ${finding ? 'FOUND' : 'nothing found'}`,
  );
  for (const { percent, heapBytes, rssBytes } of memory) {
    console.log(
      `  at ${String(percent).padStart(3)} %: heap ${mib(heapBytes)} MiB, RSS ${mib(rssBytes)} MiB`,
    );
  }
  for (const { name, value, most } of bounds) console.log(`  ${name}: ${value} of at most ${most}`);
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name}: ${count}`);
  if (!finding) return;
  console.log(`  run ${finding.run} of seed ${result.seed}: ${finding.what}`);
  if (finding.file) console.log(`  again: npm run fuzz -- ${target} --input=${finding.file}`);
}

/** @throws Error when it is no such number */
function numberOf(option: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= MOST_RUNS) return number;
  throw new Error(`--${option}=${text} is no number from ${least} to ${MOST_RUNS}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      runs: { type: 'string', default: String(RUNS) },
      seed: { type: 'string', default: String(randomInt(MOST_RUNS)) },
      input: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const runs = numberOf('runs', values.runs, 1);
  const seed = numberOf('seed', values.seed, 0);
  const unknown = positionals.find((name) => !TARGETS.has(name));
  if (unknown !== undefined)
    throw new Error(`there is no target ${unknown}: give ${[...TARGETS.keys()].join(', ')}`);
  if (values.input !== undefined && positionals.length !== 1)
    throw new Error('--input goes with one target: name it');
  const input = values.input === undefined ? undefined : readFileSync(values.input);

  console.log(`seed ${seed}`);
  const results: FuzzResult[] = [];
  for (const name of positionals.length > 0 ? positionals : TARGETS.keys()) {
    const result = await fuzz({ target: TARGETS.get(name)!, seed, runs: input ? 1 : runs, input });
    show(result);
    results.push(result);
  }
  if (values.json) console.log(JSON.stringify({ fuzz: results }));
  return results.some(({ finding }) => finding) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`netfall: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
