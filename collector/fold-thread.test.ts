import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Fold } from './fold/fold.ts';
import { CELL, Story } from './fold/testing/story.ts';
import { type FoldingEvents, startFoldThread } from './fold-thread.ts';
import type { FolderStatus } from './folder.ts';
import { currentRules } from './rules.ts';
import { rowsDigest } from './store/digest.ts';
import { Store } from './store/store.ts';
import { canMount, onFullDisk, SmallDisk } from './testing/small-disk.ts';

const dir = mkdtempSync(join(tmpdir(), 'netfall-thread-'));
afterAll(() => rmSync(dir, { recursive: true }));
let files = 0;
const newPath = () => join(dir, `${++files}.db`);

function heard() {
  const statuses: FolderStatus[] = [];
  const failures: Error[] = [];
  const stalls: string[] = [];
  const events: FoldingEvents = {
    committed: (status) => statuses.push(status),
    stalled: (why) => stalls.push(why),
    failed: (error) => failures.push(error),
  };
  return { statuses, stalls, failures, events };
}

function aStory(messages: number): Story {
  const story = new Story();
  for (let i = 0; i < messages; i++) {
    story.report(i / 10, `h${i % 5}`, { drops: { 'NO_SOCKET/__udp4_lib_rcv': i < messages / 2 ? 1 : 5000 } });
  }
  return story;
}

test('what is handed over is folded, committed and told', async () => {
  const path = newPath();
  const { statuses, failures, events } = heard();
  const [thread, first] = await startFoldThread({ path, identity: 'log-1', cell: CELL }, events);
  expect(first).toMatchObject({ sequence: 0, commits: 1 });
  const { entries } = aStory(1000);
  for (let at = 0; at < 500; at += 7) await thread.push(entries.slice(at, Math.min(500, at + 7)));
  await vi.waitFor(() => expect(statuses.at(-1)?.sequence).toBe(500), { timeout: 20_000 });
  await thread.push(entries.slice(500));
  await thread.close();
  expect(statuses.at(-1)).toMatchObject({ sequence: 1000, entries: 1000, rejected: {} });
  // Commits are numbered without a gap from the first one, which start resolved with.
  expect(statuses.map(({ commits }) => commits)).toEqual(statuses.map((_, i) => i + 2));
  expect(failures).toEqual([]);
  const fold = new Fold(currentRules(CELL));
  for (const entry of entries) fold.apply(entry);
  const store = new Store(path);
  const loaded = store.load();
  store.close();
  expect(loaded && rowsDigest(loaded.rows)).toBe(rowsDigest(fold.rows()));
  expect(new Set(statuses.flatMap(({ incidents }) => incidents))).toEqual(
    new Set(Array.from(fold.incidents(), ({ id }) => id)),
  );
});

test('a thread goes on from where the last one stopped', async () => {
  const path = newPath();
  const { entries } = aStory(20);
  const [one] = await startFoldThread({ path, identity: 'log-1', cell: CELL }, heard().events);
  await one.push(entries.slice(0, 15));
  await one.close();
  const [two, first] = await startFoldThread({ path, identity: 'log-1', cell: CELL }, heard().events);
  expect(first).toMatchObject({ sequence: 15, entries: 15 });
  await two.close();
});

test('batches that come without a break do not keep commits from their turn', async () => {
  const { statuses, events } = heard();
  const [thread] = await startFoldThread({ path: newPath(), identity: 'log-1', cell: CELL }, events);
  const { entries } = aStory(60_000);
  for (let at = 0; at < entries.length; at += 100) await thread.push(entries.slice(at, at + 100));
  // While it was busy: hundreds of messages are handled in one turn of a thread's loop, and timers after them.
  expect(statuses.length).toBeGreaterThanOrEqual(3);
  await thread.close();
  expect(statuses.at(-1)?.sequence).toBe(60_000);
});

test('sixteen batches that wait are as many as may: the next one is held back until one is taken', async () => {
  const { statuses, events } = heard();
  const [thread] = await startFoldThread({ path: newPath(), identity: 'log-1', cell: CELL }, events);
  const { entries } = aStory(16);
  let done = 0;
  const pushes = entries.map((entry) => thread.push([entry]).then(() => done++));
  // Without a turn of the event loop nothing from the thread arrives.
  for (let i = 0; i < 100; i++) await null;
  expect(done).toBe(15);
  await Promise.all(pushes);
  expect(done).toBe(16);
  await thread.close();
  expect(statuses.at(-1)?.sequence).toBe(16);
});

