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

  it('stays off when the agent is restarted', async () => {
    const source = new ScriptedSource('drops');
    const world = await runningWorld(source);
    await world.switchOff({});
    await world.stop();
    const running = world.start();
    await world.clock.advance(0);
    expect(running.status().sources[0]?.state).toBe(4);
    await world.clock.advance(3000);
    const heartbeat = (await world.messages()).at(-1)?.items.find((item) => item.heartbeat)?.heartbeat;
    expect(heartbeat?.sources[0]?.state).toBe(4);
    expect([source.starts, source.stops]).toEqual([2, 3]);
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
