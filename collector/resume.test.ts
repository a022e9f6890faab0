import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, openEmbeddedLog, type Stored } from '@netfall/log';
import { collectorSubject, encodeEntry } from '@netfall/proto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { epochOf, takeOver } from './epoch.ts';
import { canonicalJson, INITIAL_CONFIG } from './fold/config.ts';
import type { Rows, Rules } from './fold/fold.ts';
import { randomLog } from './fold/testing/random-log.ts';
import { CELL, testRules } from './fold/testing/story.ts';
import { Folder } from './folder.ts';
import { type Migrate, resume } from './resume.ts';
import { rowsDigest } from './store/digest.ts';
import { snapshotName, writeSnapshot } from './store/snapshot.ts';
import { Store } from './store/store.ts';

const dir = mkdtempSync(join(tmpdir(), 'netfall-resume-'));
afterAll(() => rmSync(dir, { recursive: true }));

let logs: Log[] = [];
let log: Log;
let identity: string;
let path: string;
let said: string[] = [];
let asked = 0;
let files = 0;

function openLog(): Log {
  const opened = openEmbeddedLog({ dir: ':memory:' });
  logs.push(opened);
  return opened;
}

beforeEach(async () => {
  log = openLog();
  ({ identity } = await log.info());
  path = newPath();
  said = [];
  asked = 0;
});
afterEach(async () => {
  for (const opened of logs) await opened.close();
  logs = [];
});
const newPath = () => join(dir, `${++files}.db`);
const nameOf = (sequence: number, foldVersion = 1) => snapshotName(sequence, foldVersion, identity);

/** Fills a log with the random log of a seed. */
async function fill(into: Log, seed: number, count: number): Promise<void> {
  const { entries } = randomLog({ seed, entries: count });
  await Promise.all(
    entries.map(({ subject, data, sequence }) => into.append({ subject, data, id: `${seed}/${sequence}` })),
  );
}

/** A replica that folded the log up to an entry and stopped; returns its rows' digest. */
async function folded(from: Log, at: string, upTo: number, rules: Rules = testRules): Promise<string> {
  const { identity, first } = await from.info();
  const folder = new Folder(at, identity, rules);
  const entries: Stored[] = [];
  for (let sequence = Math.max(first, folder.sequence + 1); sequence <= upTo; sequence++) {
    entries.push((await from.get(sequence)) as Stored);
  }
  folder.apply(entries);
  folder.commit(() => 0);
  folder.close();
  return digestOf(at) ?? '';
}

/** A snapshot of the log as a peer folded it up to an entry. Returns its name. */
async function snapshotAt(sequence: number, rules: Rules = testRules): Promise<string> {
  const peer = newPath();
  await folded(log, peer, sequence, rules);
  const written = await writeSnapshot(peer, log.blobs);
  return written?.name ?? '';
}

function stateOf(at: string) {
  const store = new Store(at);
  try {
    return store.load();
  } finally {
    store.close();
  }
}

function digestOf(at: string): string | null {
  const state = stateOf(at);
  return state && rowsDigest(state.rows);
}

function sequenceOf(at: string): number | undefined {
  return stateOf(at)?.checkpoint.sequence;
}

interface Changed {
  readonly rules?: Rules;
  readonly migrate?: Migrate;
  readonly awaitPeer?: () => Promise<void>;
}

async function resumed({ rules = testRules, migrate = () => null, awaitPeer }: Changed = {}): Promise<void> {
  await resume({
    path,
    log,
    rules,
    migrate,
    say: {
      info: (message) => said.push(`info: ${message}`),
      warn: (message) => said.push(`warn: ${message}`),
    },
    takeOver: () => takeOver(log, CELL, epochOf(rules, INITIAL_CONFIG), 'r'),
    awaitPeer: async () => {
      asked++;
      await awaitPeer?.();
    },
  });
}

