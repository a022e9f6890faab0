import { afterEach, describe, expect, it } from 'vitest';
import { Suspended } from '../source.ts';
import { eventsIn, ScriptedSource, World } from '../testing/world.ts';

const FAILED = {
  state: 'unavailable',
  detail: 'counts no drops',
  missing: 'no BPF',
  mend: 'grant it',
} as const;

let world: World;

afterEach(() => world.close());

function makeSources() {
  return {
    bpf: new ScriptedSource('kfree-skb', 'drops', 'yields'),
    monitor: new ScriptedSource('drop-monitor', 'drops', 'adds'),
  };
}

async function start(sources: ScriptedSource[], config: object = {}) {
  world = new World(sources, { config });
  world.start();
  await world.clock.advance(2000);
}

/** Each source's state and detail. */
function states() {
  return world.agent?.status().sources.map(({ state, detail }) => [state, detail]);
}

describe('the election of the source that counts drops', () => {
  it('is won by the first one that works', async () => {
    const { bpf, monitor } = makeSources();
    await start([bpf, monitor]);
    expect([bpf.counting(), monitor.counting()]).toEqual(['kfree-skb', 'kfree-skb']);
    // The other one runs for what the first cannot see.
    expect([bpf.starts, monitor.starts]).toEqual([1, 1]);
  });

  it('goes to the next one where the first does not work, for as long as the agent runs', async () => {
    const { bpf, monitor } = makeSources();
    bpf.probe = FAILED;
    await start([bpf, monitor]);
    expect(monitor.counting()).toBe('drop-monitor');
    expect(states()).toEqual([
      [3, 'counts no drops; no BPF'],
      [1, 'scripted'],
    ]);
    bpf.probe = { state: 'ok', detail: 'works now' };
    await world.clock.advance(62_000);
    expect(states()?.[0]).toEqual([4, 'drop-monitor counts drops']);
    expect([bpf.starts, monitor.counting()]).toEqual([0, 'drop-monitor']);
  });

  it('is not held again because the winner takes itself off', async () => {
    const { bpf, monitor } = makeSources();
    await start([bpf, monitor]);
    bpf.failure = new Suspended('detached itself', '');
    await world.clock.advance(30_000);
    expect(states()?.[0]).toEqual([3, 'detached itself']);
    expect(monitor.counting()).toBe('kfree-skb');
    // Nobody knows that there were no drops meanwhile, but hardware's are told.
    const reports = async () =>
      (await world.messages()).map(({ items }) => items.some((item) => item.drop_report));
    expect((await reports()).at(-1)).toBe(false);
    monitor.drop(3);
    await world.clock.advance(12_000);
    expect(eventsIn(await world.messages())).toBe(3);
  });

  it('is held again every minute while nobody works', async () => {
    const { bpf, monitor } = makeSources();
    bpf.probe = monitor.probe = FAILED;
    await start([bpf, monitor]);
    expect([bpf.starts, monitor.starts]).toEqual([0, 0]);
    monitor.probe = { state: 'ok', detail: 'modprobe helped' };
    await world.clock.advance(62_000);
    expect(monitor.counting()).toBe('drop-monitor');
    expect(states()).toEqual([
      [3, 'counts no drops; no BPF'],
      [1, 'modprobe helped'],
    ]);
  });

  it.each([
    ['kfree-skb', { count_drops_with: 'kfree-skb' }],
    ['drop-monitor', { count_drops_with: 'drop-monitor' }],
    ['drop-monitor', { sources: { 'kfree-skb': { enabled: false } } }],
    ['kfree-skb', { sources: { 'drop-monitor': { enabled: false } } }],
    ['', { sources: { 'kfree-skb': { enabled: false }, 'drop-monitor': { enabled: false } } }],
  ])('elects %j under %j', async (elected, config) => {
    const { bpf, monitor } = makeSources();
    await start([bpf, monitor], config);
    expect(bpf.counting()).toBe(elected);
    expect(bpf.starts).toBe(elected === 'kfree-skb' ? 1 : 0);
  });

  it('has a source that never starts let go of what another run left', async () => {
    const { bpf, monitor } = makeSources();
    await start([bpf, monitor], { sources: { 'drop-monitor': { enabled: false } } });
    expect([monitor.starts, monitor.stops]).toEqual([0, 1]);
  });

  it('does not start a source that has nothing to do', async () => {
    const { monitor } = makeSources();
    monitor.probe = { state: 'off', detail: 'nothing to do' };
    await start([monitor]);
    expect([monitor.starts, monitor.stops]).toEqual([0, 1]);
    expect(states()).toEqual([[4, 'nothing to do']]);
  });

  it('lets a source say what was done to it', async () => {
    const { bpf } = makeSources();
    await start([bpf]);
    bpf.said = 'another tool meddled';
    await world.clock.advance(1000);
    expect(states()).toEqual([[1, 'another tool meddled; scripted']]);
    bpf.said = '';
    await world.clock.advance(1000);
    expect(states()).toEqual([[1, 'scripted']]);
    expect(world.lines).toEqual([
      'kfree-skb: scripted',
      'kfree-skb: another tool meddled; scripted',
      'kfree-skb: scripted',
    ]);
  });
});
