import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.ts';

test('things come out by their times, and those of one time as they came', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const heap = new Heap<number>();
      for (const [i, atUs] of times.entries()) heap.push(atUs, i);
      const expected = times.map((atUs, i) => ({ atUs, i })).sort((a, b) => a.atUs - b.atUs || a.i - b.i);
      for (const { atUs, i } of expected) {
        expect(heap.nextUs).toBe(atUs);
        expect(heap.pop()).toBe(i);
      }
      expect(heap.nextUs).toBe(Number.POSITIVE_INFINITY);
      expect(() => heap.pop()).toThrow(RangeError);
    }),
  );
});

test('what is pushed between two that come out takes its place', () => {
  const heap = new Heap<string>();
  heap.push(5, 'five');
  heap.push(1, 'one');
  expect(heap.pop()).toBe('one');
  heap.push(3, 'three');
  heap.push(9, 'nine');
  expect([heap.pop(), heap.pop(), heap.pop()]).toEqual(['three', 'five', 'nine']);
});
