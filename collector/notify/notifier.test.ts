import pino from 'pino';
import { expect, test } from 'vitest';
import { aNotification, anIncident, T0, TestDatabase } from '../api/testing.ts';
import type { Delivery, Notification } from '../fold/model.ts';
import { NOTIFIER_LIMITS, type Outcome } from './lane.ts';
import { createNotifier, type NotifierOptions } from './notifier.ts';
import type { Sink } from './sink.ts';
import { createSlackSink } from './slack/sink.ts';
import { ManualClock, OK, Receiver, until } from './testing.ts';

interface World {
  readonly database: TestDatabase;
  readonly receiver: Receiver;
  readonly clock: ManualClock;
  readonly recorded: Outcome[];
  readonly logged: string[];
  /** Whether this replica holds the claim. */
  leads: boolean;
  /** Set to make the log refuse so many records. */
  refusals: number;
  /** Waits until the notifier rests, lets that time pass and returns how long it was, ms. */
  pause(): Promise<number>;
  start(options?: Partial<NotifierOptions>): { close(): Promise<void> };
  /** Puts notifications into the outbox, as the fold does. */
  pend(...notifications: Notification[]): void;
  /** Settles a notification in the database, as the fold does once it reads the record. */
  fold(delivered: Outcome): void;
  [Symbol.asyncDispose](): Promise<void>;
}

async function world(): Promise<World> {
  const database = new TestDatabase();
  const receiver = await Receiver.start();
  const clock = new ManualClock();
  const recorded: Outcome[] = [];
  const logged: string[] = [];
  const running: { close(): Promise<void> }[] = [];
  const known = new Map<string, Notification>();
  const self: World = {
    database,
    receiver,
    clock,
    recorded,
    logged,
    leads: true,
    refusals: 0,
    start(options = {}) {
      const notifier = createNotifier({
        reader: database.reader,
        sinks: [createSlackSink({ name: 'ops', url: receiver.url })],
        mayDeliver: () => self.leads,
        recordDelivered: async (delivered) => {
          if (self.refusals-- > 0) throw new Error('the log does not answer');
          recorded.push(delivered);
        },
        clock,
        logger: pino({ level: 'info' }, { write: (line: string) => logged.push(line) }),
        // No jitter: the longest pause.
        random: () => 1,
        ...options,
      });
      running.push(notifier);
      return notifier;
    },
    async pause() {
      // While something is sent, the only timer is that of the sink's time limit.
      await until(() => clock.waits.length === 1 && clock.waits[0] !== NOTIFIER_LIMITS.timeoutMs);
      const ms = clock.waits[0] as number;
      clock.advance(ms);
      return ms;
    },
    pend(...notifications) {
      for (const notification of notifications) known.set(notification.id, notification);
      database.commit({ notifications });
    },
    fold({ notification_id, sink, error, attempts }) {
      const notification = known.get(notification_id)!;
      const state = error === '' ? 'delivered' : 'failed';
      const deliveries = notification.deliveries.map(
        (delivery): Delivery =>
          delivery.sink === sink ? { sink, state, attempts, at_us: T0, error } : delivery,
      );
      known.set(notification_id, { ...notification, deliveries });
      database.commit({ notifications: [{ ...notification, deliveries }] });
    },
    [Symbol.asyncDispose]: async () => {
      const closing = running.map((notifier) => notifier.close());
      receiver.release();
      await Promise.all(closing);
      await receiver[Symbol.asyncDispose]();
      database[Symbol.dispose]();
    },
  };
  return self;
}

/** Notification `n`, of an incident of its own. */
function numbered(n: number, part: Partial<Notification> = {}): Notification {
  return aNotification({ incident: anIncident({ id: `i${n}-0` }), created_us: T0 + n, ...part });
}

const success = { sink: 'ops', attempts: 1, error: '' };

