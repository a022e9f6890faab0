/** A whole agent with crashes to report: their logs are in the evidence under the digests that its reports name. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { CrashFindings } from '../source.ts';
import { ScriptedSource, World } from '../testing/world.ts';

const FINDINGS: CrashFindings = {
  witness: {
    record: 'dmesg-1',
    source: 'pstore',
    sender: '',
    first_us: 1_799_999_000_000_000,
    kernel: '6.12.0',
    boot_id: '',
    kind: 'panic',
    line: 'Kernel panic - not syncing: sysrq triggered crash',
    uptime_us: 5_000_000,
  },
  revision: 1,
  last_us: 1_799_999_000_000_000,
  last_uptime_us: 0,
  complete: true,
  holes: [],
  unlisted_holes: 0,
  wrap_at: 0,
  parts: 1,
  duplicates: 0,
  lost_messages: 0,
  hardware: '',
  reading: null,
  parser_version: 1,
};

const worlds: World[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

function makeWorld(config: unknown = {}) {
  const source = new ScriptedSource('pstore', 'crashes');
  const world = new World([source], { config });
  worlds.push(world);
  const crash = (log: string) => {
    source.pending.push((into) => expect(into.crash?.(FINDINGS, Buffer.from(log))).toBe(true));
  };
  return { world, crash };
}

const digestOf = (log: string) => createHash('sha256').update(log).digest('hex');

async function evidence(world: World): Promise<string[]> {
  const logs: string[] = [];
  for (const name of await world.flaky.log.evidence.list('crash/')) {
    let log = '';
    for await (const chunk of (await world.flaky.log.evidence.get(name)) ?? [])
      log += Buffer.from(chunk).toString();
    expect(name).toBe(`crash/${digestOf(log)}`);
    logs.push(log);
  }
  return logs.sort();
}

async function reported(world: World): Promise<unknown[]> {
  const messages = await world.messages();
  return messages.flatMap(({ items }) => items.flatMap(({ crash_report }) => crash_report ?? []));
}

describe('an agent with a crash to report', () => {
  it('puts its log where the report says that it is', async () => {
    const { world, crash } = makeWorld();
    world.start();
    crash('panic\n');
    await world.clock.advance(2000);
    expect(await reported(world)).toMatchObject([{ revision: 1, digest: digestOf('panic\n'), bytes: 6 }]);
    expect(await evidence(world)).toEqual(['panic\n']);
    const status = { logs: 0, bytes: 0, put: 1, retries: 0, failing: false };
    expect(world.agent?.status().evidence).toEqual(status);
  });

  it('keeps what the log has not taken when it stops, says so, and goes on at the next start', async () => {
    const { world, crash } = makeWorld();
    world.start();
    world.flaky.connection = 'down';
    crash('one\n');
    await world.clock.advance(2000);
    // What is collected last is kept, too.
    crash('two\n');
    await world.stop();
    expect(world.lines).toContain(
      "2 logs of crashes are not in the log's evidence yet: they stay in the data folder until the next start",
    );
    world.flaky.connection = 'up';
    await world.clock.advance(60_000);
    expect(await evidence(world)).toEqual([]);
    world.start();
    await world.clock.advance(1000);
    expect(await evidence(world)).toEqual(['one\n', 'two\n']);
    expect(world.evidence.list()).toEqual([]);
  });

  it('has put everything when it stops, if the log takes it', async () => {
    const { world, crash } = makeWorld();
    world.start();
    await world.clock.advance(2000);
    crash('last\n');
    await world.stop();
    expect(await evidence(world)).toEqual(['last\n']);
    expect(await reported(world)).toHaveLength(1);
    expect(world.lines.filter((line) => line.includes('not in the log'))).toEqual([]);
  });

  it('loses no log when it is killed', async () => {
    const { world, crash } = makeWorld();
    world.start();
    world.flaky.connection = 'down';
    crash('panic\n');
    await world.clock.advance(2000);
    world.kill();
    world.flaky.connection = 'up';
    await world.clock.advance(60_000);
    expect(await evidence(world)).toEqual([]);
    world.start();
    await world.clock.advance(2000);
    expect(await evidence(world)).toEqual(['panic\n']);
    expect(await reported(world)).toHaveLength(1);
  });

  it('counts the logs that it could not keep', async () => {
    const { world, crash } = makeWorld({ evidence: { max_logs: 2 } });
    world.start();
    world.flaky.connection = 'down';
    for (const log of ['one\n', 'two\n', 'three\n', 'four\n', 'five\n']) crash(log);
    await world.clock.advance(5000);
    world.flaky.connection = 'up';
    await world.clock.advance(60_000);
    expect(await evidence(world)).toEqual(['five\n', 'four\n']);
    expect(await reported(world)).toHaveLength(5);
    const losses = (await world.messages()).flatMap((message) => message.losses);
    expect(losses).toEqual([{ source: 'evidence', hop: 'evicted', count: 3 }]);
  });
});
