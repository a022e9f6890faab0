/** Contract: reading in order, from anywhere, live, and what ends it. */

import { expect, test } from 'vitest';
import type { Log, Outgoing, Stored } from '../log.ts';
import { type Bed, codeOf, collect, ending, message, texts } from './bed.ts';

async function fill(log: Log, count: number, more: Partial<Outgoing> = {}): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `m${index + 1}`);
  for (let done = 0; done < count; done += 500) {
    await Promise.all(ids.slice(done, done + 500).map((id) => log.append(message(id, more))));
  }
  return ids;
}

export function reading(bed: () => Bed): void {
  test('yields every entry once, in order, in batches within the bound', async () => {
    const log = await bed().open();
    await fill(log, 2500);
    const abort = new AbortController();
    const sizes: number[] = [];
    let next = 1;
    for await (const batch of log.read({ from: 1, signal: abort.signal, maxBatch: 100 })) {
      sizes.push(batch.length);
      for (const { sequence } of batch) expect(sequence).toBe(next++);
      if (next > 2500) abort.abort();
    }
    expect(next).toBe(2501);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(sizes).not.toContain(0);
  });

  test('starts in the middle, and at the end', async () => {
    const log = await bed().open();
    for (const id of ['a', 'b', 'c']) await log.append(message(id));
    expect(texts(await collect(log, 2, 2))).toEqual(['b', 'c']);
    const live = collect(log, 4, 1);
    await log.append(message('d'));
    expect(texts(await live)).toEqual(['d']);
  });

  test('a live reader gets each entry as it comes, several readers get the same', async () => {
    const log = await bed().open();
    const abort = new AbortController();
    const slow = log.read({ from: 1, signal: abort.signal })[Symbol.asyncIterator]();
    const others = [collect(log, 1, 20), collect(log, 1, 20, 1)];
    for (let index = 1; index <= 20; index++) {
      // The entry is only appended while the reader waits for it.
      const arriving = slow.next();
      await log.append(message(`m${index}`));
      const { value } = await arriving;
      expect(texts(value as Stored[])).toEqual([`m${index}`]);
    }
    const [one, other] = await Promise.all(others);
    expect(one!.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(other).toEqual(one);
    abort.abort();
    expect(await slow.next()).toEqual({ done: true, value: undefined });
  });

  test('aborting ends a waiting reader quietly, and one that never began', async () => {
    const log = await bed().open();
    const abort = new AbortController();
    const waiting = log.read({ from: 1, signal: abort.signal })[Symbol.asyncIterator]().next();
    await log.info();
    abort.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const never = log.read({ from: 1, signal: abort.signal })[Symbol.asyncIterator]();
    expect(await never.next()).toEqual({ done: true, value: undefined });
  });

  test('a reader that leaves its loop can be followed by another', async () => {
    const log = await bed().open();
    await fill(log, 10);
    for await (const batch of log.read({ from: 1, signal: new AbortController().signal, maxBatch: 3 })) {
      expect(batch[0]?.sequence).toBe(1);
      break;
    }
    expect(await collect(log, 4, 7)).toHaveLength(7);
  });

  test('closing the log ends a waiting reader with closed', async () => {
    const log = await bed().open();
    const waiting = ending(log, 1);
    await log.info();
    await log.close();
    expect(await waiting).toBe('closed');
  });

  test('entries that were purged are a gap, the first one held is not', async () => {
    const log = await bed().open();
    await fill(log, 10);
    await log.purge(6);
    expect(await ending(log, 1)).toBe('gap');
    expect(await ending(log, 5)).toBe('gap');
    expect(texts(await collect(log, 6, 5))).toEqual(['m6', 'm7', 'm8', 'm9', 'm10']);
    await log.purge(11);
    expect(await ending(log, 10)).toBe('gap');
    const live = collect(log, 11, 1);
    await log.append(message('next'));
    expect(texts(await live)).toEqual(['next']);
  });

  test.for([
    // What was on its way to the reader before the purge may still reach it.
    { held: 'all may be on its way', bytes: 10, count: 3000, outcomes: ['gap', 'all'] },
    { held: 'more than a reader buffers', bytes: 16 * 1024, count: 1500, outcomes: ['gap'] },
  ])('a purge under a reader never makes it skip: $held', async ({ bytes, count, outcomes }) => {
    const log = await bed().open();
    await fill(log, count, { data: Buffer.alloc(bytes) });
    const purged = count - 100;
    let next = 1;
    const outcome = await (async () => {
      for await (const batch of log.read({ from: 1, signal: AbortSignal.timeout(20_000), maxBatch: 50 })) {
        const before = next;
        for (const { sequence } of batch) expect(sequence).toBe(next++);
        if (before <= 100 && next > 100) {
          await log.purge(purged);
          await log.append(message('after'));
        }
        if (next === count + 2) return 'all';
      }
      return 'quiet';
    })().catch(codeOf);
    expect(outcomes).toContain(outcome);
    expect(next === count + 2).toBe(outcome === 'all');
    expect(await ending(log, next < purged ? next : 1)).toBe('gap');
  });

  test('a purge of what was read is not noticed by a live reader', async () => {
    const log = await bed().open();
    await fill(log, 10);
    const abort = new AbortController();
    const reader = log.read({ from: 1, signal: abort.signal })[Symbol.asyncIterator]();
    for (let read = 0; read < 10; ) read += ((await reader.next()).value as Stored[]).length;
    await log.purge(11);
    const arriving = reader.next();
    await log.append(message('next'));
    expect((await arriving).value).toMatchObject([{ sequence: 11 }]);
    abort.abort();
  });

  test('asking for more than one beyond the end is a rewound log', async () => {
    const log = await bed().open();
    expect(await ending(log, 2)).toBe('rewound');
    await fill(log, 3);
    expect(await ending(log, 5)).toBe('rewound');
  });

  test('options that make no sense are the fault of the caller', async () => {
    const log = await bed().open();
    const { signal } = new AbortController();
    for (const options of [{ from: 0 }, { from: 1.5 }, { from: 1, maxBatch: 0 }]) {
      await expect(
        log
          .read({ ...options, signal })
          [Symbol.asyncIterator]()
          .next(),
      ).rejects.toThrow(TypeError);
    }
  });
}
