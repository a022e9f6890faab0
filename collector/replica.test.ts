/** Replicas over a real embedded log and with real fold threads, in a time that passes faster than the machine's. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, type Log, LogError, openEmbeddedLog, type Stored, sleep } from '@netfall/log';
import { collectorSubject, decodeEntry, type Entry, encodeEntry } from '@netfall/proto';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { canonicalJson, INITIAL_CONFIG } from './fold/config.ts';
import { CELL, Story } from './fold/testing/story.ts';
import { startFoldThread } from './fold-thread.ts';
import { Folder, type FolderStatus } from './folder.ts';
import { Replica, type ReplicaConfig, type ReplicaOptions } from './replica.ts';
import { resume } from './resume.ts';
import { currentRules } from './rules.ts';
import { rowsDigest } from './store/digest.ts';
import { listSnapshots, logDigest, readSnapshot, snapshotName, writeSnapshot } from './store/snapshot.ts';
import { Store } from './store/store.ts';
import { canMount, onFullDisk, SmallDisk } from './testing.ts';

/** Leases and pauses of seconds pass in fractions of one. */
const SPEED = 8;
const startedAt = Date.now();
const clock: Clock = {
  nowUs: () => Math.round((startedAt + (Date.now() - startedAt) * SPEED) * 1000),
  setTimer(ms, fn) {
    const timeout = setTimeout(fn, ms / SPEED);
    return { cancel: () => clearTimeout(timeout) };
  },
};

const rules = currentRules(CELL);
const dir = mkdtempSync(join(tmpdir(), 'netfall-replica-'));
afterAll(() => rmSync(dir, { recursive: true }));

let log: Log;
let running: Running[] = [];
let files = 0;
beforeEach(() => {
  log = openEmbeddedLog({ dir: ':memory:', clock });
});
afterEach(async () => {
  await stopAll();
  await log.close();
});

async function stopAll(): Promise<void> {
  for (const { replica } of running) await replica.stop();
  running = [];
}

interface Running {
  readonly replica: Replica;
  readonly path: string;
  readonly said: string[];
  readonly commits: FolderStatus[];
  readonly failures: Error[];
}

const quiet: ReplicaConfig = { cell: CELL, fold: INITIAL_CONFIG, snapshot_every_s: 86_400, retain_s: 86_400 };
const newPath = () => join(dir, `${++files}.db`);

async function start(name: string, changed: Partial<ReplicaOptions> = {}): Promise<Running> {
  const path = changed.path ?? newPath();
  const from = changed.log ?? log;
  const said: string[] = [];
  const commits: FolderStatus[] = [];
  const failures: Error[] = [];
  const { identity } = await from.info();
  const replica = new Replica({
    replica: name,
    config: quiet,
    rules,
    path,
    log: from,
    clock,
    say: { info: (message) => said.push(message), warn: (message) => said.push(`warn: ${message}`) },
    startFolding: (events) => startFoldThread({ path, identity, cell: CELL }, events),
    onCommit: (status) => commits.push(status),
    onFailure: (error) => failures.push(error),
    random: () => 0.5,
    ...changed,
  });
  const started = { replica, path, said, commits, failures };
  await replica.start();
  running.push(started);
  return started;
}

async function stop(one: Running): Promise<void> {
  running = running.filter((other) => other !== one);
  await one.replica.stop();
}

const until = (condition: () => unknown) =>
  vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: 25_000, interval: 20 });
/** A run of a replica, as claims name it. */
const runOf = (replica: string) => expect.stringMatching(new RegExp(`^${replica}-[0-9a-f]{12}$`));
const ready = (one: Running) => until(() => one.replica.status().ready);

async function* stored(): AsyncGenerator<Stored> {
  const { first, last } = await log.info();
  for (let sequence = first; sequence <= last; sequence++) {
    const entry = await log.get(sequence);
    if (entry) yield entry;
  }
}

/** The log's entries of one kind. */
async function entriesOf<K extends keyof Entry>(kind: K): Promise<NonNullable<Entry[K]>[]> {
  const found: NonNullable<Entry[K]>[] = [];
  for await (const { data } of stored()) {
    const entry = decodeEntry(data)[kind];
    if (entry) found.push(entry as NonNullable<Entry[K]>);
  }
  return found;
}

