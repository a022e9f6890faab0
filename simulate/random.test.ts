import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from './random.ts';

test('the same seed throws the same, also by dice of their own', () => {
  const throws = (random: Random) => Array.from({ length: 5 }, () => random.below(1000));
  expect(throws(new Random('a'))).toEqual([139, 99, 377, 846, 40]);
  expect(throws(new Random('b'))).not.toEqual(throws(new Random('a')));
  const used = new Random('a');
  throws(used);
  expect(throws(used.fork('x'))).toEqual(throws(new Random('a').fork('x')));
  expect(throws(used.fork('x'))).not.toEqual(throws(used.fork('y')));
});

test('throws are spread as they should be', () => {
  const random = new Random('spread');
  const many = (one: () => number) => Array.from({ length: 20_000 }, one).sort((a, b) => a - b);
  const mean = (all: readonly number[]) => all.reduce((a, b) => a + b, 0) / all.length;
  expect(mean(many(() => random.next()))).toBeCloseTo(0.5, 1);
  expect(mean(many(() => random.exponential(40)))).toBeCloseTo(40, -1);
  const normal = many(() => random.normal());
  expect(mean(normal)).toBeCloseTo(0, 1);
  expect(Math.sqrt(mean(normal.map((one) => one * one)))).toBeCloseTo(1, 1);
  const rates = many(() => random.logUniform(1, 10_000));
  expect(rates[0]).toBeGreaterThanOrEqual(1);
  expect(rates.at(-1)).toBeLessThanOrEqual(10_000);
  expect(Math.log10(rates[10_000]!)).toBeCloseTo(2, 1);
  expect(many(() => random.logNormal(7, 1))[10_000]).toBeCloseTo(7, 0);
});

test('samples are different ones, as many as wanted, in their order', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(60), fc.nat(80), (seed, size, count) => {
      const from = Array.from({ length: size }, (_, i) => i);
      const sampled = new Random(seed).sample(from, count);
      expect(sampled.length).toBe(Math.min(size, count));
      expect(sampled).toEqual([...new Set(sampled)].sort((a, b) => a - b));
      expect(new Random(seed).shuffle(from).toSorted((a, b) => a - b)).toEqual(from);
    }),
  );
});

test('there is nothing to pick from nothing', () => {
  expect(() => new Random('a').pick([])).toThrow(RangeError);
});
