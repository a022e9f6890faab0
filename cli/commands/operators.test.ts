import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { anIncident, startApi, T0, type TestApi } from '../../collector/api/testing.ts';
import type { OperatorEntry } from '../../collector/appender.ts';
import { Netfall, run } from '../../test/processes/netfall.ts';

const taken: OperatorEntry[] = [];
const silence = {
  ...{ id: 's-1', matchers: [{ name: 'rack', value: 'r12', not: false }], maintenance: false },
  ...{ from_us: T0, until_us: T0 + 3_600_000_000, created_us: T0, by: 'ann', comment: 'switch' },
  ...{ ended_us: 0, ended_by: '', ended_comment: '' },
};
const change = {
  ...{ id: 'd-1', kind: 'deployment', summary: 'api v2.31', at_us: T0, announced_us: T0, hosts: [] },
  ...{ attributes: [{ key: 'pool', value: 'api' }], by: 'ci', url: '' },
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ append: async (entry) => 40 + taken.push(entry) });
  api.database.commit({
    incidents: [anIncident(), anIncident({ id: 'i7-0', state: 'resolved' })],
    silences: [silence, { ...silence, id: 's-2', until_us: T0 }],
    changes: [change],
  });
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(() => {
  taken.length = 0;
});

const netfall = (...args: string[]) => run(...args, '--api', api.api.url);
const said = ['--by', 'ann', '--comment', 'on it'];
const done = (stdout: string) => ({ code: 0, stderr: '', stdout });
const failed = (message: string) => ({ code: 1, stderr: `netfall: ${message}\n`, stdout: '' });

describe('an operator decides about an incident', () => {
  it.each([
    ['ack', 'acknowledge', 'i100-0 is acknowledged, by ann.\n'],
    ['resolve', 'resolve', 'i100-0 is resolved, by ann.\n'],
  ])('%s', async (command, field, text) => {
    expect(await netfall('incidents', command, 'i100-0', ...said)).toEqual(done(text));
    expect(taken).toEqual([{ command: { by: 'ann', comment: 'on it', [field]: { incident_id: 'i100-0' } } }]);
    const { stdout } = await netfall('incidents', command, 'i100-0', '--json');
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ incident_id: 'i100-0', sequence: 42, comment: '' });
    // Whoever runs this, on this host.
    expect(document.by).toMatch(/.+@.+/);
    expect(taken[1]).toMatchObject({ command: { by: document.by } });
  });

  it('comment', async () => {
    expect(await netfall('incidents', 'comment', 'i100-0', 'the cable', '--by', 'ann')).toEqual(
      done('i100-0 has the comment, by ann.\n'),
    );
    expect(taken).toEqual([
      { command: { by: 'ann', comment: 'the cable', comment_on: { incident_id: 'i100-0' } } },
    ]);
  });

  it('says what cannot be decided', async () => {
    expect(await netfall('incidents', 'ack', 'i1-0')).toEqual(
      failed('there is no incident i1-0: "netfall incidents list" shows those that are kept'),
    );
    expect(await netfall('incidents', 'resolve', 'i7-0')).toEqual(
      failed('incident i7-0 is resolved already'),
    );
    expect(taken).toEqual([]);
  });
});

