import { type Log, LogError } from '@netfall/log';
import { collectorSubject, encodeEntry } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { INITIAL_CONFIG } from './fold/config.ts';
import { CELL } from './fold/testing/story.ts';
import type { ReplicaConfig } from './replica.ts';
import { listSnapshots, logDigest, readSnapshot, snapshotName } from './store/snapshot.ts';
import { facade, quiet, ReplicaBed, ready, until, wantedEpoch } from './testing/replica-bed.ts';

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

const often: ReplicaConfig = { ...quiet, snapshot_every_s: 3, retain_s: 5 };

describe('snapshots and retention', () => {
  test('the log behind the oldest kept snapshot goes, and no more; another replica goes on from it', async () => {
    const purges: { sequence: number; kept: number[] }[] = [];
    const watched: Log = {
      ...facade(bed.log),
      purge: async (sequence) => {
        purges.push({
          sequence,
          kept: (await listSnapshots(bed.log.blobs)).map((snapshot) => snapshot.sequence),
        });
        await bed.log.purge(sequence);
      },
    };
    const one = await bed.start('r1', { log: watched, config: often });
    await bed.report(100);
    await vi.waitFor(async () => expect((await bed.log.info()).first).toBeGreaterThan(101), {
      timeout: 25_000,
    });
    // It would purge on, faster than the other one may get to read.
    await bed.stop(one);
    const path = bed.newPath();
    await bed.resumeAt(path);
    const two = await bed.start('r2', { path });
    await ready(two);
    await bed.stop(two);
    expect(purges.length).toBeGreaterThan(0);
    for (const { sequence, kept } of purges) {
      expect(kept.length).toBeGreaterThanOrEqual(3);
      expect(sequence).toBe(Math.min(...kept));
    }
    const { first, last } = await bed.log.info();
    expect(first).toBe(purges.at(-1)?.sequence);
    expect(await bed.log.get(first)).not.toBeNull();
    expect(await bed.foldedAlone(last, one.path)).toBe(await bed.foldedAlone(last, two.path));
    expect(one.said.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  test('the holder takes one soon after each epoch, and not again when it is started anew', async () => {
    const kept = () => listSnapshots(bed.log.blobs);
    const one = await bed.start('r1');
    await vi.waitFor(async () => expect(await kept()).toHaveLength(1), { timeout: 25_000 });
    await bed.stop(one);
    const again = await bed.start('r1', { path: one.path });
    await until(() => again.replica.mayDeliver());
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const epoch = encodeEntry({ epoch: wantedEpoch(fold) });
    const { sequence } = await bed.log.append({
      subject: collectorSubject(CELL, 'epoch'),
      id: 'next',
      data: epoch,
    });
    await vi.waitFor(async () => expect(await kept()).toHaveLength(2), { timeout: 25_000 });
    expect((await kept())[0]?.sequence).toBeGreaterThanOrEqual(sequence);
    const snapshot = await readSnapshot((await kept())[0]?.name ?? '', bed.log.blobs);
    expect(snapshot?.rows.global.epoch).toMatchObject({ sequence });
    expect(again.said.filter((line) => line.startsWith('stored '))).toHaveLength(1);
  });

  test('what is young is kept, however many there are', async () => {
    const one = await bed.start('r1', { config: { ...often, retain_s: 3600 } });
    await vi.waitFor(async () => expect(await listSnapshots(bed.log.blobs)).toHaveLength(6), {
      timeout: 25_000,
    });
    await bed.stop(one);
    expect((await bed.log.info()).first).toBe((await listSnapshots(bed.log.blobs)).at(-1)?.sequence);
  });

  test('snapshots of another log, or of a later end of this one, neither count nor stay', async () => {
    await bed.report(100);
    const { identity } = await bed.log.info();
    const strays = [
      snapshotName(40, 1, 'another log'),
      snapshotName(20, 1, 'another log'),
      snapshotName(99_999_999, 1, identity),
      snapshotName(99_999_998, 1, identity),
    ];
    for (const name of strays) await bed.log.blobs.put(name, [Uint8Array.of(1)]);
    const one = await bed.start('r1', { config: { ...often, retain_s: 3600 } });
    await until(() => one.said.some((line) => line.startsWith('stored ')));
    await vi.waitFor(
      async () => {
        const names = await bed.log.blobs.list('snapshot/');
        expect(strays.filter((name) => names.includes(name))).toEqual([]);
      },
      { timeout: 25_000 },
    );
    await bed.stop(one);
    const snapshots = await listSnapshots(bed.log.blobs);
    expect(snapshots.map(({ log: of }) => of)).toEqual(snapshots.map(() => logDigest(identity)));
    // It goes by the replica's own: behind the oldest of them, and not before there are three.
    expect((await bed.log.info()).first).toBe(snapshots.length < 3 ? 1 : snapshots.at(-1)?.sequence);
  });

  test('what is switched off is said again before the log forgets it', async () => {
    const one = await bed.start('a', { config: often });
    await ready(one);
    const until_us = bed.clock.nowUs() + 3_600_000_000;
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
    const first = await bed.log.lastOn(subject);
    if (!first) throw new Error('it was not appended');
    // Behind another one than it knows.
    expect(await one.replica.changeSwitches({ switches: [], by: '' }, first.sequence - 1)).toBe(false);
    let held = 1;
    await until(() => {
      void bed.log.info().then((info) => {
        held = info.first;
      });
      return held > first.sequence;
    });
    const last = await bed.log.lastOn(subject);
    expect(last?.sequence).toBeGreaterThan(first.sequence);
    expect(last?.data).toEqual(first.data);
    const folded = () => one.commits.find(({ switches }) => switches.sequence === last?.sequence)?.switches;
    await until(folded);
    expect(folded()).toEqual({ sequence: last?.sequence, by: 'bob', switches: [off] });
  });
  test('only the holder takes them', async () => {
    const a = await bed.start('r1', { config: often });
    await until(() => a.replica.mayDeliver());
    const b = await bed.start('r2', { config: often });
    await until(() => a.said.filter((line) => line.startsWith('stored ')).length > 2);
    expect(b.said).toEqual([]);
  });

  test('one that fails is said, and the replica goes on', async () => {
    const full: Log = {
      ...facade(bed.log),
      blobs: { ...bed.log.blobs, put: () => Promise.reject(new LogError('full', 'the disk is full')) },
    };
    const one = await bed.start('r1', { log: full, config: often });
    await until(() => one.said.filter((line) => line === 'warn: snapshot: the disk is full').length > 1);
    expect(one.replica.status().ready).toBe(true);
    expect(one.failures).toEqual([]);
    expect((await bed.log.info()).first).toBe(1);
  });
});
