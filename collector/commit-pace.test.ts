import { expect, test } from 'vitest';
import { CommitPace } from './commit-pace.ts';

/** From when on a commit is due after one that ended at 1000 ms, ms; `idle` says how long the thread had idled by a time. */
function dueMs(tookMs: number, idle: (nowMs: number) => number): number {
  const pace = new CommitPace();
  pace.committed(1000, idle(1000), tookMs);
  let nowMs = 1000;
  while (!pace.isDue(nowMs, idle(nowMs))) nowMs++;
  return nowMs;
}

const BUSY = () => 70;
const IDLE = (nowMs: number) => nowMs;

test('short commits follow each other every 50 ms, whether the thread is busy or not', () => {
  expect(dueMs(2, BUSY)).toBe(1050);
  expect(dueMs(2, IDLE)).toBe(1050);
});

test('a long one waits for nine times as long as the last one took while the thread is busy', () => {
  expect(dueMs(200, BUSY)).toBe(2800);
});

test('or until the thread has been idle for as long as the last one took', () => {
  expect(dueMs(200, IDLE)).toBe(1200);
  expect(dueMs(200, (nowMs) => nowMs / 4)).toBe(1800);
});
