import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Blobs, type Log, openEmbeddedLog } from '@netfall/log';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fold, type Rows } from '../fold/fold.ts';
import { randomLog } from '../fold/testing/random-log.ts';
import { Story, testRules } from '../fold/testing/story.ts';
import { rowsDigest } from './digest.ts';
import { listSnapshots, logDigest, readSnapshot, snapshotName, writeSnapshot } from './snapshot.ts';
import { type Checkpoint, Store } from './store.ts';

const dir = mkdtempSync(join(tmpdir(), 'netfall-snapshot-'));
afterAll(() => rmSync(dir, { recursive: true }));

let log: Log;
let blobs: Blobs;
let path: string;
let files = 0;
beforeEach(() => {
  const name = `${++files}`;
  log = openEmbeddedLog({ dir: join(dir, name) });
  blobs = log.blobs;
  path = join(dir, `${name}.db`);
});
afterEach(() => log.close());

const IDENTITY = 'log "1"';
/** sha256('log "1"'), cut. */
const OF = '9c265f63b75a';
const nameOf = (sequence: number, foldVersion = 1) => snapshotName(sequence, foldVersion, IDENTITY);
const place = (sequence: number): Checkpoint => ({
  identity: IDENTITY,
  sequence,
  entryDigest: `d${sequence}`,
  foldVersion: 1,
});

function foldOf(story: Story): Fold {
  const fold = new Fold(testRules);
  for (const entry of story.entries) fold.apply(entry);
  return fold;
}

function keep(rows: Rows, checkpoint: Checkpoint): void {
  const store = new Store(path);
  store.replace(rows, checkpoint);
  store.close();
}

async function bytesOf(name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await blobs.get(name)) ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('round trip', () => {
  test('a snapshot holds exactly what was committed', async () => {
    const fold = foldOf(randomLog({ seed: 11, entries: 4000 }));
    keep(fold.rows(), place(4000));
    const written = await writeSnapshot(path, blobs);
    const name = `snapshot/0000000000004000-v1-${OF}`;
    expect(written).toEqual({ name, sequence: 4000, foldVersion: 1, log: OF });
    const loaded = await readSnapshot(name, blobs);
    const store = new Store(path);
    expect(loaded).toEqual(store.load());
    store.close();
    expect(loaded?.checkpoint).toEqual(place(4000));
    expect(loaded && rowsDigest(loaded.rows)).toBe(rowsDigest(fold.rows()));
  });

  test('text that other formats take for the end of a line', async () => {
    const story = new Story();
    story.report(0, 'a', {
      drops: { 'A\u2028B\u2029C\r\nD\0/f\n': 1 },
      losses: [{ source: '\u2028', hop: '\r', count: 1 }],
    });
    const fold = foldOf(story);
    keep(fold.rows(), place(1));
    await writeSnapshot(path, blobs);
    const loaded = await readSnapshot(nameOf(1), blobs);
    expect(loaded && rowsDigest(loaded.rows)).toBe(rowsDigest(fold.rows()));
    expect([...(loaded?.rows.hosts ?? [])][0]?.state.signals[0]?.reason).toBe('A\u2028B\u2029C\r\nD\0');
  });

  test('a large one, whose text is cut in the middle of characters', async () => {
    const story = new Story();
    for (let i = 0; i < 3000; i++) {
      const reason = `${'𝕏ä€'.repeat(20)}${createHash('sha256').update(`${i}`).digest('base64')}`;
      story.report(i / 10_000, `h${i}`, { drops: { [`${reason.replaceAll('/', '.')}/f`]: i } });
    }
    const fold = foldOf(story);
    keep(fold.rows(), place(3000));
    await writeSnapshot(path, blobs);
    const name = nameOf(3000);
    expect(gunzipSync(await bytesOf(name)).length).toBeGreaterThan(1_000_000);
    const loaded = await readSnapshot(name, blobs);
    expect(loaded && rowsDigest(loaded.rows)).toBe(rowsDigest(fold.rows()));
  });

  test('an empty state', async () => {
    const { global } = foldOf(new Story()).rows();
    const none = { hosts: [], incidents: [], crashes: [], notifications: [], changes: [], silences: [] };
    keep({ global, ...none }, place(1));
    await writeSnapshot(path, blobs);
    expect(await readSnapshot(nameOf(1), blobs)).toEqual({
      checkpoint: place(1),
      rows: { global, ...none },
    });
  });

  test('there is nothing to keep before the first entry', async () => {
    new Store(path).close();
    expect(await writeSnapshot(path, blobs)).toBeNull();
    keep(foldOf(new Story()).rows(), { ...place(0), entryDigest: '' });
    expect(await writeSnapshot(path, blobs)).toBeNull();
    expect(await blobs.list('')).toEqual([]);
  });

  test('there is none of that name', async () => {
    expect(await readSnapshot(nameOf(1), blobs)).toBeNull();
  });
});

test('the list is newest first, and passes over what is no snapshot', async () => {
  const names = [nameOf(9), nameOf(10, 2), snapshotName(10, 11, 'another'), nameOf(123_456_789)];
  for (const name of [
    ...names,
    `snapshot/7-v1-${OF}`,
    'snapshot/0000000000000007-v1',
    'snapshot/x',
    'logs/1',
  ]) {
    await blobs.put(name, [Uint8Array.of(1)]);
  }
  const another = logDigest('another');
  expect(await listSnapshots(blobs)).toEqual([
    { name: `snapshot/0000000123456789-v1-${OF}`, sequence: 123_456_789, foldVersion: 1, log: OF },
    { name: `snapshot/0000000000000010-v11-${another}`, sequence: 10, foldVersion: 11, log: another },
    { name: `snapshot/0000000000000010-v2-${OF}`, sequence: 10, foldVersion: 2, log: OF },
    { name: `snapshot/0000000000000009-v1-${OF}`, sequence: 9, foldVersion: 1, log: OF },
  ]);
});