/** Hosts that report, from a story; only the log stamps them. */
async function report(messages: number, from = 0): Promise<number> {
  const story = new Story();
  for (let i = 0; i < from + messages; i++) story.report(i, `h${i % 5}`, { drops: { 'NO_SOCKET/f': 1 } });
  let last = 0;
  for (const { subject, data, sequence } of story.entries.slice(from)) {
    ({ sequence: last } = await log.append({ subject, data, id: `story/${sequence}` }));
  }
  return last;
}

/** So many hosts report that a commit of them needs room on the disk. */
async function hostsReport(count: number): Promise<void> {
  const story = new Story();
  for (let i = 0; i < count; i++) story.report(i / 100, `host-${i}`, { drops: { 'NO_SOCKET/f': 1 } });
  await Promise.all(
    story.entries.map(({ subject, data, sequence }) => log.append({ subject, data, id: `many/${sequence}` })),
  );
}

function digestOf(path: string): { sequence: number; digest: string } {
  const store = new Store(path);
  const loaded = store.load();
  store.close();
  return { sequence: loaded?.checkpoint.sequence ?? 0, digest: loaded ? rowsDigest(loaded.rows) : '' };
}

/** What a single fold makes of the whole log, or of the log after a database's checkpoint, up to an entry. */
async function foldedAlone(upTo: number, path = newPath()): Promise<string> {
  const { identity } = await log.info();
  const folder = new Folder(path, identity, rules);
  for await (const entry of stored()) {
    if (entry.sequence > folder.sequence && entry.sequence <= upTo) folder.apply([entry]);
  }
  folder.commit(() => 0);
  folder.close();
  return digestOf(path).digest;
}

const resumeAt = (path: string) =>
  resume({
    path,
    log,
    rules,
    migrate: () => null,
    say: { info: () => {}, warn: () => {} },
    takeOver: () => Promise.resolve(0),
    awaitPeer: () => Promise.resolve(),
  });

const wantedEpoch = (fold = INITIAL_CONFIG) => {
  const config = canonicalJson(fold);
  const config_digest = createHash('sha256').update(config).digest('hex');
  return { fold_version: rules.version, config_digest, catalog_digest: rules.catalogDigest, config };
};

