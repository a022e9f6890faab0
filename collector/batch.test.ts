import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packBatch, unpackBatch } from './batch.ts';
import type { FoldEntry } from './fold/fold.ts';

const entry: fc.Arbitrary<FoldEntry> = fc.record({
  sequence: fc.maxSafeNat(),
  timeUs: fc.maxSafeNat(),
  subject: fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 20 })),
  data: fc.uint8Array({ maxLength: 200 }),
});

test('a batch comes out as it went in', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const unpacked = [...unpackBatch(packBatch(entries))];
      expect(unpacked.map(({ data, ...rest }) => ({ ...rest, data: Uint8Array.from(data) }))).toEqual(
        entries,
      );
    }),
  );
});

test('the slab holds the entries and nothing else', () => {
  const entries = [
    {
      sequence: Number.MAX_SAFE_INTEGER,
      timeUs: 4_102_444_800_000_000,
      subject: 'ä',
      data: Uint8Array.of(1, 2),
    },
    { sequence: 1, timeUs: 0, subject: '', data: new Uint8Array() },
  ];
  const slab = packBatch(entries);
  expect(slab.byteLength).toBe(8 + 2 * 4 * 8 + 2 + 2);
  expect(packBatch([]).byteLength).toBe(8);
  expect([...unpackBatch(packBatch([]))]).toEqual([]);
});

test('the slab is a copy; what is unpacked are views of it', () => {
  const data = Uint8Array.of(1, 2, 3);
  const slab = packBatch([{ sequence: 1, timeUs: 1, subject: 's', data: Buffer.from(data.buffer) }]);
  data.fill(9);
  const [first] = unpackBatch(slab);
  expect([...(first?.data ?? [])]).toEqual([1, 2, 3]);
  expect(first?.data.buffer).toBe(slab);
});

test('it survives the way to another thread', () => {
  const entries = [{ sequence: 7, timeUs: 8, subject: 'netfall.c.tick', data: Uint8Array.of(1) }];
  const slab = packBatch(entries);
  const there = structuredClone(slab, { transfer: [slab] });
  expect(slab.byteLength).toBe(0);
  expect([...unpackBatch(there)].map(({ sequence, subject }) => [sequence, subject])).toEqual([
    [7, 'netfall.c.tick'],
  ]);
});