test('delivers what is pending, oldest first, and records it', async () => {
  await using w = await world();
  w.pend(numbered(2), numbered(1));
  w.start();
  await until(() => w.recorded.length === 2);
  expect(w.receiver.ids).toEqual(['i1-0/firing', 'i2-0/firing']);
  expect(w.recorded).toEqual([
    { notification_id: 'i1-0/firing', ...success },
    { notification_id: 'i2-0/firing', ...success },
  ]);
});

test('delivers what becomes pending later', async () => {
  await using w = await world();
  w.start();
  w.pend(numbered(1));
  await until(() => w.recorded.length === 1);
  expect(w.receiver.ids).toEqual(['i1-0/firing']);
});

test('does not send again what it recorded while the fold is behind', async () => {
  await using w = await world();
  w.pend(numbered(1));
  w.start();
  await until(() => w.recorded.length === 1);
  // Still pending in the database; other commits come by.
  w.pend(numbered(2));
  await until(() => w.recorded.length === 2);
  w.fold(w.recorded[0]!);
  w.fold(w.recorded[1]!);
  w.pend(numbered(3));
  await until(() => w.recorded.length === 3);
  expect(w.receiver.ids).toEqual(['i1-0/firing', 'i2-0/firing', 'i3-0/firing']);
});

test('sends nothing while another replica holds the claim, and goes on when it is its turn', async () => {
  await using w = await world();
  w.leads = false;
  w.pend(numbered(1));
  w.start();
  await w.pause();
  await w.pause();
  expect(w.receiver.received).toEqual([]);
  w.leads = true;
  w.database.commit({});
  await until(() => w.recorded.length === 1);
  expect(w.receiver.ids).toEqual(['i1-0/firing']);
});

test('a claim that was lost between two attempts ends them', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 503 }];
  w.pend(numbered(1));
  w.start();
  await until(() => w.receiver.received.length === 1);
  await until(() => w.clock.waits[0] === 1000);
  w.leads = false;
  expect(await w.pause()).toBe(1000);
  // It looks again every second, and does not send.
  expect(await w.pause()).toBe(1000);
  expect(await w.pause()).toBe(1000);
  expect(w.receiver.received.length).toBe(1);
  expect(w.recorded).toEqual([]);
});

test('what was sent is recorded though the claim was lost meanwhile', async () => {
  await using w = await world();
  w.receiver.answers = [null];
  w.pend(numbered(1), numbered(2));
  w.start();
  await until(() => w.receiver.received.length === 1);
  w.leads = false;
  w.receiver.release();
  await until(() => w.recorded.length === 1);
  expect(w.recorded).toEqual([{ notification_id: 'i1-0/firing', ...success }]);
  expect(w.receiver.received.length).toBe(1);
});

test('what another replica delivered before the attempt is not sent', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 500 }];
  w.pend(numbered(1), numbered(2));
  w.start();
  await until(() => w.receiver.received.length === 1);
  w.fold({ notification_id: 'i1-0/firing', sink: 'ops', attempts: 1, error: '' });
  await w.pause();
  await until(() => w.recorded.length === 1);
  expect(w.receiver.ids).toEqual(['i1-0/firing', 'i2-0/firing']);
});

test('a failing sink is tried again after pauses that double up to a minute', async () => {
  await using w = await world();
  w.receiver.answers = Array.from({ length: 9 }, () => ({ status: 500 }));
  w.pend(numbered(1));
  w.start();
  const pauses: number[] = [];
  for (let attempt = 1; attempt <= 9; attempt++) {
    await until(() => w.receiver.received.length === attempt);
    pauses.push(await w.pause());
  }
  await until(() => w.recorded.length === 1);
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(w.recorded).toEqual([{ notification_id: 'i1-0/firing', ...success, attempts: 10 }]);
});

test('jitter takes off up to half of a pause', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 500 }];
  w.pend(numbered(1));
  w.start({ random: () => 0 });
  await until(() => w.receiver.received.length === 1);
  await until(() => w.clock.waits[0] === 500);
});

test('a sink is left alone for as long as it asks', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 429, headers: { 'retry-after': '30' } }];
  w.pend(numbered(1), numbered(2));
  w.start();
  await until(() => w.receiver.received.length === 1);
  expect(await w.pause()).toBe(30_000);
  await until(() => w.recorded.length === 2);
  // What failed comes after what did not.
  expect(w.receiver.ids).toEqual(['i1-0/firing', 'i2-0/firing', 'i1-0/firing']);
});

