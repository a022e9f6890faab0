import { expect, test } from 'vitest';
import { Timers } from './timers.ts';

const S = 1_000_000;

/** Keys that are due when they were last asked for. */
function always(): Timers {
  return new Timers(() => 1);
}

test('keys are told at the earliest second that they were asked for, in their order', () => {
  const timers = always();
  timers.set('b', 3 * S);
  timers.set('a', 2 * S + 1);
  timers.set('c', 5 * S);
  timers.set('c', 3 * S);
  timers.set('c', 9 * S);
  expect(timers.take(2, 2 * S)).toEqual([]);
  expect(timers.take(3, 3 * S)).toEqual(['a', 'b', 'c']);
  expect(timers.take(3, 3 * S)).toEqual([]);
  expect(timers.take(5, 5 * S)).toEqual([]);
  expect(timers.take(9, 9 * S)).toEqual([]);
});

test('a key that was told earlier and asked for again is told once, as by a fold that was restored in between', () => {
  const timers = always();
  timers.set('a', 5 * S);
  timers.set('a', 3 * S);
  expect(timers.take(3, 3 * S)).toEqual(['a']);
  timers.set('a', 5 * S);
  expect(timers.take(5, 5 * S)).toEqual(['a']);
});

test('what is not due by its record is put off, or let go', () => {
  const due = new Map([
    ['b', 3 * S],
    ['a', 3 * S],
    ['later', 5 * S],
    ['never', 0],
  ]);
  const timers = new Timers((key) => due.get(key) ?? 0);
  for (const key of due.keys()) timers.set(key, 3 * S);
  expect(timers.take(3, 3 * S)).toEqual(['a', 'b']);
  expect(timers.take(5, 5 * S)).toEqual(['later']);
});