describe('one replica', () => {
  test('begins its epoch once, claims, and is ready', async () => {
    const one = await start('r1');
    expect(one.replica.status()).toMatchObject({
      ready: false,
      why: 'the first epoch has not begun',
      sequence: 0,
    });
    await ready(one);
    await until(() => one.replica.mayDeliver());
    const { config: _, ...epoch } = wantedEpoch();
    expect(one.replica.status()).toMatchObject({
      replica: 'r1',
      cell: CELL,
      ready: true,
      why: '',
      epoch,
      leader: true,
      claimHolder: runOf('r1'),
      rejected: {},
    });
    const path = one.path;
    await stop(one);
    // The same configuration under the same rules is no news.
    const again = await start('r1', { path });
    await ready(again);
    await until(() => again.replica.mayDeliver());
    expect(await entriesOf('epoch')).toMatchObject([wantedEpoch()]);
    expect(again.said).toEqual([]);
    expect(one.said).toEqual([
      'began a new epoch: rules, catalog or configuration changed',
      expect.stringMatching(/^stored snapshot\//),
    ]);
  });

  test('another configuration begins another epoch', async () => {
    const one = await start('r1');
    await ready(one);
    await stop(one);
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const two = await start('r1', { path: one.path, config: { ...quiet, fold } });
    const { config_digest } = wantedEpoch(fold);
    await until(() => two.replica.status().epoch.config_digest === config_digest);
    expect(await entriesOf('epoch')).toMatchObject([wantedEpoch(), wantedEpoch(fold)]);
  });

  test('is not ready before what the log held at its start is folded', async () => {
    const last = await report(50);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const path = newPath();
    const { identity } = await log.info();
    const one = await start('r1', {
      path,
      startFolding: async (events) => {
        const [thread, status] = await startFoldThread({ path, identity, cell: CELL }, events);
        const slow = {
          push: (entries: Parameters<typeof thread.push>[0]) => held.then(() => thread.push(entries)),
        };
        return [{ ...slow, close: () => thread.close() }, status];
      },
    });
    expect(one.replica.status()).toMatchObject({
      ready: false,
      why: `entry 0 of ${last} is folded`,
      sequence: 0,
      lastSequence: last,
    });
    expect(await entriesOf('epoch')).toEqual([]);
    expect(await entriesOf('claim')).toEqual([]);
    release();
    await ready(one);
    expect(one.replica.status().sequence).toBeGreaterThan(last);
  });

  test('folds what is appended, and its rows are those of a fold without a thread', async () => {
    const one = await start('r1');
    const last = await report(200);
    await until(() => one.replica.status().sequence >= last);
    expect(one.commits.at(-1)?.sequence).toBe(one.replica.status().sequence);
    await stop(one);
    const { sequence, digest } = digestOf(one.path);
    expect(sequence).toBeGreaterThanOrEqual(last);
    expect(await foldedAlone(sequence)).toBe(digest);
    const database = new DatabaseSync(one.path, { readOnly: true });
    expect(database.prepare('SELECT count(*) AS hosts FROM host').get()).toEqual({ hosts: 5 });
    database.close();
  });

  test('ticks while nothing else is said, and log time passes by that', async () => {
    const one = await start('r1');
    await ready(one);
    const before = one.replica.status().logTimeUs;
    await until(() => one.replica.status().logTimeUs > before + 3_000_000);
    const ticks = await entriesOf('tick');
    expect(ticks.length).toBeGreaterThan(1);
    expect(new Set(ticks.map(({ replica }) => replica))).toEqual(new Set(['r1']));
  });

  test('gives up its claim when it stops, and says nothing more', async () => {
    const one = await start('r1');
    await until(() => one.replica.mayDeliver());
    await stop(one);
    expect(one.replica.mayDeliver()).toBe(false);
    expect((await entriesOf('claim')).at(-1)).toMatchObject({ holder: runOf('r1'), lease_us: 0 });
    const { last } = await log.info();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await log.info()).last).toBe(last);
    expect(one.failures).toEqual([]);
  });

  test.each([1, 2])(
    'gives up its claim behind an append of it (the %i.) that is under way',
    async (which) => {
      // The append reaches the log between the release's look at the newest claim and the release; or, when no release
      // comes, a while later.
      const released = Promise.withResolvers<void>();
      const arrived = Promise.withResolvers<void>();
      const underWay = Promise.withResolvers<void>();
      let claims = 0;
      let stopping = false;
      const slow: Log = {
        ...facade(log),
        append: async (message) => {
          if (!message.subject.endsWith('.claim') || ++claims !== which) return log.append(message);
          underWay.resolve();
          await released.promise;
          return log.append(message).finally(() => arrived.resolve());
        },
        lastOn: async (subject) => {
          const last = await log.lastOn(subject);
          if (!stopping) return last;
          released.resolve();
          await arrived.promise;
          return last;
        },
      };
      const one = await start('r1', { log: slow });
      await underWay.promise;
      stopping = true;
      setTimeout(() => released.resolve(), 300);
      await stop(one);
      await arrived.promise;
      expect((await entriesOf('claim')).map(({ lease_us }) => lease_us)).toEqual([
        ...Array(which).fill(15_000_000),
        0,
      ]);
    },
  );

  test('records a delivery once, under its own name', async () => {
    const one = await start('r1');
    const delivered = { notification_id: 'i7-0/firing', sink: 'chat', attempts: 2, error: '' };
    await one.replica.recordDelivered(delivered);
    await one.replica.recordDelivered(delivered);
    expect(await entriesOf('delivered')).toMatchObject([
      { notification_id: 'i7-0/firing', sink: 'chat', holder: runOf('r1'), attempts: 2, error: '' },
    ]);
  });

  test('tries again when the log does not take its epoch', async () => {
    let refused = 0;
    const moody: Log = {
      ...facade(log),
      append: (message) => {
        if (!message.subject.endsWith('.epoch') || refused === 2) return log.append(message);
        refused++;
        return Promise.reject(new LogError('unavailable', 'no server answers'));
      },
    };
    const one = await start('r1', { log: moody });
    await ready(one);
    expect(one.said.slice(0, 3)).toEqual([
      "warn: could not begin this release's epoch, trying again: no server answers",
      "warn: could not begin this release's epoch, trying again: no server answers",
      'began a new epoch: rules, catalog or configuration changed',
    ]);
    expect(await entriesOf('epoch')).toHaveLength(1);
  });
});

