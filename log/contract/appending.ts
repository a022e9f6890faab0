/** Contract: appending, compare-and-append, looking things up, bounds, closing. */

import { expect, test } from 'vitest';
import type { Log } from '../log.ts';
import { type Bed, collect, message, rejection, SUBJECT, type Traits, texts } from './bed.ts';

export function appending(bed: () => Bed, traits: Traits): void {
  test('sequences start at 1 and entries carry what was appended', async () => {
    const log = await bed().open();
    expect(await log.info()).toMatchObject({ first: 1, last: 0, bytes: 0 });
    expect(await log.append(message('a'))).toEqual({ sequence: 1, duplicate: false });
    const empty = message('b', { subject: 'netfall.test.tick', data: new Uint8Array(0) });
    expect(await log.append(empty)).toEqual({ sequence: 2, duplicate: false });
    const [first, second] = await collect(log, 1, 2);
    expect(first).toMatchObject({ sequence: 1, subject: SUBJECT });
    expect(texts([first!])).toEqual(['a']);
    expect(second).toMatchObject({ sequence: 2, subject: 'netfall.test.tick' });
    expect(second!.data).toHaveLength(0);
    expect(second!.timeUs).toBeGreaterThanOrEqual(first!.timeUs);
    expect(Number.isSafeInteger(first!.timeUs)).toBe(true);
  });

  test('the time of an entry is in microseconds and the same however it is looked up', async () => {
    const log = await bed().open();
    await log.append(message('a'));
    const [read] = await collect(log, 1, 1);
    const { timeUs } = read!;
    expect(await log.get(1)).toMatchObject({ sequence: 1, timeUs, subject: SUBJECT });
    expect(await log.lastOn(SUBJECT)).toMatchObject({ sequence: 1, timeUs, subject: SUBJECT });
    expect(texts([(await log.get(1))!, (await log.lastOn(SUBJECT))!])).toEqual(['a', 'a']);
    // Later than 2020, earlier than 2100.
    expect(timeUs).toBeGreaterThan(1_577_836_800_000_000);
    expect(timeUs).toBeLessThan(4_102_444_800_000_000);
  });

  test('overlapping appends all get a place of their own', async () => {
    const log = await bed().open();
    const ids = Array.from({ length: 500 }, (_, index) => `m${index}`);
    const receipts = await Promise.all(ids.map((id) => log.append(message(id))));
    const sequences = receipts.map(({ sequence }) => sequence).sort((a, b) => a - b);
    expect(sequences).toEqual(ids.map((_, index) => index + 1));
    const entries = await collect(log, 1, 500);
    for (const [index, id] of ids.entries()) {
      expect(texts([entries[receipts[index]!.sequence - 1]!])).toEqual([id]);
    }
  });

  test('the same id inside the window is stored once', async () => {
    const log = await bed().open();
    const both = await Promise.all([log.append(message('a')), log.append(message('a'))]);
    expect(both.map(({ sequence }) => sequence)).toEqual([1, 1]);
    expect(both.map(({ duplicate }) => duplicate).sort()).toEqual([false, true]);
    expect(await log.append(message('b'))).toEqual({ sequence: 2, duplicate: false });
    expect(await log.append(message('a', { data: Buffer.from('other') }))).toEqual({
      sequence: 1,
      duplicate: true,
    });
    expect((await log.info()).last).toBe(2);
  });

  test('the same id after the window is stored again: whoever needs more numbers its messages', async () => {
    const log = await bed().open({ dedupeUs: 200_000 });
    await log.append(message('a'));
    // A server forgets in its own time, so ask until it has.
    let receipt = await log.append(message('a'));
    while (receipt.duplicate) {
      expect(receipt.sequence).toBe(1);
      await bed().pass(100_000);
      receipt = await log.append(message('a'));
    }
    expect(receipt.sequence).toBe(2);
    expect(texts(await collect(log, 1, 2))).toEqual(['a', 'a']);
  });

  test('compare-and-append stores only behind the expected entry of the subject', async () => {
    const log = await bed().open();
    const claim = (id: string, expectLastOnSubject: number) =>
      log.append(message(id, { subject: 'netfall.test.claim.x', expectLastOnSubject }));
    expect(await rejection(claim('early', 1))).toBe('conflict');
    expect(await claim('c1', 0)).toEqual({ sequence: 1, duplicate: false });
    await log.append(message('between'));
    expect(await rejection(claim('late', 0))).toBe('conflict');
    expect(await rejection(claim('wrong', 2))).toBe('conflict');
    expect(await claim('c2', 1)).toEqual({ sequence: 3, duplicate: false });
    expect(texts(await collect(log, 1, 3))).toEqual(['c1', 'between', 'c2']);
  });

  test('a claim may be made anew when the old one was purged', async () => {
    const log = await bed().open();
    await log.append(message('old'));
    await log.purge(2);
    expect(await log.append(message('new', { expectLastOnSubject: 0 }))).toEqual({
      sequence: 2,
      duplicate: false,
    });
  });

  test('of many claimants at once exactly one wins each round', async () => {
    const first = await bed().open();
    const claimants: Log[] = Array(8).fill(first);
    if (traits.shared) claimants.splice(0, 3, await bed().open(), await bed().open(), await bed().open());
    let last = 0;
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(
        claimants.map((log, index) =>
          log.append(message(`r${round}c${index}`, { expectLastOnSubject: last })).then(
            ({ sequence }) => sequence,
            (error: { code: string }) => error.code,
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(7);
      last = Number(outcomes.find((outcome) => outcome !== 'conflict'));
      expect((await first.lastOn(SUBJECT))?.sequence).toBe(last);
    }
    expect((await first.info()).last).toBe(5);
  });

  test('get and lastOn find what is held and only that', async () => {
    const log = await bed().open();
    for (const id of ['a', 'b', 'c']) await log.append(message(id, { subject: `netfall.test.${id}` }));
    await log.append(message('a2', { subject: 'netfall.test.a' }));
    expect(texts([(await log.get(2))!])).toEqual(['b']);
    expect(await log.get(5)).toBeNull();
    expect(await log.lastOn('netfall.test.a')).toMatchObject({ sequence: 4 });
    expect(await log.lastOn('netfall.test')).toBeNull();
    await log.purge(3);
    expect(await log.get(2)).toBeNull();
    expect(await log.lastOn('netfall.test.b')).toBeNull();
    expect(await log.lastOn('netfall.test.a')).toMatchObject({ sequence: 4 });
  });

  test('purge drops what lies below, never more, and sequences go on', async () => {
    const log = await bed().open();
    for (const id of ['a', 'b', 'c']) await log.append(message(id));
    const before = await log.info();
    await log.purge(1);
    expect(await log.info()).toEqual(before);
    await log.purge(3);
    expect(await log.info()).toMatchObject({ first: 3, last: 3 });
    expect((await log.info()).bytes).toBeLessThan(before.bytes);
    await log.purge(2);
    expect(await log.info()).toMatchObject({ first: 3, last: 3 });
    await log.purge(1000);
    expect(await log.info()).toMatchObject({ identity: before.identity, first: 4, last: 3, bytes: 0 });
    expect(await log.append(message('d'))).toEqual({ sequence: 4, duplicate: false });
  });

  test('closing waits for appends under way, and a closed log says so', async () => {
    const log = await bed().open();
    const underWay = ['a', 'b'].map((id) => log.append(message(id)));
    await log.close();
    await log.close();
    expect((await Promise.all(underWay)).map(({ sequence }) => sequence).sort()).toEqual([1, 2]);
    expect(await rejection(log.append(message('c')))).toBe('closed');
    expect(await rejection(log.info())).toBe('closed');
    expect(await rejection(log.blobs.list(''))).toBe('closed');
  });

  test('a message beyond the bound is refused and one at the bound is not', async () => {
    const log = await bed().open();
    const data = new Uint8Array(512 * 1024);
    expect(await rejection(log.append(message('big', { data: new Uint8Array(data.length + 1) })))).toBe(
      'too-large',
    );
    expect(await log.append(message('fits', { data }))).toEqual({ sequence: 1, duplicate: false });
  });

  test('a full log refuses to store, keeps what it has, and takes more after a purge', async () => {
    const log = await bed().open({ maxBytes: 100_000 });
    const data = new Uint8Array(10_000);
    let stored = 0;
    for (let code = ''; code !== 'full'; stored++) {
      expect(stored).toBeLessThan(10);
      code = await rejection(log.append(message(`m${stored + 1}`, { data })));
      expect(['resolved', 'full']).toContain(code);
    }
    stored--;
    expect(stored).toBeGreaterThan(7);
    expect(await collect(log, 1, stored)).toHaveLength(stored);
    expect((await log.info()).bytes).toBeLessThanOrEqual(100_000);
    await log.purge(3);
    expect(await log.append(message('after', { data }))).toEqual({ sequence: stored + 1, duplicate: false });
  });

  test('names that cannot be kept are the fault of the caller', async () => {
    const log = await bed().open();
    for (const subject of ['', '.', 'a..b', 'netfall.test.*', 'netfall.test.>', 'netfall.test.a b', 'a.é']) {
      await expect(log.append(message('a', { subject }))).rejects.toThrow(TypeError);
    }
    for (const id of ['', 'a b', 'a\r\nb', 'x'.repeat(257)]) {
      await expect(log.append(message(id))).rejects.toThrow(TypeError);
    }
    await expect(log.append(message('a', { expectLastOnSubject: -1 }))).rejects.toThrow(TypeError);
    await expect(log.get(0)).rejects.toThrow(TypeError);
    await expect(log.purge(1.5)).rejects.toThrow(TypeError);
    expect((await log.info()).last).toBe(0);
  });

  if (!traits.durable) return;

  test('what was stored is there when the log is opened again', async () => {
    const log = await bed().open();
    const { identity } = await log.info();
    for (const id of ['a', 'b']) await log.append(message(id));
    await log.close();
    const again = await bed().open();
    expect(await again.info()).toMatchObject({ identity, first: 1, last: 2 });
    expect(await again.append(message('a'))).toMatchObject({ duplicate: true });
    await again.purge(3);
    await again.close();
    const third = await bed().open();
    expect(await third.info()).toMatchObject({ identity, first: 3, last: 2 });
    expect(await third.append(message('c'))).toEqual({ sequence: 3, duplicate: false });
  });
}
