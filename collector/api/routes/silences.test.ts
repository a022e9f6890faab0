import type { Inventory } from '@netfall/proto';
import { expect, test } from 'vitest';
import type { OperatorEntry } from '../../appender.ts';
import type { SilenceRecord } from '../../fold/silence.ts';
import { anInventory } from '../../fold/testing/crash-items.ts';
import { aHost, anIncident, startApi, T0 } from '../testing.ts';

const PATH = '/api/v1/silences';
const HOUR_US = 3_600_000_000;
const aSilence = (id: string, part: Partial<SilenceRecord> = {}): SilenceRecord => ({
  ...{ id, matchers: [{ name: 'rack', value: 'r12', not: false }], from_us: T0, until_us: T0 + HOUR_US },
  ...{ maintenance: false, by: 'ann', comment: 'new switch', created_us: T0 },
  ...{ ended_us: 0, ended_by: '', ended_comment: '' },
  ...part,
});
const inRack = (rack: string): Inventory => anInventory({ labels: [{ key: 'rack', value: rack }] });

/** An API at T0, and what its log took. */
async function startWith(operatorToken?: string) {
  const taken: OperatorEntry[] = [];
  const append = async (entry: OperatorEntry) => 40 + taken.push(entry);
  const clock = { nowUs: () => T0, setTimer: () => ({ cancel: () => {} }) };
  const api = await startApi({ append, clock, ...(operatorToken !== undefined && { operatorToken }) });
  return Object.assign(api, { taken });
}

test('lists them by state, those that were made last first', async () => {
  await using api = await startWith();
  expect((await api.get(PATH)).body).toEqual({ silences: [], next_cursor: null });
  const matchers = [
    { name: 'reason', value: 'NO_*', not: false },
    { name: 'host', value: 'web=1', not: true },
  ];
  api.database.commit({
    silences: [
      aSilence('later', { from_us: T0 + 1, created_us: T0 - 3 }),
      aSilence('now', { matchers }),
      aSilence('over', { until_us: T0, created_us: T0 - 1 }),
      aSilence('ended', { ended_us: T0, ended_by: 'bob', ended_comment: 'done', created_us: T0 - 2 }),
    ],
  });
  const { body } = await api.get(PATH);
  expect(body).toMatchObject({
    silences: [
      { id: 'now', state: 'active', matchers: ['reason=NO_*', 'host!=web=1'], by: 'ann' },
      { id: 'over', state: 'over' },
      { id: 'ended', state: 'over', ended_us: T0, ended_by: 'bob', ended_comment: 'done' },
      { id: 'later', state: 'pending' },
    ],
    next_cursor: null,
  });
  expect((await api.get(`${PATH}?state=active&state=pending`)).body).toMatchObject({
    silences: [{ id: 'now' }, { id: 'later' }],
  });
  const page = (await api.get(`${PATH}?limit=3`)).body as { next_cursor: string };
  expect((await api.get(`${PATH}?limit=3&cursor=${page.next_cursor}`)).body).toMatchObject({
    silences: [{ id: 'later' }],
    next_cursor: null,
  });
});

test('makes one, and says what it covers now', async () => {
  await using api = await startWith();
  const host = (hostId: string, active: boolean) => {
    return { ...anIncident().hosts[0], host_id: hostId, active } as ReturnType<typeof anIncident>['hosts'][0];
  };
  api.database.commit({
    hosts: [
      aHost('web-1', { inventory: inRack('r12') }),
      aHost('web-2', { inventory: inRack('r12'), status: 'silent' }),
      aHost('web-3', { inventory: inRack('r13') }),
    ],
    incidents: [
      anIncident({ id: 'i1-0' }),
      // Another rack's is affected, too.
      anIncident({ id: 'i2-0', hosts: [host('web-1', true), host('web-3', true)] }),
      // It is well by now.
      anIncident({ id: 'i3-0', hosts: [host('web-1', true), host('web-3', false)] }),
      anIncident({ id: 'i4-0', state: 'resolved' }),
      anIncident({ id: 'i5-0', state: 'resolving', hosts: [host('web-2', false)] }),
    ],
  });
  const made = async (...matchers: string[]) => {
    const { status, body } = await api.send('POST', PATH, { matchers, for_s: 60 });
    expect(status).toBe(202);
    return body as { id: string; sequence: number; hosts: number | null; incidents: number };
  };
  const { id, ...rest } = await made('rack=r12');
  expect(id).toMatch(/^s-[0-9a-f]{12}$/);
  expect(rest).toEqual({ sequence: 41, hosts: 2, incidents: 3 });
  expect(api.taken).toEqual([
    {
      command: {
        ...{ by: '', comment: '' },
        silence: {
          id,
          matchers: [{ name: 'rack', value: 'r12', not: false }],
          ...{ from_us: 0, until_us: T0 + 60_000_000, maintenance: false },
        },
      },
    },
  ]);
  expect(await made('incident=i2-0')).toMatchObject({ hosts: null, incidents: 1 });
  expect(await made('reason=NO_*', 'rack!=r13')).toMatchObject({ hosts: 2, incidents: 3 });
  expect(await made('reason!=NO_*')).toMatchObject({ hosts: null, incidents: 0 });
  expect(await made('host=db-*')).toMatchObject({ hosts: 0, incidents: 0 });
});

