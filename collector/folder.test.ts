import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fold } from './fold/fold.ts';
import { randomLog } from './fold/testing/random-log.ts';
import { Story, testRules } from './fold/testing/story.ts';
import { Folder } from './folder.ts';
import { entryDigest, rowsDigest } from './store/digest.ts';
import { Store } from './store/store.ts';
import { canMount, onFullDisk, SmallDisk } from './testing/small-disk.ts';

const dir = mkdtempSync(join(tmpdir(), 'netfall-folder-'));
afterAll(() => rmSync(dir, { recursive: true }));
let files = 0;
const newPath = () => join(dir, `${++files}.db`);

/** A clock that moves by 3 ms each time it is read. */
function clock(): () => number {
  let now = 100;
  return () => {
    now += 3;
    return now;
  };
}

function loaded(path: string) {
  const store = new Store(path);
  try {
    return store.load();
  } finally {
    store.close();
  }
}

test('the first commit tells where a new replica stands', () => {
  const path = newPath();
  const folder = new Folder(path, 'log-1', testRules);
  expect(folder.commit(clock())).toEqual({
    sequence: 0,
    nowUs: 0,
    claim: { holder: '', until_us: 0 },
    switches: { sequence: 0, by: '', switches: [] },
    epoch: null,
    entries: 0,
    rejected: {},
    commits: 1,
    commitMs: 3,
    incidents: [],
    notifications: [],
    barrier: null,
  });
  folder.close();
  expect(loaded(path)?.checkpoint).toEqual({
    identity: 'log-1',
    sequence: 0,
    entryDigest: '',
    foldVersion: 1,
  });
});

test('a commit names what it changed, and the checkpoint the last entry', () => {
  const story = new Story();
  story.epoch(0, { sinks: ['chat'] });
  story.report(0, 'a');
  for (let s = 1; s <= 4; s++) story.report(s, 'a', { drops: { 'R/f': 1000 } });
  story.say(5, 'netfall.test.host.a', Uint8Array.of(1));
  const path = newPath();
  const folder = new Folder(path, 'log-1', testRules);
  folder.apply(story.entries);
  const status = folder.commit(clock());
  expect(status).toMatchObject({
    sequence: 7,
    entries: 7,
    rejected: { undecodable: 1 },
    epoch: { sequence: 1, fold_version: 1 },
    incidents: ['i6-0'],
    notifications: ['i6-0/firing'],
  });
  const digest = entryDigest(story.entries[6] as (typeof story.entries)[0]);
  expect(loaded(path)?.checkpoint).toEqual({
    identity: 'log-1',
    sequence: 7,
    entryDigest: digest,
    foldVersion: 1,
  });
  // A commit without entries changes nothing, and keeps the digest.
  expect(folder.commit(clock())).toMatchObject({ sequence: 7, commits: 2, incidents: [], notifications: [] });
  expect(loaded(path)?.checkpoint.entryDigest).toBe(digest);
  folder.close();
});

test('stopped and started anywhere, it ends with the same rows', () => {
  const { entries } = randomLog({ seed: 31, entries: 3000 });
  const fold = new Fold(testRules);
  for (const entry of entries) fold.apply(entry);
  const path = newPath();
  for (let at = 0; at < entries.length; ) {
    const folder = new Folder(path, 'log-1', testRules);
    expect(folder.sequence).toBe(at);
    const size = 1 + ((at * 7) % 800);
    folder.apply(entries.slice(at, at + size));
    folder.commit(clock());
    // What was applied and not committed is folded again after the restart.
    folder.apply(entries.slice(at + size, at + size + 50));
    folder.close();
    at = Math.min(entries.length, at + size);
  }
  const rows = loaded(path)?.rows;
  expect(rows && rowsDigest(rows)).toBe(rowsDigest(fold.rows()));
});

test('it stops before an epoch of other rules, for good', () => {
  const story = new Story();
  story.report(0, 'a');
  story.epoch(1, {}, 2);
  story.report(2, 'a');
  const path = newPath();
  const folder = new Folder(path, 'log-1', testRules);
  folder.apply(story.entries);
  const barrier = {
    sequence: 2,
    message: 'entry 2 begins an epoch of fold version 2, catalog catalog-1: run a release that has them',
  };
  expect(folder.commit(clock())).toMatchObject({ sequence: 1, entries: 1, barrier });
  folder.apply(story.entries.slice(2));
  expect(folder.commit(clock())).toMatchObject({ sequence: 1, entries: 1, barrier });
  folder.close();
  expect(loaded(path)?.checkpoint).toMatchObject({
    sequence: 1,
    entryDigest: entryDigest(story.entries[0] as (typeof story.entries)[0]),
  });
  // A release that has the rules goes on from there once the rows are migrated; this one stops again.
  const again = new Folder(path, 'log-1', testRules);
  expect(again.commit(clock()).barrier).toBeNull();
  again.apply(story.entries.slice(1));
  expect(again.commit(clock())).toMatchObject({ sequence: 1, barrier });
  again.close();
});

test('rows of another fold version are refused', () => {
  const path = newPath();
  const folder = new Folder(path, 'log-1', testRules);
  folder.commit(clock());
  folder.close();
  expect(() => new Folder(path, 'log-1', { ...testRules, version: 2 })).toThrow(
    'rows of fold version 1 in version 2: migrate first',
  );
});

test('an entry out of turn is a defect that is not hidden', () => {
  const story = new Story();
  story.tick(0);
  story.tick(1);
  const folder = new Folder(newPath(), 'log-1', testRules);
  folder.apply(story.entries);
  expect(() => folder.apply(story.entries)).toThrow('entry 1 after 2');
  folder.close();
});

const mounts = canMount();
describe.skipIf(!mounts)(onFullDisk(mounts), () => {
  let disk: SmallDisk;
  let folder: Folder;
  beforeEach(() => {
    disk = new SmallDisk(16_000_000);
    folder = new Folder(join(disk.dir, 'replica.db'), 'log-1', testRules);
  });
  afterEach(() => {
    folder.close();
    disk.unmount();
  });

  test('a commit that it does not take is kept, and written once there is room', () => {
    const { entries } = randomLog({ seed: 31, entries: 3000 });
    const straight = new Fold(testRules);
    for (const entry of entries) straight.apply(entry);
    const path = join(disk.dir, 'replica.db');
    folder.apply(entries.slice(0, 10));
    folder.commit(clock());
    disk.fill();
    folder.apply(entries.slice(10, 2500));
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(() => folder.commit(clock())).toThrow(
        `cannot write ${path} (database or disk is full): make room on its disk or mend it; what was folded is kept until then`,
      );
      expect(loaded(path)?.checkpoint.sequence).toBe(10);
    }
    // What would change the rows that wait to be written is a defect of whoever does it.
    expect(() => folder.apply(entries.slice(2500))).toThrow('while earlier ones are not committed');
    disk.free();
    const status = folder.commit(clock());
    expect(status).toMatchObject({ sequence: 2500, commits: 2 });
    expect(status.incidents.length).toBeGreaterThan(0);
    expect(loaded(path)?.checkpoint).toMatchObject({
      sequence: 2500,
      entryDigest: entryDigest(entries[2499] as (typeof entries)[0]),
    });
    folder.apply(entries.slice(2500));
    folder.commit(clock());
    const rows = loaded(path)?.rows;
    expect(rows && rowsDigest(rows)).toBe(rowsDigest(straight.rows()));
  });
});