const doubt = (why: string) => `warn: cannot go on from the local checkpoint: ${why}; looking for a snapshot`;
const ANEW = 'warn: there is no usable snapshot: folding the log from its beginning';

describe('a replica without a state', () => {
  test('begins with an empty log', async () => {
    await resumed();
    expect(stateOf(path)).toBeNull();
    expect(said).toEqual([]);
  });

  test('begins with a log that holds its first entry', async () => {
    await fill(log, 1, 50);
    await resumed();
    expect(stateOf(path)).toBeNull();
    expect(said).toEqual([]);
  });

  test('takes a snapshot though the log holds its first entry: it may hold epochs of other rules too', async () => {
    await fill(log, 1, 50);
    const name = await snapshotAt(40);
    await resumed();
    expect(sequenceOf(path)).toBe(40);
    expect(said).toEqual([`info: going on from snapshot ${name}`]);
  });

  test('takes the newest snapshot where the log was purged', async () => {
    await fill(log, 1, 300);
    await snapshotAt(100);
    const newest = await snapshotAt(200);
    const straight = await folded(log, newPath(), 300);
    await log.purge(100);
    await resumed();
    expect(sequenceOf(path)).toBe(200);
    expect(said).toEqual([`info: going on from snapshot ${newest}`]);
    // And holds from there on what a replica that never stopped holds.
    expect(await folded(log, path, 300)).toBe(straight);
  });

  test('says what to do where the log was purged and holds no snapshot', async () => {
    await fill(log, 1, 300);
    await log.purge(101);
    await expect(resumed()).rejects.toThrow(
      'the log begins at entry 101 and holds no usable snapshot: start another collector that has folded this log, ' +
        'or purge the log to begin anew',
    );
    expect(stateOf(path)).toBeNull();
  });
});

describe('a checkpoint of this log', () => {
  test.each([1, 150, 300])('at entry %i is gone on from, snapshots or none', async (sequence) => {
    await fill(log, 1, 300);
    await snapshotAt(200);
    const digest = await folded(log, path, sequence);
    await resumed();
    expect(sequenceOf(path)).toBe(sequence);
    expect(digestOf(path)).toBe(digest);
    expect(said).toEqual([]);
    expect(asked).toBe(0);
  });

  test('before the first entry is gone on from', async () => {
    await folded(log, path, 0);
    expect(stateOf(path)?.checkpoint).toMatchObject({ sequence: 0, entryDigest: '' });
    await fill(log, 1, 10);
    await resumed();
    expect(sequenceOf(path)).toBe(0);
    expect(said).toEqual([]);
  });

  test('holds at the oldest entry that a purge left', async () => {
    await fill(log, 1, 300);
    await folded(log, path, 150);
    await log.purge(150);
    await resumed();
    expect(sequenceOf(path)).toBe(150);
    expect(said).toEqual([]);
  });
});

