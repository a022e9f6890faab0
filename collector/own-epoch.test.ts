import { type Log, LogError } from '@netfall/log';
import { decodeEntry } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { INITIAL_CONFIG } from './fold/config.ts';
import { facade, quiet, ReplicaBed, type Running, ready, until, wantedEpoch } from './testing/replica-bed.ts';

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

describe('the epoch of a replica', () => {
  test('another configuration begins another epoch', async () => {
    const one = await bed.start('r1');
    await ready(one);
    await bed.stop(one);
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const two = await bed.start('r1', { path: one.path, config: { ...quiet, fold } });
    const { config_digest } = wantedEpoch(fold);
    await until(() => two.replica.status().epoch.config_digest === config_digest);
    expect(await bed.entriesOf('epoch')).toMatchObject([wantedEpoch(), wantedEpoch(fold)]);
  });

  test('tries again when the log does not take its epoch', async () => {
    let refused = 0;
    const moody: Log = {
      ...facade(bed.log),
      append: (message) => {
        if (!message.subject.endsWith('.epoch') || refused === 2) return bed.log.append(message);
        refused++;
        return Promise.reject(new LogError('unavailable', 'no server answers'));
      },
    };
    const one = await bed.start('r1', { log: moody });
    await ready(one);
    expect(one.said.slice(0, 3)).toEqual([
      "warn: could not begin this release's epoch, trying again: no server answers",
      "warn: could not begin this release's epoch, trying again: no server answers",
      'began a new epoch: rules, catalog or configuration changed',
    ]);
    expect(await bed.entriesOf('epoch')).toHaveLength(1);
  });
});

describe('two replicas', () => {
  test('that have other configurations: the one that began its epoch first says so, once', async () => {
    const a = await bed.start('r1');
    await ready(a);
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const b = await bed.start('r2', { config: { ...quiet, fold } });
    await until(() => a.replica.status().epoch.config_digest === wantedEpoch(fold).config_digest);
    await until(() => b.replica.status().epoch.config_digest === wantedEpoch(fold).config_digest);
    await bed.stop(b);
    expect(a.replica.status()).toMatchObject({ ready: true, configDiffers: true });
    expect(b.replica.status()).toMatchObject({ configDiffers: false });
    const warned = (one: Running) => one.said.filter((line) => line.startsWith('warn: '));
    const epochs: number[] = [];
    for await (const { sequence, data } of bed.stored()) if (decodeEntry(data).epoch) epochs.push(sequence);
    expect(epochs).toHaveLength(2);
    const warning =
      `warn: entry ${epochs[1]} began an epoch of another configuration than this collector has: give all collectors of ` +
      'the cell the same detect, incident, limits and notify, or it changes whenever one is restarted';
    expect(warned(a)).toEqual([warning]);
    expect(warned(b)).toEqual([]);
    // The other one again, and a third one: still once. Then ours again.
    const third = { ...INITIAL_CONFIG, sinks: ['pager'] };
    const c = await bed.start('r3', { config: { ...quiet, fold: third } });
    await until(() => a.replica.status().epoch.config_digest === wantedEpoch(third).config_digest);
    await bed.stop(c);
    // The epochs' snapshots let the log's beginning go.
    const path = bed.newPath();
    await bed.resumeAt(path);
    const d = await bed.start('r4', { path });
    await until(() => !a.replica.status().configDiffers);
    await ready(d);
    expect(d.replica.status().configDiffers).toBe(false);
    expect(warned(a)).toEqual([warning]);
  });

  test('that begin at once with one configuration each: the one that came second says so', async () => {
    const fold = { ...INITIAL_CONFIG, sinks: ['chat'] };
    const both = await Promise.all([bed.start('r1'), bed.start('r2', { config: { ...quiet, fold } })]);
    await Promise.all(both.map(ready));
    await until(() => both.some(({ replica }) => replica.status().configDiffers));
    const said = both.map((one) => one.said.some((line) => line.includes('of another configuration')));
    expect(said).toEqual(both.map(({ replica }) => replica.status().configDiffers));
    expect(said.filter(Boolean)).toHaveLength(1);
  });
});
