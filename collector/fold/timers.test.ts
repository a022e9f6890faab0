import { expect, test } from 'vitest';
import { Timers } from './timers.ts';

const S = 1_000_000;

test('keys are told at the earliest second that they were asked for, in their order', () => {
  const timers = new Timers();
  timers.set('b', 3 * S);
  timers.set('a', 2 * S + 1);
  timers.set('c', 5 * S);
  timers.set('c', 3 * S);
  timers.set('c', 9 * S);
  expect(timers.take(2)).toEqual([]);
  expect(timers.take(3)).toEqual(['a', 'b', 'c']);
  expect(timers.take(3)).toEqual([]);
  expect(timers.take(5)).toEqual([]);
  expect(timers.take(9)).toEqual([]);
});

test('a key that was told earlier and asked for again is told once, as by a fold that was restored in between', () => {
  const timers = new Timers();
  timers.set('a', 5 * S);
  timers.set('a', 3 * S);
  expect(timers.take(3)).toEqual(['a']);
  timers.set('a', 5 * S);
  expect(timers.take(5)).toEqual(['a']);
});
