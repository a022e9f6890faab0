import { afterEach, expect, test } from 'vitest';
import { numbers } from '../../collector/fold/testing/random-log.ts';
import { World } from './world.ts';

let world: World | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

function seeded(seed: number): () => number {
  const draw = numbers(seed);
  return () => draw(2 ** 31) / 2 ** 31;
}

async function calm(hosts: number, collectors: number, seed = 1): Promise<World> {
  world = new World({ hosts, collectors, random: seeded(seed) });
  await world.start();
  await world.pass(30);
  return world;
}

/** Every replica that runs holds the same rows once it has read as far. */
function expectAgreement({ collectors }: World): void {
  const states = collectors.filter(({ running }) => running).map((collector) => collector.state());
  expect(new Set(states.map(({ sequence }) => sequence)).size).toBe(1);
  expect(new Set(states.map(({ digest }) => digest)).size).toBe(1);
}

test('a surge on one host becomes one incident within ten seconds, and one message', async () => {
  const { hosts, collectors, sink, pass } = bound(await calm(3, 2));
  const [host] = hosts;
  if (!host) throw new Error('no host');
  host.rate = 5000;
  await pass(10);
  for (const collector of collectors) {
    expect(collector.incidents()).toMatchObject([
      {
        state: 'firing',
        fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv@host=host-0',
        hosts: [{ host_id: 'host-0' }],
      },
    ]);
  }
  expect(sink.taken).toHaveLength(1);
  host.rate = 0;
  await pass(180);
  expect(collectors[0]?.incidents()).toMatchObject([{ state: 'resolved' }]);
  expect(sink.taken.map((id) => id.split('/')[1])).toEqual(['firing', 'resolved']);
});

test('what agents count during an outage of the log is folded after it', async () => {
  const { hosts, collectors, log, pass } = bound(await calm(3, 1));
  log.out = true;
  await pass(300);
  log.out = false;
  await pass(60);
  for (const host of hosts) host.kill();
  await pass(5);
  const losses = collectors[0]?.state().losses;
  for (const { id, ticks } of hosts) {
    // Killed agents take what they had not sealed with them: at most one interval.
    expect(losses?.get(id)).toBeGreaterThan(ticks - 12);
    expect(losses?.get(id)).toBeLessThanOrEqual(ticks);
  }
});

test('a collector killed between sending and recording sends again, and nothing is lost', async () => {
  const running = await calm(2, 2);
  const { hosts, collectors, sink, log, pass } = bound(running);
  const [host] = hosts;
  if (!host) throw new Error('no host');
  let leader = '';
  sink.onTaken = (by) => {
    leader = by;
    log.cut(by);
  };
  host.rate = 5000;
  await pass(10);
  expect(sink.taken).toHaveLength(1);
  await collectors.find(({ name }) => name === leader)?.kill();
  await pass(60);
  const survivor = collectors.find(({ running: alive }) => alive);
  expect(survivor?.name).not.toBe(leader);
  expect(survivor?.notifications()).toMatchObject([{ deliveries: [{ state: 'delivered' }] }]);
  const [id] = sink.taken;
  expect(sink.taken).toEqual([id, id]);
});

/** Runs a world through random faults and says what must hold whatever they were. */
async function ordeal(seed: number): Promise<void> {
  const draw = numbers(seed);
  const running = await calm(4, 2, seed);
  const { hosts, collectors, sink, log, pass } = bound(running);
  let killed = 0;
  for (let step = 0; step < 25; step++) {
    const host = hosts[draw(hosts.length)];
    const collector = collectors[draw(collectors.length)];
    if (!host || !collector) throw new Error('nobody');
    const fault = draw(10);
    if (fault < 2) host.rate = draw(3) * 2000;
    else if (fault === 2 && host.running) host.kill();
    else if (fault === 3 && !host.running) {
      if (draw(3) === 0) host.wipe();
      host.start();
    } else if (fault === 4) log.out = draw(2) === 0;
    else if (fault === 5) sink.down = draw(2) === 0;
    else if (fault === 6 && collector.running && !log.out) {
      killed++;
      await collector.kill();
    } else if (fault === 7 && !collector.running && !log.out) await collector.start();
    else if (fault === 8) log.lostAcks = draw(3) / 2;
    await pass(1 + draw(20));
  }
  // Everything works again, and time passes.
  log.out = false;
  log.lostAcks = 0;
  sink.down = false;
  for (const collector of collectors) if (!collector.running) await collector.start();
  for (const host of hosts) {
    host.rate = 0;
    if (!host.running) host.start();
  }
  await pass(240);
  for (const host of hosts) await host.stop();

  expectAgreement(running);
  const [collector] = collectors;
  if (!collector) throw new Error('no collector');
  expect(collector.incidents().filter(({ state }) => state === 'firing')).toEqual([]);
  const notifications = collector.notifications();
  for (const { deliveries } of notifications) expect(deliveries).toMatchObject([{ state: 'delivered' }]);
  expect(new Set(sink.taken)).toEqual(new Set(notifications.map(({ id }) => id)));
  // Only what was sent and not yet recorded when its sender was killed is sent again.
  expect(sink.taken.length - notifications.length).toBeLessThanOrEqual(killed);
  // Folded once: all that was counted, less what went with a killed agent or a wiped spool.
  const { losses } = collector.state();
  for (const { id, ticks, damaged } of hosts) {
    if (damaged) expect(losses.get(id)).toBeLessThanOrEqual(ticks);
    else expect(losses.get(id)).toBe(ticks);
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'whatever fails, replicas agree and nothing that was to be told is lost (seed %i)',
  ordeal,
  60_000,
);

/** A world whose `pass` can be taken out of it. */
function bound(from: World) {
  const { hosts, collectors, sink, log } = from;
  return { hosts, collectors, sink, log, pass: (seconds: number) => from.pass(seconds) };
}
