import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog, systemClock } from '@netfall/log';
import { decodeEntry, readEvents } from '@netfall/proto';
import { listScenarios, simulate } from '@netfall/simulate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../test/processes/netfall.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'netfall-simulate-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const names = listScenarios().map(({ name }) => name);
const tiny = ['simulate', '--scenario', 'host-crash', '--hosts', '20', '--seed', '3'];

describe('netfall simulate', () => {
  it('explains itself within 80 columns', async () => {
    const { code, stdout } = await run('simulate', '--help');
    expect(code).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('lists scenarios, each on a line that nothing is cut off', async () => {
    const { stdout } = await run('simulate', '--list');
    const [heading, ...lines] = stdout.trimEnd().split('\n');
    expect(heading).toBe('SCENARIO              WHAT HAPPENS');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(names);
    expect(stdout).not.toContain('…');
    expect(JSON.parse((await run('simulate', '--list', '--json')).stdout)).toEqual({
      scenarios: listScenarios(),
    });
  });

  it('writes the log and the truth', async () => {
    const dir = join(directory, 'new', 'out');
    const { truth, entries } = simulate({ scenario: 'host-crash', hosts: 20, seed: 3 });
    const log = [...entries()];
    const { code, stdout, stderr } = await run(...tiny, '--out', dir);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      `host-crash on 20 hosts, seed 3: ${log.length} entries over 5:00`,
      'TRUTH  KIND    HOSTS  FROM    TO  CAUSE',
      `t1     crash  1 of 1  1:20  3:50  host=${truth.incidents[0]?.hosts[0]}`,
      expect.stringMatching(/^t2 {5}drop {8}\d {2}1:2\d {2}3:5\d {2}comes of t1$/),
      `written to ${dir}/events.ndjson and truth.json`,
      '',
    ]);
    expect(JSON.parse(readFileSync(join(dir, 'truth.json'), 'utf8'))).toEqual(truth);
    const read = [];
    for await (const event of readEvents(createReadStream(join(dir, 'events.ndjson'), 'utf8')))
      read.push(event);
    expect(read.map(({ data, ...event }) => ({ ...event, data: [...data] }))).toEqual(
      log.map(({ data, ...event }) => ({ ...event, data: [...data] })),
    );
  });

  it('says the same as one JSON document', async () => {
    const dir = join(directory, 'json');
    const { stdout } = await run(...tiny, '--out', dir, '--json');
    const entries = [...simulate({ scenario: 'host-crash', hosts: 20, seed: 3 }).entries()].length;
    const said = { scenario: 'host-crash', seed: 3, hosts: 20, entries, incidents: 2, out: dir };
    expect(JSON.parse(stdout)).toEqual(said);
  });

  it('feeds a log, twice if need be, with the times of its own stamps', async () => {
    const dir = join(directory, 'log');
    const args = [
      'simulate',
      '--scenario',
      'leader-killed',
      '--hosts',
      '20',
      '--log',
      dir,
      '--speed',
      '1000',
    ];
    const told = [...simulate({ scenario: 'leader-killed', hosts: 20, seed: 1 }).entries()].filter(
      ({ subject }) => subject.includes('.host.'),
    );
    // Messages that stand twice in the simulated log are repetitions to a log that remembers ten seconds.
    const distinct = new Set(
      told.map(({ data }) => {
        const { envelope } = decodeEntry(data);
        return `${envelope?.host_id} ${envelope?.seq}`;
      }),
    ).size;
    for (let time = 1; time <= 2; time++) {
      const { stdout, stderr, code } = await run(...args, '--json');
      expect([code, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({ scenario: 'leader-killed', appended: told.length });
      const log = openEmbeddedLog({ dir, clock: systemClock });
      try {
        const { last } = await log.info();
        expect(last).toBe(time * distinct);
        const newest = await log.get(last);
        const { envelope } = decodeEntry(newest?.data ?? new Uint8Array());
        // A skewed clock, a late message, and no more.
        expect(Math.abs((envelope?.observed_us ?? 0) - (newest?.timeUs ?? 0))).toBeLessThan(60_000_000);
      } finally {
        await log.close();
      }
    }
  });

  it('says where it cannot write', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, '');
    expect(await run(...tiny, '--out', path)).toEqual({
      code: 1,
      stdout: '',
      stderr: `netfall: ${path} cannot be written (EEXIST): name a folder with room for the log\n`,
    });
  });

  it.each([
    [
      ['--list', '--hosts', '0'],
      "option '--hosts <n>' argument '0' is invalid. Give a number from 1 to 9999999.",
    ],
    [[], `name a --scenario: ${names.join(', ')}`],
    [
      ['--scenario', 'tor-failre'],
      `there is no scenario "tor-failre" (did you mean tor-failure?): name one of ${names.join(', ')}`,
    ],
    [['--scenario', 'zzz'], `there is no scenario "zzz": name one of ${names.join(', ')}`],
    [['--scenario', 'syn-flood'], 'say where to: --out DIR for files, --nats URL or --log DIR for a log'],
    [
      ['--scenario', 'syn-flood', '--out', 'x', '--log', 'y'],
      'say where to: --out DIR for files, --nats URL or --log DIR for a log',
    ],
    [
      ['--scenario', 'syn-flood', '--out', 'x', '--speed', '2'],
      '--speed is for a log: files are written as fast as can be',
    ],
    [['--scenario', 'syn-flood', '--out', 'x', '--hosts', '5'], '5 hosts: give a number from 20 to 100000'],
  ])('%j is wrong usage', async (args, message) => {
    expect(await run('simulate', ...args)).toEqual({ code: 2, stdout: '', stderr: `netfall: ${message}\n` });
  });
});
