/** A replica as a whole, and what it does at an epoch of other rules and when something fails. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Stored } from '@netfall/log';
import { collectorSubject, decodeEntry, encodeEntry } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CELL } from './fold/testing/story.ts';
import { startFoldThread } from './fold-thread.ts';
import { Folder } from './folder.ts';
import { rowsDigest } from './store/digest.ts';
import { listSnapshots, readSnapshot, snapshotName, writeSnapshot } from './store/snapshot.ts';
import {
  digestOf,
  facade,
  ReplicaBed,
  ready,
  rules,
  runOf,
  until,
  wantedEpoch,
} from './testing/replica-bed.ts';

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

describe('one replica', () => {
  test('begins its epoch once, claims, and is ready', async () => {
    const one = await bed.start('r1');
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
    await bed.stop(one);
    // The same configuration under the same rules is no news.
    const again = await bed.start('r1', { path });
    await ready(again);
    await until(() => again.replica.mayDeliver());
    expect(await bed.entriesOf('epoch')).toMatchObject([wantedEpoch()]);
    expect(again.said).toEqual([]);
    expect(one.said).toEqual([
      'began a new epoch: rules, catalog or configuration changed',
      expect.stringMatching(/^stored snapshot\//),
    ]);
  });

  test('is not ready before what the log held at its start is folded', async () => {
    const last = await bed.report(50);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const path = bed.newPath();
    const { identity } = await bed.log.info();
    const one = await bed.start('r1', {
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
    expect(await bed.entriesOf('epoch')).toEqual([]);
    expect(await bed.entriesOf('claim')).toEqual([]);
    release();
    await ready(one);
    expect(one.replica.status().sequence).toBeGreaterThan(last);
  });

  test('folds what is appended, and its rows are those of a fold without a thread', async () => {
    const one = await bed.start('r1');
    const last = await bed.report(200);
    await until(() => one.replica.status().sequence >= last);
    expect(one.commits.at(-1)?.sequence).toBe(one.replica.status().sequence);
    await bed.stop(one);
    const { sequence, digest } = digestOf(one.path);
    expect(sequence).toBeGreaterThanOrEqual(last);
    expect(await bed.foldedAlone(sequence)).toBe(digest);
    const database = new DatabaseSync(one.path, { readOnly: true });
    expect(database.prepare('SELECT count(*) AS hosts FROM host').get()).toEqual({ hosts: 5 });
    database.close();
  });

  test('ticks while nothing else is said, and log time passes by that', async () => {
    const one = await bed.start('r1');
    await ready(one);
    const before = one.replica.status().logTimeUs;
    await until(() => one.replica.status().logTimeUs > before + 3_000_000);
    const ticks = await bed.entriesOf('tick');
    expect(ticks.length).toBeGreaterThan(1);
    expect(new Set(ticks.map(({ replica }) => replica))).toEqual(new Set(['r1']));
  });
});

describe('two replicas', () => {
  test('begin one epoch, agree on one holder, and hold the same rows', async () => {
    const [a, b] = await Promise.all([bed.start('r1'), bed.start('r2')]);
    await Promise.all([ready(a), ready(b), bed.report(100)]);
    await until(() => a.replica.mayDeliver() || b.replica.mayDeliver());
    const { claimHolder: holder } = (a.replica.mayDeliver() ? a : b).replica.status();
    await until(() => [a, b].every(({ replica }) => replica.status().claimHolder === holder));
    expect([a, b].filter(({ replica }) => replica.mayDeliver())).toHaveLength(1);
    // Through some renewals it stays with the one that has it.
    const claims = (await bed.entriesOf('claim')).length;
    for (let now = claims; now < claims + 3; now = (await bed.entriesOf('claim')).length) {
      expect([a, b].map(({ replica }) => replica.status().claimHolder)).toEqual([holder, holder]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await Promise.all([bed.stop(a), bed.stop(b)]);
    expect(await bed.entriesOf('epoch')).toMatchObject([wantedEpoch()]);
    const { last } = await bed.log.info();
    expect(await bed.foldedAlone(last, a.path)).toBe(await bed.foldedAlone(last, b.path));
    expect(digestOf(a.path)).toEqual({ sequence: last, digest: await bed.foldedAlone(last) });
  });
});

describe('an epoch of other rules', () => {
  test('stops the replica, leaves a snapshot there and lets go of the claim', async () => {
    const one = await bed.start('r1');
    await until(() => one.replica.mayDeliver());
    await bed.report(20);
    const epoch = { ...wantedEpoch(), fold_version: rules.version + 1 };
    const subject = collectorSubject(CELL, 'epoch');
    const { sequence } = await bed.log.append({ subject, id: 'later', data: encodeEntry({ epoch }) });
    await bed.report(20, 20);
    const { identity } = await bed.log.info();
    const left = `stored ${snapshotName(sequence - 1, rules.version, identity)}`;
    await until(() => one.said.includes(left));
    const why =
      `entry ${sequence} begins an epoch of fold version ${rules.version + 1}, ` +
      `catalog ${rules.catalogDigest.slice(0, 12)}: run a release that has them`;
    expect(one.said).toContain(`warn: stopped folding: ${why}`);
    expect(one.replica.status()).toMatchObject({ ready: false, why, sequence: sequence - 1 });
    const snapshot = await readSnapshot((await listSnapshots(bed.log.blobs))[0]?.name ?? '', bed.log.blobs);
    expect(snapshot && rowsDigest(snapshot.rows)).toBe(await bed.foldedAlone(sequence - 1));
    // It neither goes by a claim that it no longer follows, nor renews it.
    expect(one.replica.mayDeliver()).toBe(false);
    const claims = async () => {
      let after = 0;
      for await (const entry of bed.stored())
        if (entry.sequence > sequence && decodeEntry(entry.data).claim) after++;
      return after;
    };
    const before = await claims();
    const ticks = async () => (await bed.entriesOf('tick')).length;
    // A claim is renewed every 5 s.
    for (let i = 0; i < 4; i++) {
      const ticked = await ticks();
      bed.clock.skip(5000);
      await vi.waitFor(async () => expect(await ticks()).toBeGreaterThan(ticked), { timeout: 25_000 });
    }
    expect(await claims()).toBe(before);
    expect(one.failures).toEqual([]);
  });

  test('is looked past: once it is taken back, and a peer left a snapshot, the replica ends and goes on from there', async () => {
    const subject = collectorSubject(CELL, 'epoch');
    let looks = 0;
    const lastOn = (on: string) => {
      if (on === subject) looks++;
      return bed.log.lastOn(on);
    };
    const look = async () => {
      const before = looks;
      bed.clock.skip(60_000);
      await until(() => looks > before);
    };
    const one = await bed.start('r1', { log: { ...facade(bed.log), lastOn } });
    await ready(one);
    await until(() => one.said.some((line) => line.startsWith('stored ')));
    const other = { ...wantedEpoch(), fold_version: rules.version + 1 };
    const barrier = await bed.log.append({ subject, id: 'other', data: encodeEntry({ epoch: other }) });
    await until(() => one.said.some((line) => line.startsWith('warn: stopped folding: ')));
    expect(one.replica.status().sequence).toBe(barrier.sequence - 1);
    const peer = bed.newPath();
    await bed.foldedAlone(barrier.sequence - 1, peer);
    const back = await bed.log.append({ subject, id: 'back', data: encodeEntry({ epoch: wantedEpoch() }) });
    // An epoch alone is no reason to end: there is nothing to go on from. A look begins when the one before has ended.
    await look();
    await look();
    expect(one.failures).toEqual([]);
    // A peer that went over to the other rules and back.
    const { identity } = await bed.log.info();
    const folder = new Folder(peer, identity, rules);
    folder.apply([(await bed.log.get(back.sequence)) as Stored]);
    folder.commit(() => 0);
    folder.close();
    await writeSnapshot(peer, bed.log.blobs);
    await look();
    await until(() => one.failures.length > 0);
    expect(one.failures).toMatchObject([
      {
        code: 'barrier-lifted',
        message: `entry ${back.sequence} begins an epoch of this release's rules again: going on from a snapshot that a peer left behind it`,
      },
    ]);
    await bed.stop(one);
    await bed.resumeAt(one.path);
    const again = await bed.start('r1', { path: one.path });
    await ready(again);
    expect(again.replica.status().sequence).toBeGreaterThanOrEqual(back.sequence);
    expect(again.failures).toEqual([]);
  });
});

describe('failures', () => {
  test('a database in a folder that vanished fails the start', async () => {
    await expect(bed.start('r1', { path: join(bed.dir, 'gone', 'replica.db') })).rejects.toThrow(
      'unable to open database file',
    );
  });

  test('a database that breaks is told once, and the replica can be stopped', async () => {
    const one = await bed.start('r1');
    await ready(one);
    const other = new DatabaseSync(one.path);
    other.exec('DROP TABLE checkpoint');
    other.close();
    await bed.report(5);
    await until(() => one.failures.length > 0);
    await bed.report(5, 5);
    await bed.stop(one);
    expect(one.failures.map(({ message }) => message)).toEqual([
      expect.stringContaining('(no such table: checkpoint)'),
    ]);
  });

  test('entries that are no longer held are told as the gap that they are', async () => {
    await bed.report(20);
    await bed.log.purge(11);
    const one = await bed.start('r1');
    await until(() => one.failures.length > 0);
    await bed.stop(one);
    expect(one.failures).toMatchObject([{ name: 'LogError', code: 'gap' }]);
    expect(one.replica.status()).toMatchObject({ ready: false, sequence: 0 });
  });
});
