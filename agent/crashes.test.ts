/** How witnesses and reports of crashes leave the agent. */
import type { CrashReading, CrashWitness } from '@netfall/proto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Collector } from './source.ts';
import { ScriptedSource, World } from './testing/world.ts';

const START_US = 1_800_000_000_000_000;

let world: World;
afterEach(() => world.close());

function witness(record: string): CrashWitness {
  const empty = { sender: '', first_us: 0, kernel: '', boot_id: '', kind: '', line: '', uptime_us: 0 };
  return { record, source: 'crashes', ...empty };
}

/** One whose frames fill 24 KiB. */
function largeReading(): CrashReading {
  const where = { function: '…'.repeat(256), offset: 1, module: '' };
  const frame = { ...where, reliable: true, inline: false, passed: '' };
  return {
    ...{ title: 't', alternates: [], type: 'bug', bug: 'b', corrupted: '', signature: `1:${'0'.repeat(16)}` },
    ...{ place: '', frames: new Array(32).fill(frame), unlisted_frames: 0, guilty: null },
    ...{ process: '', pid: null, cpu: null, taint: '', modules: [], unlisted_modules: 0 },
  };
}

function makeTwo() {
  const crashes = new ScriptedSource('crashes', 'crashes');
  const drops = new ScriptedSource('drops');
  world = new World([drops, crashes]);
  const say = (...records: string[]) => {
    crashes.pending.push((into) => {
      for (const record of records) into.witness?.(witness(record));
    });
    crashes.urgent();
  };
  /** Of each message when it was made, in ms, the crashes in it, and whether it tells of drops. */
  const told = async () =>
    (await world.messages()).map(({ observed_us, items }): [number, string[], boolean] => [
      Math.round((observed_us - START_US) / 1000),
      items.flatMap(({ crash_witness }) => crash_witness?.record ?? []),
      items.some(({ drop_report }) => drop_report),
    ]);
  return { crashes, drops, say, told };
}

