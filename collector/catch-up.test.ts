import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Log, LogError } from '@netfall/log';
import { collectorSubject, encodeEntry } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CatchUp } from './catch-up.ts';
import { CELL, Story } from './fold/testing/story.ts';
import type { Say } from './resume.ts';
import { FastClock } from './testing/fast-clock.ts';
import { digestOf, facade, ReplicaBed, type Running, ready, until } from './testing/replica-bed.ts';
import { canMount, onFullDisk, SmallDisk } from './testing/small-disk.ts';

describe('CatchUp', () => {
  const last = (sequence: number) => ({ last: sequence }) as Awaited<ReturnType<Log['info']>>;

  test('goes by nothing that it asked before the fold stood still once more', async () => {
    const answers: ((sequence: number) => void)[] = [];
    const info = () => new Promise<ReturnType<typeof last>>((done) => answers.push((n) => done(last(n))));
    const log = { info } as unknown as Log;
    const say = { info() {}, warn() {} } as unknown as Say;
    const catchUp = new CatchUp({ log, clock: new FastClock(1), say });
    const started = catchUp.start();
    answers.shift()?.(5);
    await started;
    expect(catchUp.committed(5)).toBe(true);
    for (const why of ['the disk is full', 'the disk is full again']) {
      catchUp.stall(why);
      expect(catchUp.committed(6)).toBe(false);
    }
    const [before, after] = answers;
    before?.(6);
    await setImmediate();
    expect(catchUp.committed(6)).toBe(false);
    after?.(9);
    await setImmediate();
    expect(catchUp.committed(8)).toBe(false);
    expect(catchUp.committed(9)).toBe(true);
    expect(catchUp.done).toBe(true);
  });
});

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

/** So many hosts report that a commit of them needs room on the disk. */
async function hostsReport(count: number): Promise<void> {
  const story = new Story();
  for (let i = 0; i < count; i++) story.report(i / 100, `host-${i}`, { drops: { 'NO_SOCKET/f': 1 } });
  await Promise.all(
    story.entries.map(({ subject, data, sequence }) =>
      bed.log.append({ subject, data, id: `many/${sequence}` }),
    ),
  );
}

const mounts = canMount();
describe.skipIf(!mounts)(onFullDisk(mounts), () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = new SmallDisk(16_000_000);
  });
  afterEach(async () => {
    await bed.stopAll();
    disk.unmount();
  });

  test('is said once, is why it is not ready, and stops no replica: it goes on when there is room', async () => {
    const path = join(disk.dir, 'replica.db');
    const a = await bed.start('r1', { path });
    await until(() => a.replica.mayDeliver());
    const b = await bed.start('r2');
    await until(() => b.replica.status().claimHolder === a.replica.status().claimHolder);
    disk.fill();
    await hostsReport(1500);
    const why = () => a.replica.status().why;
    await until(() => why().includes('database or disk is full'));
    expect(a.replica.status()).toMatchObject({ ready: false, leader: false });
    // It lets go of the claim, for it does not see what becomes of it.
    await until(() => b.replica.mayDeliver());
    const stalledAt = a.replica.status().sequence;
    const last = await bed.report(50);
    await until(() => b.replica.status().sequence >= last);
    // It has a try, and nothing is new.
    const tried = a.stalls.length;
    await until(() => a.stalls.length > tried);
    expect(a.replica.status()).toMatchObject({ ready: false, sequence: stalledAt });
    expect(a.failures).toEqual([]);
    const about = (one: Running) => one.said.filter((line) => line.includes('fold'));
    expect(about(a)).toEqual([expect.stringMatching(/^warn: stopped folding: cannot write .*replica\.db/)]);
    disk.free();
    await ready(a);
    expect(about(a).slice(1)).toEqual(['the database can be written again: folding goes on']);
    expect(a.replica.status().sequence).toBeGreaterThanOrEqual(last);
    expect([a, b].map(({ replica }) => replica.mayDeliver())).toEqual([false, true]);
    await bed.stop(b);
    await until(() => a.replica.mayDeliver());
    await bed.stop(a);
    expect(await bed.entriesOf('epoch')).toHaveLength(1);
    const { sequence, digest } = digestOf(path);
    expect(sequence).toBeGreaterThanOrEqual(last);
    expect(digest).toBe(await bed.foldedAlone(sequence));
  }, 60_000);

  test('sends nothing by a claim of before it knows what others did since', async () => {
    const path = join(disk.dir, 'replica.db');
    let known = true;
    const slow: Log = {
      ...facade(bed.log),
      info: () => (known ? bed.log.info() : Promise.reject(new LogError('unavailable', 'no server answers'))),
    };
    const one = await bed.start('r1', { path, log: slow });
    await until(() => one.replica.mayDeliver());
    // A claim of its own that outlasts the stall by its own reckoning.
    const { claimHolder: holder } = one.replica.status();
    const claim = encodeEntry({ claim: { holder, lease_us: 3_600_000_000 } });
    await bed.log.append({ subject: collectorSubject(CELL, 'claim'), id: 'long', data: claim });
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
    const one = await bed.start('r1', { path: join(disk.dir, 'replica.db') });
    await ready(one);
    disk.fill();
    await hostsReport(1500);
    await until(() => one.replica.status().why.includes('database or disk is full'));
    for (let i = 0; i < 40; i++) await bed.report(10, 10 * i);
    await bed.stop(one);
    expect(one.failures).toEqual([]);
  });
});
