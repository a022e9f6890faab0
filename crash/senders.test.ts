import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ESTABLISHED, PROBATION, type SenderKey, Senders } from './senders.ts';

function key(d: number, stream = 0): SenderKey {
  return { a: 0, b: 0, c: 0xffff, d, stream };
}

describe('senders', () => {
  it('are found by what names them, and by nothing else', () => {
    const senders = new Senders(8, 42);
    const base: SenderKey = { a: 0xfe80_0000, b: 1, c: 2, d: 0xffff_ffff, stream: 0 };
    const others = [{ a: 1 }, { b: 0 }, { c: 3 }, { d: 0 }, { stream: 1 }].map((part) => ({
      ...base,
      ...part,
    }));
    const number = senders.add(base, 5);
    expect(senders.keyOf(number)).toEqual(base);
    expect(senders.find({ ...base })).toBe(number);
    expect(others.map((other) => senders.find(other))).toEqual([-1, -1, -1, -1, -1]);
    expect(new Set(others.map((other) => senders.add(other, 6))).size).toBe(5);
    expect([senders.size, senders.count(PROBATION), senders.count(ESTABLISHED)]).toEqual([6, 6, 0]);
  });

  it('are a bounded map, in the order in which they were heard', () => {
    const step = fc.record({
      d: fc.nat(40),
      what: fc.constantFrom('hear', 'hear', 'hear', 'remove', 'establish', 'demote', 'victim'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer(), (steps, seed) => {
        const senders = new Senders(16, seed);
        // In the order in which they were heard, those on probation and the others.
        const lists: [number[], number[]] = [[], []];
        const forget = (d: number) => {
          for (const list of lists) if (list.includes(d)) list.splice(list.indexOf(d), 1);
        };
        for (const [i, { d, what }] of steps.entries()) {
          const number = senders.find(key(d));
          expect(number >= 0).toBe(lists.flat().includes(d));
          if (what === 'hear' && number < 0) {
            if (senders.size === 16) {
              expect(senders.add(key(d), i)).toBe(-1);
            } else {
              senders.add(key(d), i);
              lists[PROBATION].push(d);
            }
          } else if (what === 'hear') {
            senders.heard(number, i);
            const list = lists.find((each) => each.includes(d))!;
            forget(d);
            list.push(d);
          } else if (what === 'victim') {
            const victim = senders.victim();
            expect(victim >= 0).toBe(senders.size > 0);
          } else if (number >= 0 && what === 'remove') {
            senders.remove(number);
            forget(d);
          } else if (number >= 0) {
            const standing = what === 'establish' ? ESTABLISHED : PROBATION;
            if (!lists[standing].includes(d)) {
              forget(d);
              lists[standing].push(d);
            }
            senders.stand(number, standing);
          }
          for (const standing of [PROBATION, ESTABLISHED] as const) {
            expect(listed(senders, standing)).toEqual(lists[standing]);
            expect(senders.count(standing)).toBe(lists[standing].length);
          }
        }
      }),
    );
  });

  it('make room: strangers the one heard longest ago, others the least useful of those', () => {
    const senders = new Senders(8, 1);
    const numbers = Array.from({ length: 8 }, (_, d) => senders.add(key(d), d));
    expect(senders.victim()).toBe(numbers[0]);
    for (const d of [0, 1, 2, 3, 4]) {
      senders.stand(numbers[d]!, ESTABLISHED);
      senders.usefulness[numbers[d]!] = 100 - d;
    }
    // Three strangers are more than their quarter.
    expect(senders.victim()).toBe(numbers[5]);
    senders.stand(numbers[5]!, ESTABLISHED);
    senders.stand(numbers[6]!, ESTABLISHED);
    senders.usefulness[numbers[5]!] = senders.usefulness[numbers[6]!] = 1000;
    expect(senders.victim()).toBe(numbers[4]);
    // Where there are free numbers, room is wanted for what is kept: strangers go first.
    senders.remove(numbers[4]!);
    expect(senders.victim()).toBe(numbers[7]);
    senders.remove(numbers[7]!);
    expect(senders.victim()).toBe(numbers[3]);
  });
});

function listed(senders: Senders, standing: typeof PROBATION | typeof ESTABLISHED): number[] {
  const list: number[] = [];
  for (let at = senders.oldest(standing); at >= 0; at = senders.next(at)) list.push(senders.keyOf(at).d);
  return list;
}