describe('crashes', () => {
  it('go out at once, in a message of their own, and leave the usual ones as they are', async () => {
    const { say, told } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    say('a');
    await world.clock.advance(7000);
    expect(await told()).toEqual([
      [2000, [], true],
      [5320, ['a'], false],
      [12_000, [], true],
    ]);
  });

  it('come ten times a second at most, as many in each message as it takes', async () => {
    const { say, told } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    say(...Array.from({ length: 70 }, (_, i) => String(i)));
    await world.clock.advance(50);
    say('last');
    await world.clock.advance(400);
    const messages = (await told()).slice(1);
    expect(messages.map(([at, records]) => [at, records.length])).toEqual([
      [5320, 31],
      [5420, 31],
      [5520, 9],
    ]);
    expect(messages.flatMap(([, records]) => records).at(-1)).toBe('last');
  });

  it('are told in smaller messages when their readings are large', async () => {
    const { crashes, told } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    const findings = (record: string) => ({
      ...{ witness: witness(record), revision: 1, last_us: 0, last_uptime_us: 0, complete: true, holes: [] },
      ...{ unlisted_holes: 0, wrap_at: 0, parts: 1, duplicates: 0, lost_messages: 0, hardware: '' },
      ...{ reading: largeReading(), parser_version: 1 },
    });
    crashes.pending.push((into) => {
      for (let i = 0; i < 31; i++) into.crash?.(findings(String(i)), Buffer.from('log'));
    });
    crashes.urgent();
    await world.clock.advance(1000);
    const reports = (await world.messages()).map(({ items }) =>
      items.flatMap(({ crash_report }) => crash_report?.witness?.record ?? []),
    );
    expect(reports.map(({ length }) => length)).toEqual([0, 15, 16]);
    expect(reports.flat()).toEqual(Array.from({ length: 31 }, (_, i) => String(i)));
    expect((await told()).map(([at]) => at)).toEqual([2000, 5320, 5420]);
  });

  it('do not make drops look rarer or more frequent than they are', async () => {
    const { drops, say } = makeTwo();
    world.start();
    await world.clock.advance(20_000);
    for (let tick = 0; tick < 200; tick++) {
      if (tick % 10 === 0) drops.drop(10);
      say(String(tick));
      await world.clock.advance(100);
    }
    const reports = (await world.messages()).flatMap(({ items }) =>
      items.flatMap(({ drop_report }) => drop_report ?? []),
    );
    const told = reports.slice(2).filter((report) => report.drops.length > 0);
    for (const {
      window_us,
      drops: [drop],
    } of told) {
      expect(window_us).toBeGreaterThanOrEqual(1_000_000);
      expect((drop?.events ?? 0) / (window_us / 1_000_000)).toBeLessThanOrEqual(10);
    }
    expect(told.length).toBeGreaterThan(5);
  });

  it('wait for the first message, which says who the host is', async () => {
    const { say, told } = makeTwo();
    world.start();
    say('early');
    await world.clock.advance(2500);
    expect((await told()).map(([, records, drops]) => [records, drops])).toEqual([
      [[], true],
      [['early'], false],
    ]);
  });

  it('are all told before an agent says goodbye, with the last that sources have', async () => {
    const { crashes, say, told } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    say(...Array.from({ length: 70 }, (_, i) => String(i)));
    await world.stop();
    expect(crashes.finishes).toBe(1);
    const messages = await told();
    expect(messages.flatMap(([, records]) => records)).toHaveLength(70);
    expect((await world.messages()).at(-1)?.items.some(({ goodbye }) => goodbye)).toBe(true);
  });

  it('are all told at the end, also those that the window had no room for', async () => {
    const { crashes, told } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    const waiting = Array.from({ length: 600 }, (_, i) => String(i));
    const handOver = (into: Collector): void => {
      while (waiting[0] !== undefined && into.witness?.(witness(waiting[0]))) waiting.shift();
      if (waiting.length > 0) crashes.pending.push(handOver);
    };
    crashes.pending.push(handOver);
    await world.stop();
    expect((await told()).flatMap(([, records]) => records)).toEqual(
      Array.from({ length: 600 }, (_, i) => String(i)),
    );
  });

  it('are told when an operator switches their source off', async () => {
    const { crashes, told } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    crashes.pending.push((into) => into.witness?.(witness('last')));
    await world.switchOff({ source: 'crashes' });
    expect([crashes.finishes, crashes.pending.length, crashes.stops]).toEqual([1, 0, 1]);
    await world.clock.advance(1000);
    expect((await told()).flatMap(([, records]) => records)).toEqual(['last']);
  });

  it('come with the sources as they were told with drops last', async () => {
    const { say } = makeTwo();
    const [drops, crashes] = world.sources as [ScriptedSource, ScriptedSource];
    const other = new ScriptedSource('other', 'crashes');
    other.probe = { state: 'unavailable', detail: 'not yet' };
    await world.close();
    world = new World([drops, crashes, other]);
    world.start();
    // Under pressure the usual messages are rare.
    world.flaky.latencyMs = 6000;
    await world.clock.advance(59_500);
    other.probe = { state: 'off', detail: 'nothing to do' };
    await world.clock.advance(1000);
    expect(world.agent?.status().sources[2]).toMatchObject({ state: 4 });
    say('a');
    await world.clock.advance(60_000);
    const messages = await world.messages();
    const states = (index: number) => messages[index]?.items[0]?.heartbeat?.sources.map(({ state }) => state);
    const at = messages.findIndex(({ items }) => items.some(({ crash_witness }) => crash_witness));
    expect([states(at - 1), states(at), states(at + 1)]).toEqual([
      [1, 1, 3],
      [1, 1, 3],
      [1, 1, 4],
    ]);
  });

  it('carry what evicted messages carried, as far as a message may', async () => {
    const { say } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    const carried = Array.from({ length: 100 }, (_, i) => ({ source: 's', hop: String(i), count: 1 }));
    const append = world.spool.append.bind(world.spool);
    world.spool.append = (build) => append((draft) => build({ ...draft, carried }));
    say('a');
    await world.clock.advance(100);
    // Each message is checked as the collector checks it.
    const losses = (await world.messages()).at(-1)?.losses ?? [];
    expect([losses.length, losses.reduce((sum, { count }) => sum + count, 0)]).toEqual([64, 100]);
  });

  it('neither collect from other sources nor put off when these are collected', async () => {
    const { drops, say } = makeTwo();
    world.start();
    await world.clock.advance(5300);
    const collectedUs: number[] = [];
    drops.pending.push(() => collectedUs.push(world.clock.nowUs() - START_US));
    for (let i = 0; i < 6; i++) {
      say(String(i));
      await world.clock.advance(110);
    }
    await world.clock.advance(1000);
    expect(collectedUs).toEqual([6_000_000]);
  });
});