describe('a checkpoint that this log does not bear out', () => {
  test('of another log: from the beginning, where there is no snapshot', async () => {
    const other = openLog();
    await fill(other, 1, 20);
    await folded(other, path, 20);
    await fill(log, 1, 20);
    await resumed();
    const [mine, theirs] = [(await log.info()).identity, (await other.info()).identity];
    expect(stateOf(path)).toBeNull();
    expect(said).toEqual([doubt(`it is of another log (${theirs}, this one is ${mine})`), ANEW]);
  });

  test('of another log: from a snapshot, where there is one, and nothing of the old state stays', async () => {
    const other = openLog();
    await fill(other, 2, 400);
    await folded(other, path, 400);
    await fill(log, 1, 300);
    const name = await snapshotAt(120);
    await resumed();
    expect(said.at(-1)).toBe(`info: going on from snapshot ${name}`);
    expect(sequenceOf(path)).toBe(120);
    const straight = newPath();
    const digest = await folded(log, straight, 300);
    expect(await folded(log, path, 300)).toBe(digest);
  });

  test('beyond the end of a log that was set back', async () => {
    const longer = openLog();
    await fill(longer, 1, 60);
    const { identity } = await log.info();
    const folder = new Folder(path, identity, testRules);
    for (let sequence = 1; sequence <= 60; sequence++) folder.apply([(await longer.get(sequence)) as Stored]);
    folder.commit(() => 0);
    folder.close();
    await fill(log, 1, 40);
    await resumed();
    expect(said).toEqual([doubt('it ends at entry 60, the log at 40'), ANEW]);
    expect(stateOf(path)).toBeNull();
  });

  test('with another entry at its place', async () => {
    const { identity } = await log.info();
    const other = openLog();
    await fill(other, 2, 40);
    const folder = new Folder(path, identity, testRules);
    for (let sequence = 1; sequence <= 40; sequence++) folder.apply([(await other.get(sequence)) as Stored]);
    folder.commit(() => 0);
    folder.close();
    await fill(log, 1, 40);
    await resumed();
    expect(said).toEqual([doubt('the log holds another entry 40'), ANEW]);
    expect(stateOf(path)).toBeNull();
  });

  test('behind a purge, with a snapshot', async () => {
    await fill(log, 1, 300);
    await folded(log, path, 50);
    const name = await snapshotAt(200);
    await log.purge(200);
    await resumed();
    expect(said).toEqual([
      doubt('it ends at entry 50, the log begins at 200'),
      `info: going on from snapshot ${name}`,
    ]);
    expect(sequenceOf(path)).toBe(200);
  });

  test('before the first entry of a purged log', async () => {
    await folded(log, path, 0);
    await fill(log, 1, 30);
    await log.purge(11);
    await expect(resumed()).rejects.toThrow('the log begins at entry 11 and holds no');
  });

  test('behind a purge, without a snapshot: the state stays as it is', async () => {
    await fill(log, 1, 300);
    const digest = await folded(log, path, 50);
    await log.purge(52);
    await expect(resumed()).rejects.toThrow(
      'the log begins at entry 52 and holds no usable snapshot: start ' +
        'another collector that has folded this log, or purge the log to begin anew',
    );
    expect(digestOf(path)).toBe(digest);
  });
});

describe('snapshots', () => {
  beforeEach(async () => {
    await fill(log, 1, 300);
    await snapshotAt(150);
    await snapshotAt(200);
    await snapshotAt(250);
    await log.purge(150);
  });

  test('one that is cut gives way to the next', async () => {
    await log.blobs.put(nameOf(250), [Uint8Array.of(0x1f, 0x8b)]);
    await resumed();
    expect(said).toEqual([
      `warn: snapshot ${nameOf(250)} is unusable: unexpected end of file`,
      `info: going on from snapshot ${nameOf(200)}`,
    ]);
    expect(sequenceOf(path)).toBe(200);
  });

  test('one of another log is passed over, whatever its name says', async () => {
    const other = openLog();
    await fill(other, 1, 260);
    const peer = newPath();
    await folded(other, peer, 260);
    const theirs = await writeSnapshot(peer, log.blobs);
    // The same under a name of this log.
    const bytes: Uint8Array[] = [];
    for await (const chunk of (await log.blobs.get(theirs?.name ?? '')) ?? []) bytes.push(chunk);
    await log.blobs.put(nameOf(255), bytes);
    await resumed();
    const otherIdentity = (await other.info()).identity;
    expect(said).toEqual([
      `warn: snapshot ${nameOf(255)} cannot be used: it is of another log (${otherIdentity}, this one is ${identity})`,
      `info: going on from snapshot ${nameOf(250)}`,
    ]);
  });

  test('one that ends beyond the log, or before it, is not used', async () => {
    const beyond = await log.blobs.get(nameOf(250));
    const bytes: Uint8Array[] = [];
    for await (const chunk of beyond ?? []) bytes.push(chunk);
    await log.append({
      subject: collectorSubject(CELL, 'tick'),
      id: 'x',
      data: encodeEntry({ tick: { replica: 'r' } }),
    });
    await snapshotAt(301);
    await log.purge(251);
    await log.blobs.delete(nameOf(301));
    await expect(resumed()).rejects.toThrow('holds no usable snapshot');
    expect(said).toEqual([
      `warn: snapshot ${nameOf(250)} cannot be used: it ends at entry 250, the log begins at 251`,
      `warn: snapshot ${nameOf(200)} cannot be used: it ends at entry 200, the log begins at 251`,
      `warn: snapshot ${nameOf(150)} cannot be used: it ends at entry 150, the log begins at 251`,
    ]);
  });

  test('one of a later version is passed over; one of an older version is migrated, or too old', async () => {
    const later = { ...testRules, version: 2 };
    await log.blobs.put(nameOf(280, 3), [Uint8Array.of(1)]);
    await expect(resumed({ rules: later })).rejects.toThrow('holds no usable snapshot');
    expect(said).toEqual(
      [250, 200, 150].map((at) => `warn: snapshot ${nameOf(at)} cannot be used: fold version 1 is too old`),
    );
    said = [];
    await resumed({ rules: later, migrate: toVersion(2) });
    // It takes over like one that had this state of its own, which nobody else is there to lead to the epoch.
    expect(said).toEqual([
      `info: going on from snapshot ${nameOf(250)}`,
      'warn: no replica of fold version 1 has reached the epoch: entries from 251 on are folded by version 2',
      'info: migrated the state at entry 250 from fold version 1 to 2',
    ]);
    expect(stateOf(path)).toMatchObject({
      checkpoint: { sequence: 250, foldVersion: 2 },
      rows: { global: { fold_version: 2 } },
    });
  });
});

