/** Contract: following the newest entry on one subject. */

import { expect, test } from 'vitest';
import type { Log, Stored } from '../log.ts';
import { type Bed, codeOf, message, rejection, texts } from './bed.ts';

const WATCHED = 'netfall.test.switches';
const OTHER = 'netfall.test.host.web-1';

/** Watches in the background. */
function watch(log: Log, subject = WATCHED) {
  const abort = new AbortController();
  const entries: Stored[] = [];
  const end = (async () => {
    try {
      for await (const newest of log.watchLast(subject, abort.signal)) entries.push(newest);
      return 'quiet';
    } catch (error) {
      return codeOf(error);
    }
  })();
  const sees = (id: string) => expect.poll(() => texts(entries).at(-1), { timeout: 10_000 }).toBe(id);
  return { entries, end, sees, abort };
}

const on = (id: string, subject = WATCHED) => message(id, { subject });

export function watching(bed: () => Bed): void {
  test('begins with the newest entry, as it is stored, and goes on with newer ones', async () => {
    const log = await bed().open();
    await log.append(on('a'));
    await log.append(on('b'));
    await log.append(on('x', OTHER));
    const watcher = watch(log);
    await watcher.sees('b');
    const newest = await log.lastOn(WATCHED);
    expect(watcher.entries).toMatchObject([{ sequence: 2, timeUs: newest?.timeUs, subject: WATCHED }]);
    await log.append(on('y', OTHER));
    await log.append(on('c'));
    await watcher.sees('c');
    expect(texts(watcher.entries)).toEqual(['b', 'c']);
    watcher.abort.abort();
    expect(await watcher.end).toBe('quiet');
    await log.append(on('d'));
    expect(texts(watcher.entries)).toEqual(['b', 'c']);
  });

  test('waits for the first entry, and passes over what was overtaken, never back', async () => {
    const log = await bed().open();
    const watcher = watch(log);
    await Promise.all(Array.from({ length: 50 }, (_, index) => log.append(on(`m${index}`))));
    const newest = await log.lastOn(WATCHED);
    if (!newest) throw new Error('nothing was stored');
    await watcher.sees(texts([newest])[0] ?? '');
    const sequences = watcher.entries.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    watcher.abort.abort();
    expect(await watcher.end).toBe('quiet');
  });

  test('what was published but not stored is not seen', async () => {
    const log = await bed().open();
    const { sequence } = await log.append(on('a'));
    const watcher = watch(log);
    await watcher.sees('a');
    const refused = log.append({ ...on('refused'), expectLastOnSubject: sequence + 5 });
    expect(await rejection(refused)).toBe('conflict');
    await log.append({ ...on('b'), expectLastOnSubject: sequence });
    await watcher.sees('b');
    expect(texts(watcher.entries)).toEqual(['a', 'b']);
    watcher.abort.abort();
    await watcher.end;
  });

  test('misses nothing of what comes while the connection is lost', async () => {
    const { log, loseAcks, keepAcks } = await bed().openLossy();
    await log.append(on('a'));
    const watcher = watch(log);
    await watcher.sees('a');
    loseAcks();
    expect(['unavailable', 'timeout']).toContain(await rejection(log.append(on('b'))));
    await keepAcks();
    await watcher.sees('b');
    await log.append(on('c'));
    await watcher.sees('c');
    watcher.abort.abort();
    await watcher.end;
  });

  test('goes on when the newest entry is purged', async () => {
    const log = await bed().open();
    await log.append(on('a'));
    const watcher = watch(log);
    await watcher.sees('a');
    await log.purge(2);
    const late = watch(log);
    await log.append(on('b'));
    await Promise.all([watcher.sees('b'), late.sees('b')]);
    expect(texts(watcher.entries)).toEqual(['a', 'b']);
    expect(texts(late.entries)).toEqual(['b']);
    for (const { abort, end } of [watcher, late]) {
      abort.abort();
      expect(await end).toBe('quiet');
    }
  });

  test('ends with closed when the log is closed, and at once when it was aborted before', async () => {
    const log = await bed().open();
    const aborted = watch(log);
    aborted.abort.abort();
    const watcher = watch(log);
    await log.info();
    await log.close();
    expect(await watcher.end).toBe('closed');
    expect(['quiet', 'closed']).toContain(await aborted.end);
  });
}