test('but not for as long as it likes', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 503, headers: { 'retry-after': '999999999' } }];
  w.pend(numbered(1));
  w.start();
  await until(() => w.receiver.received.length === 1);
  expect(await w.pause()).toBe(600_000);
});

test('what the sink refuses is given up at once, with the reason', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 404, body: 'no_service' }, OK];
  w.pend(numbered(1), numbered(2));
  w.start();
  await until(() => w.recorded.length === 2);
  expect(w.recorded).toEqual([
    { notification_id: 'i1-0/firing', ...success, error: 'Slack answered 404 no_service' },
    { notification_id: 'i2-0/firing', ...success },
  ]);
});

test('what fails for a day is given up', async () => {
  await using w = await world();
  w.receiver.answers = [{ status: 500 }, { status: 500 }];
  w.pend(numbered(1));
  w.start();
  await until(() => w.receiver.received.length === 1 && w.clock.waits[0] === 1000);
  w.clock.advance(86_400_001);
  await until(() => w.recorded.length === 1);
  expect(w.recorded).toEqual([
    { notification_id: 'i1-0/firing', ...success, attempts: 2, error: 'Slack answered 500' },
  ]);
});

test('what is older than a day is still tried once', async () => {
  await using w = await world();
  w.pend(numbered(1));
  w.clock.advance(2 * 86_400_000);
  w.start();
  await until(() => w.recorded.length === 1);
  expect(w.recorded[0]?.error).toBe('');
});

test('a sink that does not answer is cut off and tried again', async () => {
  await using w = await world();
  w.receiver.answers = [null];
  w.pend(numbered(1));
  w.start();
  await until(() => w.receiver.received.length === 1);
  expect(w.clock.waits).toEqual([10_000]);
  w.clock.advance(10_000);
  expect(await w.pause()).toBe(1000);
  await until(() => w.recorded.length === 1);
  expect(w.recorded[0]?.attempts).toBe(2);
  expect(w.logged.join('')).toContain('no answer within 10 s');
});

test('a sink that is down is tried again', async () => {
  await using w = await world();
  const url = w.receiver.url;
  url.port = '9';
  w.pend(numbered(1));
  w.start({ sinks: [createSlackSink({ name: 'ops', url })] });
  await until(() => w.clock.waits[0] === 1000);
  expect(w.logged.join('')).toContain('Slack could not be reached');
});

test('one that a sink cannot stomach holds up its own incident and no other', async () => {
  await using w = await world();
  const incident = anIncident({ id: 'i1-0' });
  const resolved = aNotification({ incident, kind: 'resolved', created_us: T0 + 5 });
  w.pend(numbered(1), resolved, numbered(6), numbered(7));
  w.receiver.answers = [{ status: 500 }, OK, OK, { status: 500 }];
  w.start();
  expect(await w.pause()).toBe(1000);
  await until(() => w.receiver.received.length === 4);
  // A second for the sink, which took others since; another one for the notification, which failed twice.
  expect(await w.pause()).toBe(1000);
  expect(await w.pause()).toBe(1000);
  await until(() => w.recorded.length === 4);
  expect(w.receiver.ids).toEqual([
    'i1-0/firing',
    'i6-0/firing',
    'i7-0/firing',
    'i1-0/firing',
    'i1-0/firing',
    'i1-0/resolved',
  ]);
});

test('a sink that is down holds up no other', async () => {
  await using w = await world();
  const down: Sink = { name: 'down', send: async () => ({ outcome: 'retry', error: 'down' }) };
  const deliveries = ['down', 'ops'].map(
    (sink): Delivery => ({ sink, state: 'pending', attempts: 0, at_us: 0, error: '' }),
  );
  w.pend(numbered(1, { deliveries }), numbered(2, { deliveries }));
  w.start({ sinks: [down, createSlackSink({ name: 'ops', url: w.receiver.url })] });
  await until(() => w.recorded.length === 2);
  expect(w.recorded.map(({ sink }) => sink)).toEqual(['ops', 'ops']);
});