/** Rows of version 1 as those of a later one: enough for tests. */
function toVersion(version: number): Migrate {
  return (rows, from) =>
    from === 1 ? ({ ...rows, global: { ...rows.global, fold_version: version } } satisfies Rows) : null;
}

async function beginEpoch(version: number, catalog = ''): Promise<number> {
  const config = canonicalJson(INITIAL_CONFIG);
  const epoch = { fold_version: version, config_digest: '', catalog_digest: catalog, config };
  const subject = collectorSubject(CELL, 'epoch');
  const id = `epoch-${version}-${catalog}`;
  const { sequence } = await log.append({ subject, id, data: encodeEntry({ epoch }) });
  return sequence;
}

describe('another version of the fold', () => {
  const later: Rules = { ...testRules, version: 2 };
  const migrate = toVersion(2);

  test('an older checkpoint right before its epoch is migrated in its place', async () => {
    await fill(log, 1, 100);
    expect(await beginEpoch(2)).toBe(101);
    await folded(log, path, 100);
    await resumed({ rules: later, migrate });
    expect(asked).toBe(0);
    expect(said).toEqual(['info: migrated the state at entry 100 from fold version 1 to 2']);
    expect(stateOf(path)).toMatchObject({
      checkpoint: { sequence: 100, foldVersion: 2 },
      rows: { global: { fold_version: 2, sequence: 100 } },
    });
  });

  test("an older checkpoint begins its epoch and takes a peer's snapshot from there", async () => {
    await fill(log, 1, 100);
    await folded(log, path, 60);
    await resumed({ rules: later, migrate, awaitPeer: async () => void (await snapshotAt(100)) });
    expect(asked).toBe(1);
    expect(said).toEqual([
      `info: going on from snapshot ${nameOf(100)}`,
      'info: migrated the state at entry 100 from fold version 1 to 2',
    ]);
    expect(stateOf(path)).toMatchObject({ checkpoint: { sequence: 100, foldVersion: 2 } });
  });

  test('without a peer its own place will do: a snapshot from before the epoch will not', async () => {
    await fill(log, 1, 100);
    await snapshotAt(50);
    await snapshotAt(80);
    await folded(log, path, 60);
    await resumed({ rules: later, migrate });
    expect(asked).toBe(10);
    expect((await log.lastOn(collectorSubject(CELL, 'epoch')))?.sequence).toBe(101);
    expect(said).toEqual([
      'warn: no replica of fold version 1 has reached the epoch: entries from 61 on are folded by version 2',
      'info: migrated the state at entry 60 from fold version 1 to 2',
    ]);
    expect(stateOf(path)).toMatchObject({ checkpoint: { sequence: 60, foldVersion: 2 } });
  });

  test('an epoch that cannot be read is not the one to look for', async () => {
    await fill(log, 1, 100);
    const subject = collectorSubject(CELL, 'epoch');
    await log.append({ subject, id: 'x', data: new Uint8Array([255, 255]) });
    await folded(log, path, 100);
    await resumed({ rules: later, migrate });
    expect(asked).toBe(10);
    expect((await log.lastOn(subject))?.sequence).toBe(102);
  });

  test('a log that a later release folds is not taken back', async () => {
    await fill(log, 1, 100);
    await beginEpoch(3);
    await folded(log, path, 100);
    await expect(resumed({ rules: later, migrate })).rejects.toThrow(
      'the log is folded by version 3 since entry 101, this release folds version 2: run the later release',
    );
    expect((await log.info()).last).toBe(101);
    expect(sequenceOf(path)).toBe(100);
  });

  test('a checkpoint that is too old is refused and stays', async () => {
    await fill(log, 1, 100);
    const digest = await folded(log, path, 100);
    await expect(resumed({ rules: later })).rejects.toThrow(
      "the checkpoint's fold version 1 is too old: upgrade by way of an earlier release",
    );
    expect(digestOf(path)).toBe(digest);
    expect(stateOf(path)?.checkpoint.foldVersion).toBe(1);
  });

  test('a checkpoint of a later version is refused and stays', async () => {
    await fill(log, 1, 100);
    await folded(log, path, 100);
    await resumed({ rules: later, migrate });
    await expect(resumed({ migrate })).rejects.toThrow(
      'the checkpoint is of fold version 2, this release folds version 1: run the later release',
    );
    expect(stateOf(path)).toMatchObject({ checkpoint: { sequence: 100, foldVersion: 2 } });
  });
});

