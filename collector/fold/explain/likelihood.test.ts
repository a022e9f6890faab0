import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { likelihood } from './likelihood.ts';
import { ln } from './ln.ts';

describe('likelihood', () => {
  test('is that of the binomial', () => {
    expect(likelihood(40, 38, 0.002)).toBeCloseTo(
      38 * Math.log(0.95 / 0.002) + 2 * Math.log(0.05 / 0.998),
      9,
    );
    expect(likelihood(40, 40, 0.002)).toBeCloseTo(40 * Math.log(1 / 0.002), 9);
    expect(likelihood(1000, 2, 0.002)).toBe(0);
    expect(likelihood(1000, 0, 0.002)).toBe(0);
  });
});

describe('ln', () => {
  test('is that of Math to the last bits', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(Math.abs(ln(x) - Math.log(x))).toBeLessThanOrEqual(Math.abs(Math.log(x)) * 2e-15 + 1e-16);
      }),
    );
    expect(ln(1)).toBe(0);
    expect(ln(500)).toBe(6.214608098422191);
  });

  test('is of nothing but positive numbers', () => {
    for (const x of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => ln(x)).toThrow(RangeError);
  });
});