describe('an unusable one is named', () => {
  const name = nameOf(500);
  let whole: Buffer;
  beforeEach(async () => {
    keep(foldOf(randomLog({ seed: 5, entries: 500 })).rows(), place(500));
    await writeSnapshot(path, blobs);
    whole = await bytesOf(name);
  });
  const read = async (bytes: Uint8Array, chunk = bytes.length) => {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
    await blobs.put(name, chunks);
    return readSnapshot(name, blobs);
  };
  const text = (edit: (lines: string[]) => string[]) =>
    gzipSync(edit(gunzipSync(whole).toString().split('\n')).join('\n'));

  test('whole, in chunks of any size, it is usable', async () => {
    for (const size of [1, 100, 4096]) expect((await read(whole, size))?.checkpoint).toEqual(place(500));
  });

  test('cut anywhere', async () => {
    for (const length of [0, 1, 10, 11, 100, whole.length >> 1, whole.length - 9, whole.length - 1]) {
      await expect(read(whole.subarray(0, length), 50)).rejects.toThrow(
        /^snapshot snapshot\/0000000000000500-v1-[0-9a-f]{12} is unusable: (unexpected end of file|it is cut short)$/,
      );
    }
  });

  test('garbled', async () => {
    const unusable = /^snapshot snapshot\/0000000000000500-v1-[0-9a-f]{12} is unusable: /;
    await expect(read(randomBytes(5000))).rejects.toThrow(`${name} is unusable: incorrect header check`);
    for (const at of [30, whole.length >> 1, whole.length - 6]) {
      const garbled = Buffer.from(whole);
      garbled[at] = (garbled[at] as number) ^ 0xff;
      await expect(read(garbled)).rejects.toThrow(unusable);
    }
  });

  test.each<[string, string, (lines: string[]) => string[]]>([
    ['without its end', 'it is cut short', (lines) => lines.slice(0, -2)],
    ['without a row', 'it is cut short', (lines) => lines.toSpliced(4, 1)],
    ['with a row too many', 'it is cut short', (lines) => lines.toSpliced(4, 0, lines[4] as string)],
    ['with rows after its end', 'it goes on after its end', (lines) => lines.with(-1, lines[4] as string)],
    ['with a row of an unknown table', 'unknown table in line 3', (lines) => lines.with(2, 'wreck {}')],
    ['with nothing but a checkpoint', 'it is cut short', (lines) => lines.slice(0, 1)],
  ])('%s', async (_name, why, edit) => {
    await expect(read(text(edit))).rejects.toThrow(`snapshot ${name} is unusable: ${why}`);
  });

  test('a row that is no JSON', async () => {
    await expect(read(text((lines) => lines.with(3, 'host {"id":')))).rejects.toThrow(
      `snapshot ${name} is unusable: `,
    );
  });
});

test('what is written while a writer commits is one commit, whole', async () => {
  const story = randomLog({ seed: 21, entries: 6000 });
  const fold = new Fold(testRules);
  const store = new Store(path);
  const digests = new Map<number, string>();
  let next = 0;
  const advance = () => {
    for (const entry of story.entries.slice(next, next + 100)) fold.apply(entry);
    next += 100;
    store.commit(fold.takeChanges(), place(next));
    digests.set(next, rowsDigest(fold.rows()));
  };
  advance();
  // A slow receiver: a commit between any two chunks of the snapshot.
  let commits = 0;
  const slow: Blobs = {
    ...blobs,
    put: (name, chunks) =>
      blobs.put(
        name,
        (async function* () {
          for await (const chunk of chunks) {
            for (let at = 0; at < chunk.length; at += 512) {
              if (next < 5900) {
                advance();
                commits++;
              }
              yield chunk.subarray(at, at + 512);
            }
          }
        })(),
      ),
  };
  const taken: number[] = [];
  for (let round = 0; round < 3; round++) {
    taken.push(next);
    const written = await writeSnapshot(path, slow);
    expect(written?.sequence).toBe(taken.at(-1));
    const loaded = await readSnapshot(written?.name ?? '', blobs);
    expect(loaded?.checkpoint).toEqual(place(taken.at(-1) ?? 0));
    expect(loaded && rowsDigest(loaded.rows)).toBe(digests.get(taken.at(-1) ?? 0));
  }
  expect(commits).toBeGreaterThan(3);
  store.close();
});

test('a database that breaks under way fails the snapshot and stores none', async () => {
  keep(foldOf(randomLog({ seed: 5, entries: 500 })).rows(), place(500));
  const store = new DatabaseSync(path);
  store.exec('DROP TABLE notification');
  store.close();
  await expect(writeSnapshot(path, blobs)).rejects.toThrow('no such table: notification');
  expect(await blobs.list('')).toEqual([]);
});

test('a receiver that fails is what the caller hears of', async () => {
  keep(foldOf(randomLog({ seed: 5, entries: 500 })).rows(), place(500));
  const full: Blobs = {
    ...blobs,
    put: async (_name, chunks) => {
      for await (const _ of chunks) throw new Error('no room');
    },
  };
  await expect(writeSnapshot(path, full)).rejects.toThrow('no room');
  expect((await writeSnapshot(path, blobs))?.sequence).toBe(500);
});
