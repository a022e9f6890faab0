import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Recorder } from '../../testing/recorder.ts';
import { Growth, MOST_COUNTERS, NO_SLOT } from './growth.ts';

/** Puts values one after the other, from the second on, and returns what was reported. */
function grow(...values: (number | bigint)[]): Recorder {
  const growth = new Growth();
  const into = new Recorder();
  const slot = growth.add({ name: 'c', interface: '', total: '' }, false);
  for (const value of values.map(BigInt))
    growth.put(slot, Number(value >> 32n), Number(value & 0xffffffffn), into);
  return into;
}

const reset = { counter_reset: 1 };

describe('Growth', () => {
  it('counts from the first value on', () => {
    expect(grow(1000).counters).toEqual({});
    expect(grow(1000, 1000).counters).toEqual({});
    expect(grow(1000, 1007, 1010).counters).toEqual({ c: 10 });
  });

  it('follows what is wanted alone', () => {
    const growth = new Growth((name) => name === 'wanted');
    const into = new Recorder();
    const counter = (name: string) => ({ name, interface: '', total: '' });
    expect(growth.add(counter('other'), true)).toBe(NO_SLOT);
    growth.put(growth.add(counter('wanted'), true), 0, 7, into);
    expect(into).toEqual({ counters: { wanted: 7 }, losses: {} });
    expect(growth.takeRefused()).toBe(0);
  });

  it('is exact at any height', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
        (from, by) => {
          fc.pre(from + by < 2n ** 64n);
          const into = grow(from, from + by);
          expect(into).toEqual({ counters: { c: Number(by) }, losses: {} });
        },
      ),
    );
  });

  it.each([
    ['a wrap at 2^32', [2 ** 32 - 10, 5], 15, {}],
    ['the largest wrap believed at 2^32', [2 ** 32 - 1, 2 ** 28 - 1], 2 ** 28, {}],
    ['a fall from the top that is too far for a wrap', [2 ** 32 - 1, 2 ** 28], 2 ** 28, reset],
    ['a wrap at 2^64', [2n ** 64n - 10n, 5n], 15, {}],
    ['the largest wrap believed at 2^64', [2n ** 64n - 1n, 2n ** 40n - 1n], 2 ** 40, {}],
    ['a reset', [1000, 400], 400, reset],
    ['a reset to zero', [1000, 0], undefined, reset],
    ['a reset of a high counter', [2n ** 63n, 2n ** 33n], 2 ** 33, reset],
    ['a fall from above 2^32 to below', [2 ** 32 + 5, 5], 5, reset],
    ['a growth beyond what can be reported', [0, 2n ** 53n], undefined, { implausible: 1 }],
    [
      'a reset to a value beyond what can be reported',
      [2n ** 63n, 2n ** 62n],
      undefined,
      { ...reset, implausible: 1 },
    ],
  ] as const)('takes %s for that', (_, values, counted, losses) => {
    const into = grow(...values);
    expect(into.counters).toEqual(counted === undefined ? {} : { c: counted });
    expect(into.losses).toEqual(losses);
  });

  it('never reports more than the value itself when a counter falls', () => {
    const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(value, value, (a, b) => {
        fc.pre(a > b);
        const reported = grow(a, b).counters['c'] ?? 0;
        const wrapped = [b - a + 2n ** 32n, b - a + 2n ** 64n].filter((growth) => growth > 0n);
        expect([Number(b), 0, ...wrapped.map(Number)]).toContain(reported);
      }),
    );
  });

  it('counts a counter that began at zero from zero', () => {
    const growth = new Growth();
    const into = new Recorder();
    growth.put(growth.add({ name: 'c', interface: 'eth0', total: 't' }, true), 0, 5, into);
    expect(into.counters).toEqual({ 'c@eth0': 5, t: 5 });
  });

  it('gives the slot of a counter that is gone to another, without its history', () => {
    const growth = new Growth();
    const into = new Recorder();
    const first = growth.add({ name: 'a', interface: '', total: '' }, false);
    growth.put(first, 0, 1000, into);
    growth.remove(first);
    growth.remove(first);
    const second = growth.add({ name: 'b', interface: '', total: '' }, false);
    expect(second).toBe(first);
    growth.put(second, 0, 5, into);
    growth.put(second, 0, 6, into);
    expect(into.counters).toEqual({ b: 1 });
    expect(growth.add({ name: 'c', interface: '', total: '' }, false)).not.toBe(first);
  });

  it('refuses counters beyond its bound, and says how many', () => {
    const growth = new Growth();
    const into = new Recorder();
    const add = () => growth.add({ name: 'c', interface: '', total: '' }, true);
    for (let i = 0; i < MOST_COUNTERS; i++) expect(add()).toBe(i);
    expect([add(), add()]).toEqual([NO_SLOT, NO_SLOT]);
    expect([growth.takeRefused(), growth.takeRefused()]).toEqual([2, 0]);
    growth.put(NO_SLOT, 0, 1, into);
    growth.put(MOST_COUNTERS - 1, 0, 1, into);
    expect(into.counters).toEqual({ c: 1 });
  });
});
