import type { Log, Outgoing } from '@netfall/log';
import { LogError } from '@netfall/log';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Spool } from '../spool/spool.ts';
import { openSpool } from '../spool/sqlite-spool.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FlakyLog } from '../testing/flaky-log.ts';
import { Publisher } from './publisher.ts';

let clock: FakeClock;
let flaky: FlakyLog;
let spool: Spool;
let lines: string[];
let lost: [string, number][];

beforeEach(() => {
  clock = new FakeClock();
  flaky = new FlakyLog(clock);
  lines = [];
  lost = [];
  spool = open(1000);
});

afterEach(async () => {
  spool.close();
  await flaky.close();
});

function logger() {
  return pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line).msg) });
}

function open(maxMessages: number): Spool {
  return openSpool({
    data: ':memory:',
    maxMessages,
    maxBytes: 1e8,
    clock,
    random: () => 0.5,
    logger: logger(),
  });
}

function publisher(log: Log = flaky.log): Publisher {
  return new Publisher({
    spool,
    log,
    clock,
    random: () => 0,
    logger: logger(),
    hostId: 'web-1',
    subject: 'netfall.default.host.web-1',
    lost: (hop, count) => lost.push([hop, count]),
  });
}

function append(count: number): void {
  for (let i = 0; i < count; i++)
    spool.append(({ seq }) => ({ data: new Uint8Array([seq & 255]), losses: [] }));
}

/** A log that answers only when the test says so. */
function heldLog(): {
  log: Log;
  held: Map<number, { resolve: () => void; reject: (error: unknown) => void }>;
} {
  const held = new Map<number, { resolve: () => void; reject: (error: unknown) => void }>();
  const append = (message: Outgoing) =>
    new Promise<{ sequence: number; duplicate: boolean }>((resolve, reject) => {
      const seq = Number(message.id.split('/').at(-1));
      held.set(seq, { resolve: () => resolve({ sequence: seq, duplicate: false }), reject });
    });
  return { log: { append } as unknown as Log, held };
}

describe('the publisher', () => {
  it('sends what the spool holds under the host, the incarnation and the number, and empties it', async () => {
    append(3);
    const sender = publisher();
    sender.wake();
    await clock.advance(0);
    const stored = await flaky.stored();
    expect(stored.map(({ subject, data }) => [subject, data[0]])).toEqual([
      ['netfall.default.host.web-1', 1],
      ['netfall.default.host.web-1', 2],
      ['netfall.default.host.web-1', 3],
    ]);
    expect(spool.messages).toBe(0);
    expect(sender.status).toEqual({ inFlight: 0, acknowledged: 3, retries: 0, lastAckUs: 0, failing: false });
  });

  it('repeats what failed until it is stored, and says so twice: when it begins and when it is over', async () => {
    flaky.connection = 'down';
    append(2);
    const sender = publisher();
    sender.wake();
    await clock.advance(60_000);
    expect(spool.messages).toBe(2);
    expect(sender.status).toMatchObject({ inFlight: 2, acknowledged: 0, failing: true });
    expect(sender.ackUs(clock.nowUs())).toBe(60_000_000);
    flaky.connection = 'up';
    await clock.advance(5000);
    expect(spool.messages).toBe(0);
    expect(sender.status).toMatchObject({ inFlight: 0, acknowledged: 2, failing: false });
    expect(lines).toEqual([
      'the log takes no messages (the server is gone): they wait in the spool',
      'the log takes messages again',
    ]);
  });

  it('waits longer between attempts, from 125 ms to 2.5 s at the least jitter', async () => {
    flaky.connection = 'down';
    append(1);
    const sender = publisher();
    sender.wake();
    const retriesAt: number[] = [];
    for (let ms = 0; ms < 12_000; ms += 25) {
      await clock.advance(ms === 0 ? 0 : 25);
      if (sender.status.retries > retriesAt.length) retriesAt.push(ms);
    }
    const gaps = retriesAt.map((ms, i) => ms - (retriesAt[i - 1] ?? ms)).slice(1);
    expect(gaps).toEqual([125, 250, 500, 1000, 2000, 2500, 2500, 2500]);
  });

  it('stores a message once although the answer was lost', async () => {
    flaky.connection = 'answers-lost';
    append(1);
    publisher().wake();
    await clock.advance(100);
    flaky.connection = 'up';
    await clock.advance(5000);
    expect(await flaky.stored()).toHaveLength(1);
    expect(spool.messages).toBe(0);
  });

  it('has at most 64 under way, and takes the next as soon as one arrives', async () => {
    const { log, held } = heldLog();
    append(100);
    const sender = publisher(log);
    sender.wake();
    await clock.advance(0);
    expect([...held.keys()]).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    held.get(30)?.resolve();
    await clock.advance(0);
    expect(held.has(65)).toBe(true);
    expect(held.has(66)).toBe(false);
    expect(sender.status.inFlight).toBe(64);
  });

  it('never runs 256 ahead of the oldest that is under way', async () => {
    const { log, held } = heldLog();
    append(400);
    publisher(log).wake();
    for (let round = 0; round < 20; round++) {
      await clock.advance(0);
      for (const [seq, { resolve }] of held) if (seq !== 1) resolve();
    }
    expect(Math.max(...held.keys())).toBe(256);
    held.get(1)?.resolve();
    for (let round = 0; round < 20; round++) {
      await clock.advance(0);
      for (const { resolve } of held.values()) resolve();
    }
    expect(Math.max(...held.keys())).toBe(400);
    expect(spool.messages).toBe(0);
  });

  it('drops what the log will never take, and counts it', async () => {
    const { log, held } = heldLog();
    append(2);
    publisher(log).wake();
    await clock.advance(0);
    held.get(1)?.reject(new LogError('too-large', 'the log takes at most 3 bytes'));
    held.get(2)?.resolve();
    await clock.advance(0);
    expect(lost).toEqual([['too_large', 1]]);
    expect(spool.messages).toBe(0);
    expect(lines).toEqual(['the log takes at most 3 bytes; message 1 is dropped and counted']);
  });

  it('gives up a message that the spool evicted meanwhile', async () => {
    spool = open(2);
    flaky.connection = 'down';
    append(2);
    const sender = publisher();
    sender.wake();
    await clock.advance(1000);
    append(2);
    flaky.connection = 'up';
    sender.wake();
    await clock.advance(10_000);
    expect((await flaky.stored()).map(({ data }) => data[0])).toEqual([3, 4]);
  });

  it('flushes, but not for longer than it may', async () => {
    append(2);
    const sender = publisher();
    expect(await sender.flush(3000)).toBe(true);
    flaky.connection = 'down';
    append(1);
    let flushed: boolean | undefined;
    void sender.flush(3000).then((done) => {
      flushed = done;
    });
    await clock.advance(2999);
    expect(flushed).toBeUndefined();
    await clock.advance(1);
    await clock.advance(0);
    expect(flushed).toBe(false);
    sender.stop();
    flaky.connection = 'up';
    await clock.advance(60_000);
    expect(spool.messages).toBe(1);
  });
});