describe('a checkpoint in front of an epoch of other rules', () => {
  const other: Rules = { ...testRules, catalogDigest: 'catalog-2' };

  test('stays there as long as nobody went back to these', async () => {
    await fill(log, 1, 100);
    expect(await beginEpoch(1, 'catalog-2')).toBe(101);
    const digest = await folded(log, path, 101);
    const peer = newPath();
    await folded(log, peer, 100);
    await folded(log, peer, 101, other);
    await writeSnapshot(peer, log.blobs);
    await resumed();
    expect(sequenceOf(path)).toBe(100);
    expect(digestOf(path)).toBe(digest);
    expect(said).toEqual([]);
  });

  test('goes past it by the snapshot of one that did', async () => {
    await fill(log, 1, 100);
    await beginEpoch(1, 'catalog-2');
    await folded(log, path, 101);
    const peer = newPath();
    await folded(log, peer, 100);
    await folded(log, peer, 101, other);
    expect(await beginEpoch(1, 'catalog-1')).toBe(102);
    const digest = await folded(log, peer, 102);
    const name = (await writeSnapshot(peer, log.blobs))?.name;
    await resumed();
    expect(said).toEqual([`info: going on from snapshot ${name}`]);
    expect(sequenceOf(path)).toBe(102);
    expect(digestOf(path)).toBe(digest);
  });
});

test('the database is let go of, whatever came of it', async () => {
  await fill(log, 1, 20);
  await log.purge(5);
  await expect(resumed()).rejects.toThrow('holds no usable snapshot');
  rmSync(path);
  await log.blobs.put(nameOf(10), []);
  await expect(resumed()).rejects.toThrow('holds no usable snapshot');
});