test('an outcome is recorded until it stands, and the notification is not sent again meanwhile', async () => {
  await using w = await world();
  w.refusals = 2;
  w.pend(numbered(1));
  w.start();
  expect(await w.pause()).toBe(1000);
  expect(await w.pause()).toBe(2000);
  await until(() => w.recorded.length === 1);
  expect(w.recorded).toEqual([{ notification_id: 'i1-0/firing', ...success }]);
  expect(w.receiver.received.length).toBe(1);
});

test('what was sent but not recorded is sent again by the next run: a repetition, never a loss', async () => {
  await using w = await world();
  w.refusals = 1000;
  w.pend(numbered(1));
  const first = w.start();
  await until(() => w.receiver.received.length === 1 && w.clock.waits[0] === 1000);
  const closing = first.close();
  // Closing waits for the record a while, then leaves it.
  w.clock.advance(5000);
  await closing;
  expect(w.recorded).toEqual([]);
  w.refusals = 0;
  w.start();
  await until(() => w.recorded.length === 1);
  expect(w.receiver.ids).toEqual(['i1-0/firing', 'i1-0/firing']);
});

test('closing waits for the answer under way and records it, and sends nothing more', async () => {
  await using w = await world();
  w.receiver.answers = [null];
  w.pend(numbered(1), numbered(2));
  const notifier = w.start();
  await until(() => w.receiver.received.length === 1);
  const closing = notifier.close();
  w.receiver.release();
  await closing;
  expect(w.recorded).toEqual([{ notification_id: 'i1-0/firing', ...success }]);
  expect(w.receiver.received.length).toBe(1);
});

test('closing cuts off a sink that does not answer', async () => {
  await using w = await world();
  w.receiver.answers = [null];
  w.pend(numbered(1));
  const notifier = w.start();
  await until(() => w.receiver.received.length === 1);
  const closing = notifier.close();
  w.clock.advance(5000);
  await closing;
  expect(w.recorded).toEqual([]);
});

test('an error that is longer than the log takes is cut', async () => {
  await using w = await world();
  const wordy: Sink = { name: 'ops', send: async () => ({ outcome: 'rejected', error: 'x'.repeat(1000) }) };
  w.pend(numbered(1));
  w.start({ sinks: [wordy] });
  await until(() => w.recorded.length === 1);
  expect(w.recorded[0]?.error).toBe('x'.repeat(256));
});

test('what a sink throws is not shown, for it may hold a secret', async () => {
  await using w = await world();
  const broken: Sink = {
    name: 'ops',
    send: async () => {
      throw new Error('https://hooks.example/s3cret');
    },
  };
  w.pend(numbered(1));
  w.start({ sinks: [broken] });
  await until(() => w.clock.waits[0] === 1000);
  expect(w.logged.join('')).toContain('the sink failed inside');
  expect(w.logged.join('')).not.toContain('s3cret');
});

test('says once that notifications wait for a sink that is not configured here', async () => {
  await using w = await world();
  const deliveries: Delivery[] = [{ sink: 'pager', state: 'pending', attempts: 0, at_us: 0, error: '' }];
  w.pend(numbered(1, { deliveries }));
  w.start();
  w.pend(numbered(2));
  await until(() => w.recorded.length === 1);
  w.pend(numbered(3));
  await until(() => w.recorded.length === 2);
  expect(w.logged.filter((line) => line.includes('sink pager, which this collector lacks')).length).toBe(1);
});

test('a state that was replaced is taken at its word', async () => {
  await using w = await world();
  w.pend(numbered(1));
  w.start();
  await until(() => w.recorded.length === 1);
  // The same id, pending in another log: it has not been sent there.
  w.database.reader.replaced();
  await until(() => w.recorded.length === 2);
  expect(w.receiver.ids).toEqual(['i1-0/firing', 'i1-0/firing']);
});
