import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Totals } from './totals.ts';

const word = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const key = fc.tuple(word, word, word, word);
const count = fc.nat(2 ** 31);

describe('Totals', () => {
  it('tells keys apart and finds how far each moved, as a Map does', () => {
    const moves = fc.array(fc.record({ key, events: count, packets: count, bytes: count }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(moves, (list) => {
        const totals = new Totals(60);
        const known = new Map<string, { number: number; events: number; packets: number; bytes: number }>();
        for (const { key, events, packets, bytes } of list) {
          const before = known.get(key.join()) ?? { number: known.size, events: 0, packets: 0, bytes: 0 };
          const words = Uint32Array.of(99, ...key, 99);
          expect(totals.find(words, 1)).toBe(known.has(key.join()) ? before.number : -1);
          expect(totals.number(words, 1)).toBe(before.number);
          expect([0, 1, 2, 3].map((index) => totals.word(before.number, index))).toEqual(key);
          const moved = events !== before.events || packets !== before.packets || bytes !== before.bytes;
          // In two parts, as slots and table hold them.
          totals.add(before.number, events, 0, bytes - (bytes >> 1));
          totals.add(before.number, 0, packets, bytes >> 1);
          expect(totals.settle(before.number)).toBe(moved);
          expect([totals.events, totals.packets, totals.bytes]).toEqual([
            events - before.events,
            packets - before.packets,
            bytes - before.bytes,
          ]);
          known.set(key.join(), { number: before.number, events, packets, bytes });
        }
        expect(totals.size).toBe(known.size);
      }),
    );
  });

  it('stays exact up to 2^53', () => {
    const totals = new Totals(1);
    const number = totals.number(Uint32Array.of(1, 2, 3, 4), 0);
    totals.add(number, 0, 0, Number.MAX_SAFE_INTEGER - 1);
    totals.settle(number);
    totals.add(number, 0, 0, Number.MAX_SAFE_INTEGER);
    totals.settle(number);
    expect(totals.bytes).toBe(1);
  });

  it('holds as many keys as it was made for, and refuses more', () => {
    const totals = new Totals(1000);
    for (let i = 0; i < 1000; i++) expect(totals.number(Uint32Array.of(i, 0, 0, 0), 0)).toBe(i);
    for (let i = 0; i < 1000; i++) expect(totals.number(Uint32Array.of(i, 0, 0, 0), 0)).toBe(i);
    expect(() => totals.number(Uint32Array.of(1000, 0, 0, 0), 0)).toThrow(RangeError);
  });
});
