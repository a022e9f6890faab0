/** Each target in a few runs, and that defects would be found. docs/fuzzing.md has how to run more. */
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { MOST_BYTES, Mutator } from './mutator.ts';
import { TARGETS } from './targets.ts';

const RUNS = 20_000;
const FIXED_SEED = 1;
const TIMEOUT_MS = 240_000;

describe.skipIf(process.platform !== 'linux')('targets (need Linux)', () => {
  const randomSeed = randomInt(2 ** 32 - 1);

  it.each([...TARGETS.keys()])(
    '%s',
    async (name) => {
      console.log(`fuzzing ${name} with the seeds ${FIXED_SEED} and ${randomSeed}`);
      for (const seed of [FIXED_SEED, randomSeed]) {
        const { finding, runs, memory } = await fuzz({ target: TARGETS.get(name)!, seed, runs: RUNS });
        expect({ seed, finding }).toEqual({ seed, finding: undefined });
        expect(runs).toBe(RUNS);
        expect(memory.map(({ percent }) => percent)).toEqual([10, 50, 100]);
      }
    },
    TIMEOUT_MS,
  );
});

describe('fuzz', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'netfall-fuzz-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const target = (name: string) => join(import.meta.dirname, 'testing', `${name}.ts`);
  const runInput = (...bytes: number[]) =>
    fuzz({ target: target('defective'), seed: 0, runs: 1, input: Uint8Array.from(bytes) });

  it.each([
    [1, 'it throws'],
    [2, 'what lies behind the input makes a difference'],
    [3, 'sums differ'],
    [4, 'things: 101, and 100 is the most'],
  ])('finds the defect of an input that begins with %i: %s', async (first, what) => {
    const { finding } = await runInput(first, 0, 0, 0);
    expect(finding?.what).toContain(`Error: ${what}`);
    expect((await runInput(first, 0, 0)).finding).toBeUndefined();
  });

  it('makes a short file of what it found, which does it again', async () => {
    const { finding, runs } = await fuzz({ target: target('defective'), seed: 1, runs: RUNS, folder });
    expect(runs).toBeLessThan(RUNS);
    const input = readFileSync(finding!.file!);
    expect(input).toHaveLength(4);
    const again = await runInput(...input);
    expect(again.finding?.what.split('\n')[0]).toBe(finding!.what.split('\n')[0]);
  });

  it('ends a run that hangs, and makes a file of its input', async () => {
    const { finding } = await fuzz({ target: target('hangs'), seed: 1, runs: RUNS, hangMs: 3000, folder });
    expect(finding?.what).toBe('no run ended for 3 s');
    expect(readFileSync(finding!.file!)[0]).toBe(7);
  });

  it('notices that memory grows', async () => {
    const { finding } = await fuzz({ target: target('grows'), seed: 1, runs: RUNS, folder });
    expect(finding?.what).toMatch(/^memory grew from 10 % of the runs on: heap by 1\d\d\.\d MiB/);
    expect(finding?.file).toBeUndefined();
  });
});

describe('Mutator', () => {
  const corpus = [Uint8Array.from({ length: 200 }, (_, i) => i), new Uint8Array(MOST_BYTES).fill(7)];

  /** The inputs of runs 0 to 2999. */
  function inputs(seed: number): string[] {
    const bytes = new Uint8Array(MOST_BYTES);
    const mutator = new Mutator(corpus, bytes);
    return Array.from({ length: 3000 }, (_, run) => {
      const length = mutator.make(seed, run);
      expect(length).toBeLessThanOrEqual(MOST_BYTES);
      return Buffer.from(bytes.subarray(0, length)).toString('latin1');
    });
  }

  it('makes the same inputs of the same seed and run, and others of another', () => {
    const first = inputs(5);
    expect(inputs(5)).toEqual(first);
    const others = new Set(inputs(6));
    expect(first.filter((input) => !others.has(input)).length).toBeGreaterThan(2000);
  });

  it('leaves some as they are, and makes most others but once', () => {
    const made = inputs(5);
    const whole = corpus.map((bytes) => Buffer.from(bytes).toString('latin1'));
    const same = made.filter((input) => whole.includes(input)).length;
    expect(same).toBeGreaterThan(300);
    expect(same).toBeLessThan(900);
    expect(new Set(made).size).toBeGreaterThan(1900);
    const lengths = made.map((input) => input.length);
    expect(Math.min(...lengths)).toBe(0);
    expect(Math.max(...lengths)).toBe(MOST_BYTES);
  });
});
