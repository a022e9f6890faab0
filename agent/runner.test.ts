import { afterEach, describe, expect, it } from 'vitest';
import { Suspended } from './source.ts';
import { ScriptedSource, World } from './testing/world.ts';

let world: World;

afterEach(() => world.close());

async function statusesOf(...sources: ScriptedSource[]) {
  world = new World(sources);
  world.start();
  await world.clock.advance(2000);
  return world.agent?.status().sources;
}

describe('the runner of sources', () => {
  it('stops a source that throws, goes on with the others, and tries it again after a minute', async () => {
    const bad = new ScriptedSource('bad');
    const good = new ScriptedSource('good', 'counters');
    await statusesOf(bad, good);
    bad.failure = new Error('the map is gone');
    await world.clock.advance(1000);
    expect(world.agent?.status().sources).toEqual([
      { name: 'bad', state: 3, detail: 'failed: the map is gone', mend: '' },
      { name: 'good', state: 1, detail: 'scripted', mend: '' },
    ]);
    good.drop(7);
    await world.clock.advance(1000);
    expect([bad.starts, bad.stops, good.pending.length]).toEqual([1, 1, 0]);
    await world.clock.advance(57_000);
    expect(bad.starts).toBe(1);
    await world.clock.advance(2000);
    expect(bad.starts).toBe(2);
    expect(world.agent?.status().sources[0]).toMatchObject({ state: 1, detail: 'scripted' });
    // Both changes were told at once.
    const states = (await world.messages()).map((message) => {
      return message.items.find((item) => item.heartbeat)?.heartbeat?.sources[0]?.state;
    });
    expect(states.slice(0, 2)).toEqual([1, 3]);
    expect(states.at(-1)).toBe(1);
    expect(world.lines).toEqual([
      'bad: scripted',
      'good: scripted',
      'bad: failed: the map is gone',
      'bad: scripted',
    ]);
  });

  it('says why a source took itself off, and tries it again after a minute', async () => {
    const source = new ScriptedSource('drops');
    await statusesOf(source);
    source.failure = new Suspended('detached itself', 'raise its ceiling');
    await world.clock.advance(1000);
    expect(world.agent?.status().sources).toEqual([
      { name: 'drops', state: 3, detail: 'detached itself', mend: 'raise its ceiling' },
    ]);
    await world.clock.advance(60_000);
    expect([source.starts, source.stops]).toEqual([2, 1]);
  });

  it('does not start what cannot work, says what to do about it once, and asks again every minute', async () => {
    const source = new ScriptedSource('drops');
    source.probe = {
      state: 'unavailable',
      detail: 'no drops',
      missing: 'CAP_BPF',
      mend: 'setcap cap_bpf+ep',
    };
    expect(await statusesOf(source)).toEqual([
      { name: 'drops', state: 3, detail: 'no drops; CAP_BPF', mend: 'setcap cap_bpf+ep' },
    ]);
    await world.clock.advance(180_000);
    expect([source.starts, source.probes]).toEqual([0, 4]);
    expect(world.lines).toEqual(['drops: no drops; CAP_BPF; to mend it: setcap cap_bpf+ep']);
    source.probe = { state: 'ok', detail: 'counts drops' };
    await world.clock.advance(60_000);
    expect(source.starts).toBe(1);
    expect(world.lines.at(-1)).toBe('drops: counts drops');
  });

  it('runs what is degraded, and says what is missing', async () => {
    const source = new ScriptedSource('drops');
    source.probe = { state: 'degraded', detail: 'counts drops', missing: 'no function names' };
    expect(await statusesOf(source)).toEqual([
      { name: 'drops', state: 2, detail: 'counts drops; no function names', mend: '' },
    ]);
    expect(source.starts).toBe(1);
  });

  it('reports as unavailable what throws when it starts', async () => {
    const source = new ScriptedSource('drops');
    source.failure = new Error('EPERM');
    expect(await statusesOf(source)).toEqual([
      { name: 'drops', state: 3, detail: 'failed: EPERM', mend: '' },
    ]);
    expect(source.stops).toBe(1);
  });

  it('leaves alone what is switched off by configuration', async () => {
    const source = new ScriptedSource('counters', 'counters');
    world = new World([source], { config: { sources: { counters: { enabled: false } } } });
    world.start();
    await world.clock.advance(120_000);
    expect(world.agent?.status().sources).toEqual([
      { name: 'counters', state: 4, detail: 'switched off by configuration', mend: '' },
    ]);
    expect([source.probes, source.starts]).toEqual([0, 0]);
    expect(world.lines).toEqual(['counters: switched off by configuration']);
  });

  it('tells sources to hurry when a message is about to be sealed', async () => {
    const source = new ScriptedSource('counters', 'counters');
    world = new World([source]);
    world.start();
    const hurried: number[] = [];
    for (let second = 1; second <= 23; second++) {
      source.pending.push(() => source.hurry() && hurried.push(second));
      await world.clock.advance(1000);
    }
    expect(hurried).toEqual([2, 12, 22]);
  });
});
