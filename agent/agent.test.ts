import type { Envelope } from '@netfall/proto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { eventsIn, INVENTORY, lossesIn, ScriptedSource, World } from './testing/world.ts';

const worlds: World[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

function makeWorld(
  sources: readonly ScriptedSource[] = [new ScriptedSource('drops')],
  options: ConstructorParameters<typeof World>[1] = {},
): World {
  const world = new World(sources, options);
  worlds.push(world);
  return world;
}

const START_US = 1_800_000_000_000_000;

/** Seconds from the beginning of the world to each message. */
function secondsOf(messages: readonly Envelope[]): number[] {
  return messages.map(({ observed_us }) => (observed_us - START_US) / 1_000_000);
}

function itemsOf<K extends keyof Envelope['items'][number]>(messages: readonly Envelope[], kind: K) {
  return messages.map(({ items }) => items.find((item) => item[kind])?.[kind]);
}

describe('the agent', () => {
  it('says who and how it is 2 s after the start, then how it is every 10 s', async () => {
    const world = makeWorld();
    world.start();
    await world.clock.advance(25_000);
    const messages = await world.messages();
    expect(secondsOf(messages)).toEqual([2, 12, 22]);
    expect(messages[0]).toMatchObject({
      cell: 'default',
      host_id: 'web-1-example',
      incarnation: world.spool.incarnation,
      seq: 1,
      oldest_seq: 1,
      boot_id: 'boot',
      losses: [],
    });
    expect(
      itemsOf(messages, 'inventory').map((inventory) => inventory && { ...INVENTORY, ...inventory }),
    ).toEqual([INVENTORY, undefined, undefined]);
    expect(itemsOf(messages, 'heartbeat')[2]).toMatchObject({
      interval_ms: 10_000,
      sources: [{ name: 'drops', state: 1, detail: 'scripted', mend: '' }],
      spool_messages: 0,
      spool_bytes: 0,
    });
    expect(itemsOf(messages, 'drop_report')[2]).toMatchObject({ window_us: 10_000_000, drops: [] });
    expect(itemsOf(messages, 'counter_report')).toEqual([undefined, undefined, undefined]);
  });

  it('reports new drops within a second, every second for 30 s, then every 10 s again', async () => {
    const source = new ScriptedSource('drops');
    const world = makeWorld([source]);
    world.start();
    await world.clock.advance(14_500);
    source.drop(5);
    await world.clock.advance(50_000);
    const seconds = secondsOf(await world.messages());
    expect(seconds.slice(0, 5)).toEqual([2, 12, 15, 16, 17]);
    expect(seconds.filter((second) => second >= 15 && second < 46)).toHaveLength(31);
    expect(seconds.slice(-2)).toEqual([45, 55]);
    expect(world.agent?.status().pace).toBe('rest');
  });

  it('sends the inventory again when it changed, and after an eviction that may have taken it along', async () => {
    const world = makeWorld(undefined, { maxMessages: 3 });
    world.start();
    await world.clock.advance(30_000);
    world.inventory = { ...INVENTORY, kernel: '6.13.0' };
    await world.clock.advance(40_000);
    world.flaky.connection = 'down';
    await world.clock.advance(120_000);
    world.flaky.connection = 'up';
    await world.clock.advance(60_000);
    const messages = await world.messages();
    const told = itemsOf(messages, 'inventory').map((inventory, i) => [messages[i]?.seq, inventory?.kernel]);
    const first = told.filter(([, kernel]) => kernel !== undefined);
    expect(first.slice(0, 2)).toEqual([
      [1, '6.12.0'],
      [7, '6.13.0'],
    ]);
    const evictions = messages.filter(({ losses }) => losses.some(({ hop }) => hop === 'evicted'));
    expect(evictions.length).toBeGreaterThan(0);
    for (const message of evictions) expect(itemsOf([message], 'inventory')[0]?.kernel).toBe('6.13.0');
  });

  it('tells what its host is made of with news of trouble, and looks again every 5 s at most', async () => {
    const source = new ScriptedSource('drops');
    const world = makeWorld([source]);
    world.start();
    await world.clock.advance(20_500);
    world.inventory = { ...INVENTORY, kernel: '6.13.0' };
    source.drop(5);
    await world.clock.advance(1000);
    world.inventory = { ...INVENTORY, kernel: '6.14.0' };
    // A jump is news, too.
    source.drop(500);
    await world.clock.advance(1000);
    await world.clock.advance(4000);
    source.drop(20_000);
    await world.clock.advance(5000);
    const messages = await world.messages();
    const told = itemsOf(messages, 'inventory').map((inventory, i) => [
      secondsOf(messages)[i],
      inventory?.kernel,
    ]);
    expect(told.filter(([, kernel]) => kernel !== undefined)).toEqual([
      [2, '6.12.0'],
      [21, '6.13.0'],
      [27, '6.14.0'],
    ]);
  });

  it('widens to 30 s while the log is away, and says so in what it promises', async () => {
    const world = makeWorld();
    world.start();
    await world.clock.advance(20_000);
    world.flaky.connection = 'down';
    await world.clock.advance(100_000);
    expect(world.agent?.status().pace).toBe('wide');
    world.flaky.connection = 'up';
    await world.clock.advance(60_000);
    // In the order of their numbers: retries overtake each other.
    const messages = (await world.messages()).sort((a, b) => a.seq - b.seq);
    expect(secondsOf(messages).slice(0, 6)).toEqual([2, 12, 22, 32, 62, 92]);
    expect(itemsOf(messages, 'heartbeat').map((heartbeat) => heartbeat?.interval_ms)).toEqual(
      expect.arrayContaining([10_000, 30_000]),
    );
    const promised = itemsOf(messages, 'heartbeat').map((heartbeat) => (heartbeat?.interval_ms ?? 0) / 1000);
    const seconds = secondsOf(messages);
    for (let i = 1; i < seconds.length; i++) {
      expect((seconds[i] ?? 0) - (seconds[i - 1] ?? 0)).toBeLessThanOrEqual(promised[i - 1] ?? 0);
    }
    expect(world.agent?.status().pace).toBe('rest');
  });

  it('says goodbye with everything it has, and leaves nothing behind', async () => {
    const source = new ScriptedSource('drops');
    const world = makeWorld([source]);
    world.start();
    await world.clock.advance(3_000);
    source.drop(3);
    await world.stop('SIGTERM');
    const messages = await world.messages();
    expect(itemsOf(messages, 'goodbye')).toEqual([undefined, { reason: 'SIGTERM' }]);
    expect(eventsIn(messages)).toBe(3);
    expect([world.spool.messages, source.stops]).toEqual([0, 1]);
    await world.clock.advance(60_000);
    expect(await world.messages()).toHaveLength(2);
  });

  it('keeps its goodbye in the spool when the log does not take it within 3 s', async () => {
    const world = makeWorld();
    world.start();
    await world.clock.advance(3000);
    world.flaky.connection = 'down';
    await world.stop();
    expect(world.spool.messages).toBe(1);
    expect(world.lines.at(-1)).toBe(
      '1 messages are not in the log yet: they stay in the spool until the next start',
    );
    world.flaky.connection = 'up';
    world.start();
    await world.clock.advance(3000);
    expect((await world.messages()).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('numbers on with the same spool, and from 1 in a new incarnation with a wiped one', async () => {
    const world = makeWorld();
    world.start();
    await world.clock.advance(13_000);
    world.kill();
    world.start();
    await world.clock.advance(3000);
    await world.stop();
    const before = world.spool.incarnation;
    world.wipeSpool();
    world.start();
    await world.clock.advance(3000);
    const after = world.spool.incarnation;
    expect(after > before).toBe(true);
    expect((await world.messages()).map(({ incarnation, seq }) => [incarnation, seq])).toEqual([
      ...[1, 2, 3, 4].map((seq) => [before, seq]),
      [after, 1],
    ]);
  });

  it('keeps the window open while no message can be stored, and says so once', async () => {
    const source = new ScriptedSource('drops');
    const world = makeWorld([source]);
    const { spool } = world;
    const append = spool.append.bind(spool);
    world.start();
    await world.clock.advance(2500);
    spool.append = () => {
      throw new Error('the disk is gone');
    };
    for (let i = 0; i < 30; i++) {
      source.drop(10);
      await world.clock.advance(1000);
    }
    spool.append = append;
    await world.clock.advance(1000);
    const messages = await world.messages();
    expect(messages.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(eventsIn(messages)).toBe(300);
    expect(world.lines.filter((line) => line.includes('stored'))).toEqual([
      'no message can be stored: the disk is gone; counting goes on, and is reported once it can',
      'messages can be stored again',
    ]);
  });

  it('lists what fits an entry and folds or counts the rest', async () => {
    const source = new ScriptedSource('drops');
    const world = makeWorld([source], { config: { report: { max_drops: 1024 } } });
    world.start();
    const long = (i: number) => `${i}`.padStart(256, 'x');
    for (let i = 0; i < 1500; i++) {
      source.drop(1, { reason: long(i), function: long(i), module: long(i), protocol: long(i) });
    }
    source.pending.push((into) => {
      for (let i = 0; i < 2048; i++) into.counter(long(i), 'eth0', 1);
    });
    await world.clock.advance(3000);
    const messages = await world.messages();
    expect(messages).toHaveLength(1);
    expect(eventsIn(messages)).toBe(1500);
    const listed = itemsOf(messages, 'counter_report')[0]?.counters.length ?? 0;
    expect(listed).toBeGreaterThan(0);
    expect(listed + lossesIn(messages, 'report_full')).toBe(2048);
  });

  it('delivers every count exactly once through outages, restarts and kills', async () => {
    const step = fc.oneof(
      fc.record({ drop: fc.integer({ min: 1, max: 1000 }), kind: fc.nat({ max: 700 }) }),
      fc.record({ waitMs: fc.integer({ min: 1, max: 15_000 }) }),
      fc.constantFrom('up', 'down', 'answers-lost', 'kill', 'restart').map((event) => ({ event })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, slow) => {
        const source = new ScriptedSource('drops');
        const world = new World([source], { config: { report: { max_drops: 8 } } });
        let counted = 0;
        let killed = 0;
        try {
          if (slow) world.flaky.latencyMs = 1700;
          world.start();
          let sealed = 0;
          const append = world.spool.append.bind(world.spool);
          world.spool.append = (build) => {
            sealed = counted;
            return append(build);
          };
          const collectable = () => source.pending.length;
          for (const step of steps) {
            if ('drop' in step) {
              source.drop(step.drop, { offset: step.kind });
              const { drop } = step;
              // Counted when the agent has collected it; what a source never handed over is not the agent's.
              source.pending.push(() => {
                counted += drop;
              });
            } else if ('waitMs' in step) {
              await world.clock.advance(step.waitMs);
            } else if (step.event === 'kill') {
              world.kill();
              // The window dies with the process.
              killed += counted - sealed;
              sealed = counted;
              source.pending.length = 0;
              world.start();
            } else if (step.event === 'restart') {
              await world.stop('restart');
              world.start();
            } else {
              world.flaky.connection = step.event as 'up' | 'down' | 'answers-lost';
            }
          }
          world.flaky.connection = 'up';
          await world.clock.advance(60_000);
          await world.stop();
          const messages = await world.messages();
          expect(collectable()).toBe(0);
          expect(eventsIn(messages) + killed).toBe(counted);
          expect(world.spool.messages).toBe(0);
          const seqs = messages.map(({ seq }) => seq).sort((a, b) => a - b);
          expect(seqs).toEqual(seqs.map((_, i) => i + 1));
          expect(new Set(messages.map(({ incarnation }) => incarnation)).size).toBe(1);
        } finally {
          await world.close();
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('accounts for every message when the spool overflows: it is in the log, or in the ledger', async () => {
    const source = new ScriptedSource('drops');
    const world = makeWorld([source], { maxMessages: 16 });
    world.start();
    await world.clock.advance(5000);
    world.flaky.connection = 'down';
    for (let i = 0; i < 600; i++) {
      source.pending.push((into) => into.loss('map_overflow', 1));
      await world.clock.advance(1000);
    }
    world.flaky.connection = 'up';
    await world.clock.advance(120_000);
    await world.stop();
    const messages = await world.messages();
    const last = Math.max(...messages.map(({ seq }) => seq));
    expect(lossesIn(messages, 'evicted')).toBe(world.spool.evicted);
    expect(messages.length + world.spool.evicted).toBe(last);
    expect(lossesIn(messages, 'map_overflow')).toBe(600);
    expect(world.spool.evicted).toBeGreaterThan(0);
  });
});
