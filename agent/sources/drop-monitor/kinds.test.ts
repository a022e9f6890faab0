import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kinds } from './kinds.ts';

const word = fc.constantFrom(0, 1, 0xffff_ffff);
const kind = fc.record({
  high: word,
  low: word,
  tag: word,
  name: fc.constantFrom('', 'a', 'ab', 'b'.repeat(64)),
});

describe('Kinds', () => {
  it('counts what a map would count', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, fc.nat(9))), fc.nat(20), (drops, most) => {
        const kinds = new Kinds(most + 1);
        const expected = new Map<string, [number, number]>();
        const keys: string[] = [];
        let refused = 0;
        for (const [{ high, low, tag, name }, bytes] of drops) {
          const slab = Buffer.from(`..${name}..`);
          const number = kinds.number(high, low, tag, slab, 2, 2 + name.length);
          const key = JSON.stringify([high, low, tag, name]);
          if (!expected.has(key) && expected.size === most + 1) {
            expect(number).toBe(-1);
            refused++;
            continue;
          }
          if (!expected.has(key)) keys.push(key);
          expect(number).toBe(keys.indexOf(key));
          const [events, sum] = expected.get(key) ?? [0, 0];
          expected.set(key, [events + 1, sum + bytes]);
          kinds.add(number, 1, bytes);
        }
        const taken = new Map<string, [number, number]>();
        kinds.take((number, events, bytes) => taken.set(keys[number] ?? '', [events, bytes]));
        expect(taken).toEqual(expected);
        expect(kinds.size).toBe(keys.length);
        expect([...taken.values()].reduce((sum, [events]) => sum + events, refused)).toBe(drops.length);
        kinds.take(() => expect.unreachable());
      }),
    );
  });

  it('tells names apart by their first 64 bytes', () => {
    const kinds = new Kinds(4);
    const number = (name: string) => kinds.number(0, 0, 0, Buffer.from(name), 0, name.length);
    expect(number(`${'x'.repeat(64)}1`)).toBe(0);
    expect(number(`${'x'.repeat(64)}2`)).toBe(0);
    expect(number(`${'x'.repeat(63)}2`)).toBe(1);
  });
});