test('makes one for later, for planned work', async () => {
  await using api = await startWith();
  const body = {
    ...{ matchers: ['rack=r12', 'pool!=db'], from_us: T0 + HOUR_US, for_s: 7200 },
    ...{ maintenance: true, by: 'ann', comment: 'new switch' },
  };
  expect((await api.send('POST', PATH, body)).status).toBe(202);
  expect(api.taken).toMatchObject([
    {
      command: {
        ...{ by: 'ann', comment: 'new switch' },
        silence: {
          matchers: [{ name: 'rack' }, { name: 'pool', value: 'db', not: true }],
          ...{ from_us: T0 + HOUR_US, until_us: T0 + 3 * HOUR_US, maintenance: true },
        },
      },
    },
  ]);
});

test.each([
  ['no matcher', { matchers: [] }, 'parameter matchers'],
  [
    'what is none',
    { matchers: ['rack r12'] },
    '\\"rack r12\\" is no matcher: write name=value or name!=value, with * for any text',
  ],
  ['a name that is none', { matchers: ['Rack=r12'] }, 'is no matcher'],
  ['no duration', { for_s: undefined }, "must have required property 'for_s'"],
  ['over 30 days', { for_s: 30 * 86_400 + 1 }, 'parameter for_s'],
  ['what would be over', { from_us: T0 - 60_000_000 }, 'would be over already'],
  ['what is over a year away', { from_us: T0 + 367 * 24 * HOUR_US }, 'over a year from now'],
  ['an unknown field', { until_us: T0 }, 'unknown parameter until_us'],
  ['text that is none', { comment: '\ud800' }, 'command.comment is no well-formed text'],
])('%s is refused', async (_name, part, message) => {
  await using api = await startWith();
  const answer = await api.send('POST', PATH, { matchers: ['rack=r12'], for_s: 60, ...part });
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  expect(JSON.stringify(answer.body)).toContain(message);
  expect(api.taken).toEqual([]);
});

test('ends one before its time', async () => {
  await using api = await startWith();
  api.database.commit({ silences: [aSilence('s-1'), aSilence('s-2', { until_us: T0 })] });
  expect(await api.send('DELETE', `${PATH}/s-1?by=bob&comment=all%20done`)).toMatchObject({
    status: 202,
    body: { sequence: 41 },
  });
  expect((await api.send('DELETE', `${PATH}/s-1`)).status).toBe(202);
  expect(api.taken).toEqual([
    { command: { by: 'bob', comment: 'all done', end_silence: { id: 's-1' } } },
    { command: { by: '', comment: '', end_silence: { id: 's-1' } } },
  ]);
  expect(await api.send('DELETE', `${PATH}/s-2`)).toMatchObject({
    status: 409,
    body: { error: { code: 'conflict', message: 'silence s-2 is over already' } },
  });
  expect(await api.send('DELETE', `${PATH}/s-3`)).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'silence_not_found',
        message: 'there is no silence s-3: /api/v1/silences lists those that are kept',
      },
    },
  });
  expect((await api.send('DELETE', `${PATH}/s-1?why=x`)).status).toBe(400);
  expect(api.taken).toHaveLength(2);
});

test('needs the operator’s token where there is one', async () => {
  await using api = await startWith('0123456789abcdef');
  api.database.commit({ silences: [aSilence('s-1')] });
  const body = { matchers: ['rack=r12'], for_s: 60 };
  expect((await api.send('POST', PATH, body)).status).toBe(401);
  expect((await api.send('DELETE', `${PATH}/s-1`)).status).toBe(401);
  expect(api.taken).toEqual([]);
  const headers = { authorization: 'Bearer 0123456789abcdef' };
  expect((await api.send('POST', PATH, body, headers)).status).toBe(202);
  expect((await api.send('DELETE', `${PATH}/s-1`, undefined, headers)).status).toBe(202);
});