describe('an operator silences', () => {
  const matchersOf = (entry: OperatorEntry | undefined) =>
    entry && 'command' in entry ? entry.command.silence?.matchers : undefined;

  it('an incident, all that are like it, or what matches', async () => {
    const { code, stdout } = await netfall('incidents', 'silence', 'i100-0', '--for', '2h', ...said);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Silence s-[0-9a-f]{12} holds from now on until .* UTC, about\nincident=i100-0\.\nIt covers 1 open incident now\. /,
    );
    await netfall('incidents', 'silence', 'i100-0', '--fingerprint', '--for', '2h');
    await netfall('incidents', 'silence', '--match', 'rack=r12', '--match', 'reason!=NO_*', '--for', '2h');
    await netfall('incidents', 'silence', 'i100-0', '--match', 'rack=r12', '--for', '2h');
    expect(taken.map(matchersOf)).toEqual([
      [{ name: 'incident', value: 'i100-0', not: false }],
      [{ name: 'fingerprint', value: 'drop/NO_SOCKET/__udp4_lib_rcv', not: false }],
      [
        { name: 'rack', value: 'r12', not: false },
        { name: 'reason', value: 'NO_*', not: true },
      ],
      [
        { name: 'incident', value: 'i100-0', not: false },
        { name: 'rack', value: 'r12', not: false },
      ],
    ]);
    expect(await netfall('incidents', 'silence', 'i1-0', '--for', '2h')).toMatchObject({ code: 1 });
    expect(taken).toHaveLength(4);
  });

  it('hosts under maintenance', async () => {
    const at = '2099-01-01T00:00Z';
    const args = ['maintenance', '--match', 'rack=r12', '--for', '2h', '--json'];
    const { stdout } = await netfall(...args, ...said);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ matchers: ['rack=r12'], for_s: 7200, from_us: 0, maintenance: true, by: 'ann', comment: 'on it' },
      ...{ id: expect.stringMatching(/^s-/), sequence: 41, hosts: 0, incidents: 0 },
    });
    expect(taken).toMatchObject([{ command: { silence: { from_us: 0, maintenance: true } } }]);
    expect(await netfall(...args, '--from', at)).toEqual(
      failed('from_us is over a year from now: make the silence later; the unit is microseconds'),
    );
  });

  it('lists silences, and ends one', async () => {
    const { stdout } = await netfall('silences');
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['ID', 's-1', '', '']);
    expect(stdout).toContain('\n  rack=r12: switch\n');
    const all = JSON.parse((await netfall('silences', 'list', '--all', '--json')).stdout);
    expect(all).toMatchObject({ silences: [{ id: 's-1', matchers: ['rack=r12'] }, { id: 's-2' }] });
    expect(await netfall('silences', 'end', 's-1', ...said)).toEqual(done('s-1 is over.\n'));
    expect(taken).toEqual([{ command: { by: 'ann', comment: 'on it', end_silence: { id: 's-1' } } }]);
    expect(await netfall('silences', 'end', 's-2')).toEqual(failed('silence s-2 is over already'));
    expect(await netfall('silences', 'end', 's-3')).toEqual(
      failed('there is no silence s-3: "netfall silences" shows those that are not over'),
    );
  });
});

describe('changes', () => {
  it('are listed', async () => {
    const { stdout } = await netfall('changes');
    expect(stdout).toMatch(
      /^BEGAN .*\n\d+ d ago +deployment +d-1 +ci +hosts with pool=api\n {2}api v2\.31\n$/,
    );
    expect(JSON.parse((await netfall('changes', 'list', '--json')).stdout)).toEqual({
      changes: [{ ...change, attributes: { pool: 'api' } }],
    });
  });

  it('are announced', async () => {
    const args = ['changes', 'announce', 'api v2.32', '--attribute', 'pool=api', '--by', 'ci'];
    expect((await netfall(...args)).stdout).toMatch(
      /^Announced as c-[0-9a-f]{12}, on hosts with pool=api: api v2\.32\n$/,
    );
    const more = [
      '--id',
      'd-2',
      '--kind',
      'kernel',
      '--host',
      'web-1',
      'web-2',
      '--url',
      'https://x.example',
    ];
    const { stdout } = await netfall(...args, ...more, '--at', '2026-01-02T03:04:05Z', '--json');
    const whole = {
      ...{ id: 'd-2', kind: 'kernel', summary: 'api v2.32', at_us: 1_767_323_045_000_000 },
      ...{ hosts: ['web-1', 'web-2'], by: 'ci', url: 'https://x.example' },
    };
    expect(JSON.parse(stdout)).toEqual({ ...whole, attributes: { pool: 'api' }, sequence: 42 });
    expect(taken).toMatchObject([
      { change: { kind: 'deployment', at_us: 0, hosts: [], by: 'ci' } },
      { change: { ...whole, attributes: [{ key: 'pool', value: 'api' }] } },
    ]);
  });
});

it('a token goes along where there is one', async () => {
  await using guarded = await startApi({ operatorToken: '0123456789abcdef', append: async () => 7 });
  guarded.database.commit({ silences: [silence] });
  const end = ['silences', 'end', 's-1', '--api', guarded.api.url];
  expect(await run(...end)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('changes need the operator’s token'),
  });
  expect(await run(...end, '--token-file', '/nowhere')).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('/nowhere cannot be read (ENOENT)') },
  });
  const env = { NETFALL_TOKEN: '0123456789abcdef' };
  expect(await new Netfall(end, { env }).ended).toEqual(done('s-1 is over.\n'));
});