test('a database in a folder that is not there fails the start', async () => {
  const path = join(dir, 'nowhere', 'replica.db');
  const { failures, events } = heard();
  await expect(startFoldThread({ path, identity: 'log-1', cell: CELL }, events)).rejects.toThrow(
    'unable to open database file',
  );
  expect(failures).toEqual([]);
});

test('a database that breaks is told once; later batches and the end do not hang', async () => {
  const path = newPath();
  const { failures, events } = heard();
  const [thread] = await startFoldThread({ path, identity: 'log-1', cell: CELL }, events);
  const other = new DatabaseSync(path);
  other.exec('DROP TABLE checkpoint');
  other.close();
  const { entries } = aStory(100);
  await thread.push(entries.slice(0, 1));
  await vi.waitFor(() => expect(failures).toHaveLength(1), { timeout: 20_000 });
  expect(failures[0]?.message).toBe(
    `cannot write ${path} (no such table: checkpoint): see that its disk has room and that nothing else writes to it, ` +
      'then start again',
  );
  for (const entry of entries.slice(1)) await thread.push([entry]);
  await thread.close();
  expect(failures).toHaveLength(1);
});

test('a defect of the fold is told', async () => {
  const { failures, events } = heard();
  const [thread] = await startFoldThread({ path: newPath(), identity: 'log-1', cell: CELL }, events);
  const { entries } = aStory(5);
  await thread.push(entries);
  await thread.push(entries);
  await vi.waitFor(() => expect(failures).toHaveLength(1), { timeout: 20_000 });
  expect(failures[0]).toMatchObject({ name: 'RangeError', message: 'entry 1 after 5' });
  await thread.close();
});

const mounts = canMount();
describe.skipIf(!mounts)(onFullDisk(mounts), () => {
  let disk: SmallDisk;
  let path: string;
  beforeEach(() => {
    disk = new SmallDisk(16_000_000);
    path = join(disk.dir, 'replica.db');
  });
  afterEach(() => disk.unmount());

  /** Messages of so many hosts that a commit of them needs room. */
  function entriesOf(count: number) {
    const story = new Story();
    for (let i = 0; i < count; i++) story.report(i / 100, `host-${i}`, { drops: { 'NO_SOCKET/f': 1 } });
    return story.entries;
  }

  test('holds batches back, and folds them all once there is room', async () => {
    const { statuses, stalls, failures, events } = heard();
    const [thread] = await startFoldThread({ path, identity: 'log-1', cell: CELL, retryMs: 200 }, events);
    const entries = entriesOf(3000);
    disk.fill();
    await thread.push(entries.slice(0, 2000));
    await vi.waitFor(() => expect(stalls).toHaveLength(1), { timeout: 20_000 });
    expect(stalls[0]).toMatch(/^cannot write .*replica\.db \(database or disk is full\): make room/);
    let pushed = 0;
    const pushing = (async () => {
      for (let at = 2000; at < 3000; at += 10) {
        await thread.push(entries.slice(at, at + 10));
        pushed++;
      }
    })();
    // It has tried again meanwhile, and still takes nothing.
    await vi.waitFor(() => expect(stalls.length).toBeGreaterThan(1), { timeout: 20_000 });
    expect(pushed).toBe(15);
    expect(statuses).toEqual([]);
    disk.free();
    await pushing;
    await thread.close();
    expect(statuses.at(-1)).toMatchObject({ sequence: 3000, entries: 3000, rejected: {} });
    expect(failures).toEqual([]);
    const fold = new Fold(currentRules(CELL));
    for (const entry of entries) fold.apply(entry);
    const store = new Store(path);
    const loaded = store.load();
    store.close();
    expect(loaded && rowsDigest(loaded.rows)).toBe(rowsDigest(fold.rows()));
  });

  test('does not keep the thread from ending, nor whoever hands over', async () => {
    const { stalls, failures, events } = heard();
    const [thread] = await startFoldThread({ path, identity: 'log-1', cell: CELL }, events);
    const entries = entriesOf(3000);
    disk.fill();
    await thread.push(entries.slice(0, 2000));
    await vi.waitFor(() => expect(stalls).toHaveLength(1), { timeout: 20_000 });
    const pushing = (async () => {
      for (const entry of entries.slice(2000, 2100)) await thread.push([entry]);
    })();
    await thread.close();
    await pushing;
    expect(failures).toEqual([]);
    disk.free();
    const [again, first] = await startFoldThread({ path, identity: 'log-1', cell: CELL }, heard().events);
    expect(first.sequence).toBe(0);
    await again.close();
  });

  test('at the start fails it', async () => {
    disk.fill();
    const { failures, events } = heard();
    await expect(startFoldThread({ path, identity: 'log-1', cell: CELL }, events)).rejects.toThrow();
    expect(failures).toEqual([]);
  });
});
