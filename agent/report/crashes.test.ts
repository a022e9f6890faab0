import { expect, it } from 'vitest';
import { CrashQueue } from './crashes.ts';

const item = (reason: string) => ({ goodbye: { reason } });

it('gives each once, in order, when the message that took it was stored', () => {
  const queue = new CrashQueue();
  for (const name of ['a', 'b', 'c']) expect(queue.add(item(name))).toBe(true);
  expect(queue.take(2)).toEqual([item('a'), item('b')]);
  // That message was not stored.
  expect(queue.take(2)).toEqual([item('a'), item('b')]);
  queue.reported();
  queue.reported();
  expect(queue.length).toBe(1);
  expect(queue.take(9)).toEqual([item('c')]);
});

it('takes 256 and no more, until some are gone', () => {
  const queue = new CrashQueue();
  for (let i = 0; i < 256; i++) expect(queue.add(item(String(i)))).toBe(true);
  expect([queue.hasRoom, queue.add(item('x'))]).toEqual([false, false]);
  queue.take(1);
  queue.reported();
  expect([queue.hasRoom, queue.add(item('y')), queue.length]).toEqual([true, true, 256]);
});