/** A log whose methods can be replaced one by one. */
function facade(of: Log): Log {
  return {
    append: (message) => of.append(message),
    read: (options) => of.read(options),
    get: (sequence) => of.get(sequence),
    lastOn: (subject) => of.lastOn(subject),
    watchLast: (subject, signal) => of.watchLast(subject, signal),
    info: () => of.info(),
    purge: (sequence) => of.purge(sequence),
    blobs: of.blobs,
    close: () => of.close(),
  };
}

describe('two replicas', () => {
  test('begin one epoch, agree on one holder, and hold the same rows', async () => {
    const [a, b] = await Promise.all([start('r1'), start('r2')]);
    await Promise.all([ready(a), ready(b), report(100)]);
    await until(() => a.replica.mayDeliver() || b.replica.mayDeliver());
    const { claimHolder: holder } = (a.replica.mayDeliver() ? a : b).replica.status();
    await until(() => [a, b].every(({ replica }) => replica.status().claimHolder === holder));
    expect([a, b].filter(({ replica }) => replica.mayDeliver())).toHaveLength(1);
    // Through some renewals it stays with the one that has it.
    const claims = (await entriesOf('claim')).length;
    for (let now = claims; now < claims + 3; now = (await entriesOf('claim')).length) {
      expect([a, b].map(({ replica }) => replica.status().claimHolder)).toEqual([holder, holder]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await Promise.all([stop(a), stop(b)]);
    expect(await entriesOf('epoch')).toMatchObject([wantedEpoch()]);
    const { last } = await log.info();
    expect(await foldedAlone(last, a.path)).toBe(await foldedAlone(last, b.path));
    expect(digestOf(a.path)).toEqual({ sequence: last, digest: await foldedAlone(last) });
  });

  test('that have one name, because a data folder was copied, still do not share the claim', async () => {
    const original = await start('r1');
    await until(() => original.replica.mayDeliver());
    const copy = await start('r1');
    await until(() => copy.replica.status().claimHolder === original.replica.status().claimHolder);
    const claims = (await entriesOf('claim')).length;
    await vi.waitFor(async () => expect((await entriesOf('claim')).length).toBeGreaterThan(claims + 2), {
      timeout: 25_000,
    });
    expect([original, copy].map(({ replica }) => replica.mayDeliver())).toEqual([true, false]);
    expect(new Set((await entriesOf('claim')).map(({ holder }) => holder)).size).toBe(1);
    await stop(original);
    await until(() => copy.replica.mayDeliver());
  });

  test('that have other configurations: the one that began its epoch first says so, once', async () => {
    const a = await start('r1');
    await ready(a);
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const b = await start('r2', { config: { ...quiet, fold } });
    await until(() => a.replica.status().epoch.config_digest === wantedEpoch(fold).config_digest);
    await until(() => b.replica.status().epoch.config_digest === wantedEpoch(fold).config_digest);
    await stop(b);
    expect(a.replica.status()).toMatchObject({ ready: true, configDiffers: true });
    expect(b.replica.status()).toMatchObject({ configDiffers: false });
    const warned = (one: Running) => one.said.filter((line) => line.startsWith('warn: '));
    const epochs: number[] = [];
    for await (const { sequence, data } of stored()) if (decodeEntry(data).epoch) epochs.push(sequence);
    expect(epochs).toHaveLength(2);
    const warning =
      `warn: entry ${epochs[1]} began an epoch of another configuration than this collector has: give all collectors of ` +
      'the cell the same detect, incident, limits and notify, or it changes whenever one is restarted';
    expect(warned(a)).toEqual([warning]);
    expect(warned(b)).toEqual([]);
    // The other one again, and a third one: still once. Then ours again.
    const third = { ...INITIAL_CONFIG, sinks: ['pager'] };
    const c = await start('r3', { config: { ...quiet, fold: third } });
    await until(() => a.replica.status().epoch.config_digest === wantedEpoch(third).config_digest);
    await stop(c);
    // The epochs' snapshots let the log's beginning go.
    const path = newPath();
    await resumeAt(path);
    const d = await start('r4', { path });
    await until(() => !a.replica.status().configDiffers);
    await ready(d);
    expect(d.replica.status().configDiffers).toBe(false);
    expect(warned(a)).toEqual([warning]);
  });

  test('that begin at once with one configuration each: the one that came second says so', async () => {
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const both = await Promise.all([start('r1'), start('r2', { config: { ...quiet, fold } })]);
    await Promise.all(both.map(ready));
    await until(() => both.some(({ replica }) => replica.status().configDiffers));
    const said = both.map((one) => one.said.some((line) => line.includes('of another configuration')));
    expect(said).toEqual(both.map(({ replica }) => replica.status().configDiffers));
    expect(said.filter(Boolean)).toHaveLength(1);
  });

  test('the other one takes over when the holder stops', async () => {
    const a = await start('r1');
    await until(() => a.replica.mayDeliver());
    const b = await start('r2');
    await until(() => b.replica.status().claimHolder === a.replica.status().claimHolder);
    expect(b.replica.mayDeliver()).toBe(false);
    await stop(a);
    await until(() => b.replica.mayDeliver());
    const claims = await entriesOf('claim');
    const given = claims.findIndex(({ lease_us }) => lease_us === 0);
    expect(claims[given]).toMatchObject({ holder: runOf('r1') });
    expect(claims[given + 1]).toMatchObject({ holder: runOf('r2'), lease_us: 15_000_000 });
  });

  test('the other one takes over when the lease of a dead holder ends, and the dead one knows it', async () => {
    let dead = false;
    const noAnswer = () =>
      sleep(clock, 5000, new AbortController().signal).then(() => {
        throw new LogError('timeout', 'no server answers');
      });
    // What a replica sees of the log whose machine was cut off.
    const cut: Log = {
      ...facade(log),
      append: (message) => (dead ? noAnswer() : log.append(message)),
      lastOn: (subject) => (dead ? noAnswer() : log.lastOn(subject)),
      async *read(options) {
        for await (const batch of log.read(options)) {
          if (dead) await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
          if (!dead) yield batch;
        }
      },
    };
    const a = await start('r1', { log: cut });
    await until(() => a.replica.mayDeliver());
    const b = await start('r2');
    await ready(b);
    dead = true;
    await until(() => b.replica.mayDeliver());
    await until(() => !a.replica.mayDeliver());
    const claims: { holder: string; timeUs: number }[] = [];
    for await (const { data, timeUs } of stored()) {
      const { claim } = decodeEntry(data);
      if (claim) claims.push({ holder: claim.holder, timeUs });
    }
    const takeover = claims.find(({ holder }) => holder.startsWith('r2-'))?.timeUs ?? 0;
    const renewal = claims.findLast(({ holder }) => holder.startsWith('r1-'))?.timeUs ?? 0;
    // By the log's stamps, less what the taker's estimate of them may be off by.
    expect(takeover - renewal).toBeGreaterThan(14_000_000);
  });
});

describe('an epoch of other rules', () => {
  test('stops the replica, leaves a snapshot there and lets go of the claim', async () => {
    const one = await start('r1');
    await until(() => one.replica.mayDeliver());
    await report(20);
    const epoch = { ...wantedEpoch(), fold_version: rules.version + 1 };
    const subject = collectorSubject(CELL, 'epoch');
    const { sequence } = await log.append({ subject, id: 'later', data: encodeEntry({ epoch }) });
    await report(20, 20);
    const { identity } = await log.info();
    const left = `stored ${snapshotName(sequence - 1, rules.version, identity)}`;
    await until(() => one.said.includes(left));
    const why =
      `entry ${sequence} begins an epoch of fold version ${rules.version + 1}, ` +
      `catalog ${rules.catalogDigest.slice(0, 12)}: run a release that has them`;
    expect(one.said).toContain(`warn: stopped folding: ${why}`);
    expect(one.replica.status()).toMatchObject({ ready: false, why, sequence: sequence - 1 });
    const snapshot = await readSnapshot((await listSnapshots(log.blobs))[0]?.name ?? '', log.blobs);
    expect(snapshot && rowsDigest(snapshot.rows)).toBe(await foldedAlone(sequence - 1));
    // It neither goes by a claim that it no longer follows, nor renews it.
    expect(one.replica.mayDeliver()).toBe(false);
    const claims = async () => {
      let after = 0;
      for await (const entry of stored())
        if (entry.sequence > sequence && decodeEntry(entry.data).claim) after++;
      return after;
    };
    const before = await claims();
    const ticks = (await entriesOf('tick')).length;
    await vi.waitFor(async () => expect((await entriesOf('tick')).length).toBeGreaterThan(ticks + 20), {
      timeout: 25_000,
    });
    expect(await claims()).toBe(before);
    expect(one.failures).toEqual([]);
  });

  test('is looked past: once it is taken back, and a peer left a snapshot, the replica ends and goes on from there', async () => {
    const one = await start('r1');
    await ready(one);
    await until(() => one.said.some((line) => line.startsWith('stored ')));
    const subject = collectorSubject(CELL, 'epoch');
    const other = { ...wantedEpoch(), fold_version: rules.version + 1 };
    const barrier = await log.append({ subject, id: 'other', data: encodeEntry({ epoch: other }) });
    await until(() => one.replica.status().sequence === barrier.sequence - 1);
    const peer = newPath();
    await foldedAlone(barrier.sequence - 1, peer);
    const back = await log.append({ subject, id: 'back', data: encodeEntry({ epoch: wantedEpoch() }) });
    // An epoch alone is no reason to end: there is nothing to go on from.
    const began = clock.nowUs();
    await until(() => clock.nowUs() > began + 65_000_000);
    expect(one.failures).toEqual([]);
    // A peer that went over to the other rules and back.
    const { identity } = await log.info();
    const folder = new Folder(peer, identity, rules);
    folder.apply([(await log.get(back.sequence)) as Stored]);
    folder.commit(() => 0);
    folder.close();
    await writeSnapshot(peer, log.blobs);
    await until(() => one.failures.length > 0);
    expect(one.failures).toMatchObject([
      {
        code: 'barrier-lifted',
        message: `entry ${back.sequence} begins an epoch of this release's rules again: going on from a snapshot that a peer left behind it`,
      },
    ]);
    await stop(one);
    await resumeAt(one.path);
    const again = await start('r1', { path: one.path });
    await ready(again);
    expect(again.replica.status().sequence).toBeGreaterThanOrEqual(back.sequence);
    expect(again.failures).toEqual([]);
  });
});

describe('snapshots and retention', () => {
  const often: ReplicaConfig = { ...quiet, snapshot_every_s: 3, retain_s: 5 };

  test('the log behind the oldest kept snapshot goes, and no more; another replica goes on from it', async () => {
    const purges: { sequence: number; kept: number[] }[] = [];
    const watched: Log = {
      ...facade(log),
      purge: async (sequence) => {
        purges.push({
          sequence,
          kept: (await listSnapshots(log.blobs)).map((snapshot) => snapshot.sequence),
        });
        await log.purge(sequence);
      },
    };
    const one = await start('r1', { log: watched, config: often });
    await report(100);
    await vi.waitFor(async () => expect((await log.info()).first).toBeGreaterThan(101), { timeout: 25_000 });
    // It would purge on, faster than the other one may get to read.
    await stop(one);
    const path = newPath();
    await resumeAt(path);
    const two = await start('r2', { path });
    await ready(two);
    await stop(two);
    expect(purges.length).toBeGreaterThan(0);
    for (const { sequence, kept } of purges) {
      expect(kept.length).toBeGreaterThanOrEqual(3);
      expect(sequence).toBe(Math.min(...kept));
    }
    const { first, last } = await log.info();
    expect(first).toBe(purges.at(-1)?.sequence);
    expect(await log.get(first)).not.toBeNull();
    expect(await foldedAlone(last, one.path)).toBe(await foldedAlone(last, two.path));
    expect(one.said.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  test('the holder takes one soon after each epoch, and not again when it is started anew', async () => {
    const kept = () => listSnapshots(log.blobs);
    const one = await start('r1');
    await vi.waitFor(async () => expect(await kept()).toHaveLength(1), { timeout: 25_000 });
    await stop(one);
    const again = await start('r1', { path: one.path });
    await until(() => again.replica.mayDeliver());
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const epoch = encodeEntry({ epoch: wantedEpoch(fold) });
    const { sequence } = await log.append({
      subject: collectorSubject(CELL, 'epoch'),
      id: 'next',
      data: epoch,
    });
    await vi.waitFor(async () => expect(await kept()).toHaveLength(2), { timeout: 25_000 });
    expect((await kept())[0]?.sequence).toBeGreaterThanOrEqual(sequence);
    const snapshot = await readSnapshot((await kept())[0]?.name ?? '', log.blobs);
    expect(snapshot?.rows.global.epoch).toMatchObject({ sequence });
    expect(again.said.filter((line) => line.startsWith('stored '))).toHaveLength(1);
  });

  test('what is young is kept, however many there are', async () => {
    const one = await start('r1', { config: { ...often, retain_s: 3600 } });
    await vi.waitFor(async () => expect(await listSnapshots(log.blobs)).toHaveLength(6), { timeout: 25_000 });
    await stop(one);
    expect((await log.info()).first).toBe((await listSnapshots(log.blobs)).at(-1)?.sequence);
  });

  test('snapshots of another log, or of a later end of this one, neither count nor stay', async () => {
    await report(100);
    const { identity } = await log.info();
    const strays = [
      snapshotName(40, 1, 'another log'),
      snapshotName(20, 1, 'another log'),
      snapshotName(99_999_999, 1, identity),
      snapshotName(99_999_998, 1, identity),
    ];
    for (const name of strays) await log.blobs.put(name, [Uint8Array.of(1)]);
    const one = await start('r1', { config: { ...often, retain_s: 3600 } });
    await until(() => one.said.some((line) => line.startsWith('stored ')));
    await vi.waitFor(
      async () => {
        const names = await log.blobs.list('snapshot/');
        expect(strays.filter((name) => names.includes(name))).toEqual([]);
      },
      { timeout: 25_000 },
    );
    await stop(one);
    const snapshots = await listSnapshots(log.blobs);
    expect(snapshots.map(({ log: of }) => of)).toEqual(snapshots.map(() => logDigest(identity)));
    // It goes by the replica's own: behind the oldest of them, and not before there are three.
    expect((await log.info()).first).toBe(snapshots.length < 3 ? 1 : snapshots.at(-1)?.sequence);
  });

  test('what is switched off is said again before the log forgets it', async () => {
    const one = await start('a', { config: often });
    await ready(one);
    const until_us = clock.nowUs() + 3_600_000_000;
    const off = {
      source: 's',
      until_us,
      hosts: ['h'],
      labels: [{ key: 'k', value: 'v' }],
      why: 'w',
      by: 'ann',
    };
    expect(await one.replica.changeSwitches({ switches: [off], by: 'bob' }, 0)).toBe(true);
    const subject = collectorSubject(CELL, 'switches');
    const first = await log.lastOn(subject);
    if (!first) throw new Error('it was not appended');
    // Behind another one than it knows.
    expect(await one.replica.changeSwitches({ switches: [], by: '' }, first.sequence - 1)).toBe(false);
    let held = 1;
    await until(() => {
      void log.info().then((info) => {
        held = info.first;
      });
      return held > first.sequence;
    });
    const last = await log.lastOn(subject);
    expect(last?.sequence).toBeGreaterThan(first.sequence);
    expect(last?.data).toEqual(first.data);
    const folded = () => one.commits.find(({ switches }) => switches.sequence === last?.sequence)?.switches;
    await until(folded);
    expect(folded()).toEqual({ sequence: last?.sequence, by: 'bob', switches: [off] });
  });

  test('only the holder takes them', async () => {
    const a = await start('r1', { config: often });
    await until(() => a.replica.mayDeliver());
    const b = await start('r2', { config: often });
    await until(() => a.said.filter((line) => line.startsWith('stored ')).length > 2);
    expect(b.said).toEqual([]);
  });

  test('one that fails is said, and the replica goes on', async () => {
    const full: Log = {
      ...facade(log),
      blobs: { ...log.blobs, put: () => Promise.reject(new LogError('full', 'the disk is full')) },
    };
    const one = await start('r1', { log: full, config: often });
    await until(() => one.said.filter((line) => line === 'warn: snapshot: the disk is full').length > 1);
    expect(one.replica.status().ready).toBe(true);
    expect(one.failures).toEqual([]);
    expect((await log.info()).first).toBe(1);
  });
});

describe('failures', () => {
  test('a database in a folder that vanished fails the start', async () => {
    await expect(start('r1', { path: join(dir, 'gone', 'replica.db') })).rejects.toThrow(
      'unable to open database file',
    );
  });

  test('a database that breaks is told once, and the replica can be stopped', async () => {
    const one = await start('r1');
    await ready(one);
    const other = new DatabaseSync(one.path);
    other.exec('DROP TABLE checkpoint');
    other.close();
    await report(5);
    await until(() => one.failures.length > 0);
    await report(5, 5);
    await stop(one);
    expect(one.failures.map(({ message }) => message)).toEqual([
      expect.stringContaining('(no such table: checkpoint)'),
    ]);
  });

  test('entries that are no longer held are told as the gap that they are', async () => {
    await report(20);
    await log.purge(11);
    const one = await start('r1');
    await until(() => one.failures.length > 0);
    await stop(one);
    expect(one.failures).toMatchObject([{ name: 'LogError', code: 'gap' }]);
    expect(one.replica.status()).toMatchObject({ ready: false, sequence: 0 });
  });
});

const mounts = canMount();
describe.skipIf(!mounts)(onFullDisk(mounts), () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = new SmallDisk(16_000_000);
  });
  afterEach(async () => {
    await stopAll();
    disk.unmount();
  });

  test('is said once, is why it is not ready, and stops no replica: it goes on when there is room', async () => {
    const path = join(disk.dir, 'replica.db');
    const a = await start('r1', { path });
    await until(() => a.replica.mayDeliver());
    const b = await start('r2');
    await until(() => b.replica.status().claimHolder === a.replica.status().claimHolder);
    disk.fill();
    await hostsReport(1500);
    const why = () => a.replica.status().why;
    await until(() => why().includes('database or disk is full'));
    expect(a.replica.status()).toMatchObject({ ready: false, leader: false });
    // It lets go of the claim, for it does not see what becomes of it.
    await until(() => b.replica.mayDeliver());
    const stalledAt = a.replica.status().sequence;
    const last = await report(50);
    await until(() => b.replica.status().sequence >= last);
    // It has a try, and nothing is new.
    const began = Date.now();
    await until(() => Date.now() > began + 6000);
    expect(a.replica.status()).toMatchObject({ ready: false, sequence: stalledAt });
    expect(a.failures).toEqual([]);
    const about = (one: Running) => one.said.filter((line) => line.includes('fold'));
    expect(about(a)).toEqual([expect.stringMatching(/^warn: stopped folding: cannot write .*replica\.db/)]);
    disk.free();
    await ready(a);
    expect(about(a).slice(1)).toEqual(['the database can be written again: folding goes on']);
    expect(a.replica.status().sequence).toBeGreaterThanOrEqual(last);
    expect([a, b].map(({ replica }) => replica.mayDeliver())).toEqual([false, true]);
    await stop(b);
    await until(() => a.replica.mayDeliver());
    await stop(a);
    expect(await entriesOf('epoch')).toHaveLength(1);
    const { sequence, digest } = digestOf(path);
    expect(sequence).toBeGreaterThanOrEqual(last);
    expect(digest).toBe(await foldedAlone(sequence));
  }, 90_000);

  test('sends nothing by a claim of before it knows what others did since', async () => {
    const path = join(disk.dir, 'replica.db');
    let known = true;
    const slow: Log = {
      ...facade(log),
      info: () => (known ? log.info() : Promise.reject(new LogError('unavailable', 'no server answers'))),
    };
    const one = await start('r1', { path, log: slow });
    await until(() => one.replica.mayDeliver());
    // A claim of its own that outlasts the stall by its own reckoning.
    const { claimHolder: holder } = one.replica.status();
    const claim = encodeEntry({ claim: { holder, lease_us: 3_600_000_000 } });
    await log.append({ subject: collectorSubject(CELL, 'claim'), id: 'long', data: claim });
    disk.fill();
    await hostsReport(1500);
    await until(() => one.replica.status().why.includes('database or disk is full'));
    known = false;
    disk.free();
    await until(() => one.said.includes('the database can be written again: folding goes on'));
    expect(one.replica.mayDeliver()).toBe(false);
    known = true;
    await ready(one);
    expect(one.replica.mayDeliver()).toBe(true);
  }, 60_000);

  test('does not keep a replica from stopping', async () => {
    const one = await start('r1', { path: join(disk.dir, 'replica.db') });
    await ready(one);
    disk.fill();
    await hostsReport(1500);
    await until(() => one.replica.status().why.includes('database or disk is full'));
    for (let i = 0; i < 40; i++) await report(10, 10 * i);
    await stop(one);
    expect(one.failures).toEqual([]);
  });
});
