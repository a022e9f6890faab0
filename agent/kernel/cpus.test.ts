import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countCpus } from './cpus.ts';

describe('countCpus', () => {
  it.each([
    ['0', 1],
    ['0-3\n', 4],
    ['0-3,8-11', 8],
    ['0,2,4-5', 4],
  ])('counts %j', (list, count) => {
    expect(countCpus(list)).toBe(count);
  });

  it.each(['', '\n', '3-1', '0-', 'a', '0,,1', '-1'])('refuses %j', (list) => {
    expect(() => countCpus(list)).toThrow(RangeError);
  });

  it('counts any list of ranges', () => {
    const ranges = fc.array(fc.tuple(fc.nat(1000), fc.nat(64)), { minLength: 1 });
    fc.assert(
      fc.property(ranges, (list) => {
        const text = list
          .map(([first, more]) => (more === 0 ? `${first}` : `${first}-${first + more}`))
          .join(',');
        expect(countCpus(text)).toBe(list.reduce((sum, [, more]) => sum + more + 1, 0));
      }),
    );
  });
});
