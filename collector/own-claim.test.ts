import { type Log, LogError, sleep } from '@netfall/log';
import { decodeEntry } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { facade, ReplicaBed, ready, runOf, until } from './testing/replica-bed.ts';

let bed: ReplicaBed;
beforeEach(() => {
  bed = new ReplicaBed();
});
afterEach(() => bed.close());

describe('the claim of a replica', () => {
  test('gives up its claim when it stops, and says nothing more', async () => {
    const one = await bed.start('r1');
    await until(() => one.replica.mayDeliver());
    await bed.stop(one);
    expect(one.replica.mayDeliver()).toBe(false);
    expect((await bed.entriesOf('claim')).at(-1)).toMatchObject({ holder: runOf('r1'), lease_us: 0 });
    const { last } = await bed.log.info();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await bed.log.info()).last).toBe(last);
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
        ...facade(bed.log),
        append: async (message) => {
          if (!message.subject.endsWith('.claim') || ++claims !== which) return bed.log.append(message);
          underWay.resolve();
          await released.promise;
          return bed.log.append(message).finally(() => arrived.resolve());
        },
        lastOn: async (subject) => {
          const last = await bed.log.lastOn(subject);
          if (!stopping) return last;
          released.resolve();
          await arrived.promise;
          return last;
        },
      };
      const one = await bed.start('r1', { log: slow });
      await underWay.promise;
      stopping = true;
      setTimeout(() => released.resolve(), 300);
      await bed.stop(one);
      await arrived.promise;
      expect((await bed.entriesOf('claim')).map(({ lease_us }) => lease_us)).toEqual([
        ...Array(which).fill(15_000_000),
        0,
      ]);
    },
  );
});

describe('two replicas', () => {
  test('that have one name, because a data folder was copied, still do not share the claim', async () => {
    const original = await bed.start('r1');
    await until(() => original.replica.mayDeliver());
    const copy = await bed.start('r1');
    await until(() => copy.replica.status().claimHolder === original.replica.status().claimHolder);
    const claims = (await bed.entriesOf('claim')).length;
    await vi.waitFor(async () => expect((await bed.entriesOf('claim')).length).toBeGreaterThan(claims + 2), {
      timeout: 25_000,
    });
    expect([original, copy].map(({ replica }) => replica.mayDeliver())).toEqual([true, false]);
    expect(new Set((await bed.entriesOf('claim')).map(({ holder }) => holder)).size).toBe(1);
    await bed.stop(original);
    await until(() => copy.replica.mayDeliver());
  });

  test('the other one takes over when the holder stops', async () => {
    const a = await bed.start('r1');
    await until(() => a.replica.mayDeliver());
    const b = await bed.start('r2');
    await until(() => b.replica.status().claimHolder === a.replica.status().claimHolder);
    expect(b.replica.mayDeliver()).toBe(false);
    await bed.stop(a);
    await until(() => b.replica.mayDeliver());
    const claims = await bed.entriesOf('claim');
    const given = claims.findIndex(({ lease_us }) => lease_us === 0);
    expect(claims[given]).toMatchObject({ holder: runOf('r1') });
    expect(claims[given + 1]).toMatchObject({ holder: runOf('r2'), lease_us: 15_000_000 });
  });

  test('the other one takes over when the lease of a dead holder ends, and the dead one knows it', async () => {
    let dead = false;
    const noAnswer = () =>
      sleep(bed.clock, 5000, new AbortController().signal).then(() => {
        throw new LogError('timeout', 'no server answers');
      });
    // What a replica sees of the log whose machine was cut off.
    const cut: Log = {
      ...facade(bed.log),
      append: (message) => (dead ? noAnswer() : bed.log.append(message)),
      lastOn: (subject) => (dead ? noAnswer() : bed.log.lastOn(subject)),
      async *read(options) {
        for await (const batch of bed.log.read(options)) {
          if (dead) await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
          if (!dead) yield batch;
        }
      },
    };
    const a = await bed.start('r1', { log: cut });
    await until(() => a.replica.mayDeliver());
    const b = await bed.start('r2');
    await ready(b);
    dead = true;
    await until(() => b.replica.mayDeliver());
    await until(() => !a.replica.mayDeliver());
    const claims: { holder: string; timeUs: number }[] = [];
    for await (const { data, timeUs } of bed.stored()) {
      const { claim } = decodeEntry(data);
      if (claim) claims.push({ holder: claim.holder, timeUs });
    }
    const takeover = claims.find(({ holder }) => holder.startsWith('r2-'))?.timeUs ?? 0;
    const renewal = claims.findLast(({ holder }) => holder.startsWith('r1-'))?.timeUs ?? 0;
    // By the log's stamps, less what the taker's estimate of them may be off by.
    expect(takeover - renewal).toBeGreaterThan(14_000_000);
  });
});
