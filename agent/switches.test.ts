import { encodeEntry, type SourceSwitch } from '@netfall/proto';
import { afterEach, describe, expect, it } from 'vitest';
import { eventsIn, ScriptedSource, World } from './testing/world.ts';

const worlds: World[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function runningWorld(source: ScriptedSource, config: unknown = {}): Promise<World> {
  const world = new World([source], { config });
  worlds.push(world);
  world.start();
  await world.clock.advance(14_500);
  return world;
}

const state = (world: World) => world.agent?.status().sources[0];
const ON = { name: 'drops', state: 1, detail: 'scripted' };
const OFF_BY = (detail: string) => ({ name: 'drops', state: 4, detail });

describe('a source that an operator switches off', () => {
  it('stops at once, which a heartbeat tells, and starts again when it is switched on', async () => {
    const source = new ScriptedSource('drops');
    const world = await runningWorld(source);
    source.drop(3);
    const before = (await world.messages()).length;
    await world.switchOff({ why: 'it costs too much', by: 'ann' });
    const off = OFF_BY('switched off by ann until 2027-01-15T08:01:14Z: it costs too much');
    expect(state(world)).toMatchObject(off);
    expect([source.starts, source.stops]).toEqual([1, 1]);
    // No time passed. The first message has what was counted until then, the second one no report of drops.
    const [counted, told, ...more] = (await world.messages()).slice(before);
    expect(more).toEqual([]);
    expect(counted?.items[0]?.heartbeat?.sources).toMatchObject([ON]);
    expect(eventsIn(counted ? [counted] : [])).toBe(3);
    expect(told?.items[0]?.heartbeat?.sources).toMatchObject([off]);
    expect(told?.items.filter(({ drop_report }) => drop_report)).toEqual([]);

    await world.clock.advance(5000);
    await world.switchOff();
    expect(state(world)).toMatchObject(ON);
    const last = (await world.messages()).at(-1);
    expect(last?.items[0]?.heartbeat?.sources).toMatchObject([ON]);
    expect(last?.items.filter(({ drop_report }) => drop_report)).toHaveLength(1);
    expect([source.starts, source.stops]).toEqual([2, 1]);
    expect(world.lines).toEqual(['drops: scripted', `drops: ${off.detail}`, 'drops: scripted']);
  });

  it('leaves it to no other source to say that there are no drops', async () => {
    const [source, other] = [new ScriptedSource('drops'), new ScriptedSource('hardware-drops')];
    const world = new World([source, other]);
    worlds.push(world);
    world.start();
    await world.clock.advance(14_500);
    await world.switchOff({});
    const told = (await world.messages()).at(-1);
    expect(told?.items[0]?.heartbeat?.sources).toMatchObject([{ state: 4 }, { state: 1 }]);
    expect(told?.items.filter(({ drop_report }) => drop_report)).toEqual([]);
    await world.clock.advance(10_000);
    expect((await world.messages()).at(-1)?.items.filter(({ drop_report }) => drop_report)).toHaveLength(1);
  });

  it('starts again when the time is over, whether or not the log can be reached', async () => {
    const source = new ScriptedSource('drops');
    const world = await runningWorld(source);
    await world.switchOff({});
    world.flaky.connection = 'down';
    await world.clock.advance(59_000);
    expect(state(world)).toMatchObject(OFF_BY('switched off until 2027-01-15T08:01:14Z'));
    await world.clock.advance(2000);
    expect(state(world)).toMatchObject(ON);
  });

  it('is off for two weeks at most, whatever is said', async () => {
    const world = await runningWorld(new ScriptedSource('drops'));
    await world.switchOff({ until_us: 4_000_000_000_000_000 });
    expect(state(world)).toMatchObject(OFF_BY('switched off until 2027-01-29T08:00:14Z'));
  });

  it('is not tried again meanwhile, nor stopped or said again when others are switched', async () => {
    const source = new ScriptedSource('drops');
    source.probe = { state: 'unavailable', detail: 'no drops' };
    const world = await runningWorld(source);
    const probes = source.probes;
    const forAnHour = { until_us: world.clock.nowUs() + 3_600_000_000 };
    await world.switchOff(forAnHour);
    await world.switchOff(forAnHour, { source: 'counters' });
    await world.clock.advance(300_000);
    expect(source.probes).toBe(probes);
    expect(world.lines).toEqual(['drops: no drops', 'drops: switched off until 2027-01-15T09:00:14Z']);
  });

  it.each([
    ['another source', { source: 'counters' }],
    ['another host', { hosts: ['web-2'] }],
    ['other labels', { labels: [{ key: 'rack', value: 'r8' }] }],
    ['a time that is over', { until_us: 1 }],
  ])('is not %s', async (_, one) => {
    const world = await runningWorld(new ScriptedSource('drops'));
    await world.switchOff(one);
    expect(state(world)).toMatchObject(ON);
  });

  it.each([
    ['this host', { hosts: ['web-1-example'] }],
    ['its labels', { labels: [{ key: 'rack', value: 'r7' }] }],
  ])('is one of %s', async (_, one) => {
    const source = new ScriptedSource('drops');
    const world = new World([source]);
    worlds.push(world);
    world.inventory = { ...world.inventory, labels: [{ key: 'rack', value: 'r7' }] };
    world.start();
    await world.clock.advance(3000);
    await world.switchOff(one);
    expect(state(world)?.state).toBe(4);
  });

  it('is off until the last of several switches ends', async () => {
    const world = await runningWorld(new ScriptedSource('drops'));
    const in30s = world.clock.nowUs() + 30_000_000;
    await world.switchOff({ until_us: in30s, why: 'first' }, { until_us: in30s + 30_000_000, why: 'second' });
    expect(state(world)?.detail).toContain('second');
    await world.clock.advance(45_000);
    expect(state(world)?.detail).toContain('second');
    await world.clock.advance(16_000);
    expect(state(world)).toMatchObject(ON);
  });

  it('goes by what was known before when the newest word cannot be read', async () => {
    const world = await runningWorld(new ScriptedSource('drops'));
    await world.switchOff({});
    await world.say(Uint8Array.of(255, 255));
    expect(state(world)?.state).toBe(4);
    expect(world.lines.at(-1)).toMatch(/^what was last said of switches cannot be read/);
  });

  it('goes on being off by configuration', async () => {
    const off = { sources: { counters: { enabled: false } } };
    const world = await runningWorld(new ScriptedSource('counters', 'counters'), off);
    await world.switchOff({ source: 'counters' });
    await world.switchOff();
    expect(state(world)?.detail).toBe('switched off by configuration');
  });

  it('says why in whole letters however long that is', async () => {
    const world = await runningWorld(new ScriptedSource('drops'));
    await world.switchOff({ why: '𝕏'.repeat(128), by: 'x' });
    // Checked by messages().
    const told = (await world.messages()).at(-1)?.items[0]?.heartbeat?.sources[0];
    expect(told?.detail).toHaveLength(256);
  });
});

describe('a source that is off when the agent is restarted', () => {
  /** A world in which an agent was told of switches, and ended. */
  async function toldWorld(source: ScriptedSource, ...off: Partial<SourceSwitch>[]): Promise<World> {
    const world = await runningWorld(source);
    await world.switchOff(...off);
    await world.stop();
    [source.probes, source.starts, source.stops] = [0, 0, 0];
    world.lines.length = 0;
    return world;
  }

  it.each(['up', 'down'] as const)('stays off with the log %s, and is not so much as probed', async (log) => {
    const source = new ScriptedSource('drops', 'drops', 'yields');
    const world = await toldWorld(source, {});
    world.flaky.connection = log;
    const running = world.start();
    const off = OFF_BY('switched off until 2027-01-15T08:01:14Z');
    expect(running.status().sources[0]).toMatchObject(off);
    await world.clock.advance(40_000);
    expect(running.status().sources[0]).toMatchObject(off);
    // Only what a run that was killed might have left in the kernel is let go.
    expect([source.probes, source.starts, source.stops]).toEqual([0, 0, 1]);
    expect(world.lines.filter((line) => line.startsWith('drops: '))).toEqual([`drops: ${off.detail}`]);
    world.flaky.connection = 'up';
    await world.clock.advance(3000);
    const [heartbeat] = (await world.messages()).at(-1)?.items ?? [];
    expect(heartbeat?.heartbeat?.sources).toMatchObject([off]);
  });

  it('starts when its time is over, though the log cannot be reached', async () => {
    const source = new ScriptedSource('drops');
    const world = await toldWorld(source, {});
    world.flaky.connection = 'down';
    await world.clock.advance(30_000);
    world.start();
    await world.clock.advance(20_000);
    expect(state(world)?.state).toBe(4);
    await world.clock.advance(10_000);
    expect(state(world)).toMatchObject(ON);
    expect(source.starts).toBe(1);
  });

  it('was off for two weeks at most when that began to count', async () => {
    const source = new ScriptedSource('drops');
    const world = await toldWorld(source, { until_us: 4_000_000_000_000_000 });
    await world.clock.advance(86_400_000);
    world.start();
    expect(state(world)).toMatchObject(OFF_BY('switched off until 2027-01-29T08:00:14Z'));
  });

  it('starts at once when that was taken back, and when another cell said so', async () => {
    const source = new ScriptedSource('drops');
    const world = await toldWorld(source);
    world.start();
    expect([source.starts, state(world)?.state]).toEqual([1, 1]);
    await world.switchOff({});
    await world.stop();
    if (!world.word) throw new Error('nothing was kept');
    world.word = { ...world.word, subject: 'netfall.other.switches' };
    world.start();
    expect([source.starts, state(world)?.state]).toEqual([2, 1]);
  });

  it('is told by the log that it is on again, or of what came since', async () => {
    const source = new ScriptedSource('drops');
    const world = await toldWorld(source, {});
    const kept = world.word;
    world.start();
    await world.switchOff();
    expect(state(world)).toMatchObject(ON);
    expect(world.word?.sequence).toBeGreaterThan(kept?.sequence ?? 0);
    await world.switchOff({ why: 'again' });
    expect(state(world)?.detail).toContain('again');
    await world.stop();
    // A server that lags answers with what is older than what is known.
    const known = world.word;
    if (!known) throw new Error('nothing was kept');
    world.word = { ...known, sequence: known.sequence + 10, timeUs: known.timeUs + 10 };
    await world.say(encodeEntry({ switches: { switches: [], by: '' } }));
    world.word = { ...known, sequence: known.sequence + 10, timeUs: world.clock.nowUs() + 10 };
    world.start();
    await world.clock.advance(3000);
    expect(state(world)?.detail).toContain('again');
  });

  it('is replaced by no other one, and is tried once it is on', async () => {
    const bpf = new ScriptedSource('kfree-skb', 'drops', 'yields');
    const monitor = new ScriptedSource('drop-monitor', 'drops', 'adds');
    const world = new World([bpf, monitor]);
    worlds.push(world);
    world.start();
    await world.clock.advance(14_500);
    await world.switchOff({ source: 'kfree-skb' });
    await world.stop();
    bpf.probe = { state: 'unavailable', detail: 'counts no drops', missing: 'no BPF', mend: 'grant it' };
    [bpf.probes, monitor.starts, monitor.stops] = [0, 0, 0];
    world.start();
    await world.clock.advance(3000);
    // It may well work: the other one counts what it could not see, and does not say that there is nothing else.
    expect([bpf.probes, monitor.starts, monitor.counting()]).toEqual([0, 1, 'kfree-skb']);
    const reports = async () => (await world.messages()).at(-1)?.items.filter((item) => item.drop_report);
    expect(await reports()).toEqual([]);
    await world.clock.advance(60_000);
    expect(world.agent?.status().sources.map(({ detail }) => detail)).toEqual([
      'counts no drops; no BPF',
      'scripted',
    ]);
    // It counts all from now on, for which it is started anew.
    expect([monitor.counting(), monitor.starts, monitor.stops]).toEqual(['drop-monitor', 2, 1]);
    expect(await reports()).toHaveLength(1);
  });

  it('waits for the log where what was known cannot be read, and says so', async () => {
    const source = new ScriptedSource('drops');
    const world = await toldWorld(source, {});
    world.wordFailure = new Error('EIO');
    world.start();
    expect(state(world)?.state).toBe(1);
    await world.clock.advance(0);
    expect(state(world)?.state).toBe(4);
    await world.switchOff({ why: 'again' });
    expect(world.lines.filter((line) => line.includes('EIO'))).toEqual([
      'what was last known of switches cannot be read: sources run as configured until the log answers: EIO',
      'what is switched off cannot be kept for the next start, which will have to wait for the log: EIO',
    ]);
  });
});
