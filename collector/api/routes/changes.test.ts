import { expect, test } from 'vitest';
import type { OperatorEntry } from '../../appender.ts';
import type { ChangeRecord } from '../../fold/changes.ts';
import { startApi, T0 } from '../testing.ts';

const PATH = '/api/v1/changes';
const aChange = (id: string, part: Partial<ChangeRecord> = {}): ChangeRecord => ({
  ...{ id, kind: 'firmware', summary: `NICs, step ${id}`, at_us: T0, announced_us: T0 + 1 },
  ...{ attributes: [{ key: 'rack', value: 'r12' }], hosts: ['web-1'], by: 'ann', url: 'https://x.example' },
  ...part,
});

/** An API, and what its log took. */
async function startWith(operatorToken?: string) {
  const taken: OperatorEntry[] = [];
  const append = async (entry: OperatorEntry) => 40 + taken.push(entry);
  const api = await startApi({ append, ...(operatorToken !== undefined && { operatorToken }) });
  return Object.assign(api, { taken });
}

test('lists them, those that began last first, by pages', async () => {
  await using api = await startWith();
  expect((await api.get(PATH)).body).toEqual({ changes: [], next_cursor: null });
  api.database.commit({
    changes: [aChange('a', { at_us: T0 - 5 }), aChange('c'), aChange('b'), aChange('d', { at_us: T0 + 9 })],
  });
  const first = (await api.get(`${PATH}?limit=2`)).body as { changes: object[]; next_cursor: string };
  const shown = { ...aChange('b'), attributes: { rack: 'r12' } };
  expect(first.changes).toEqual([{ ...shown, id: 'd', summary: 'NICs, step d', at_us: T0 + 9 }, shown]);
  const second = (await api.get(`${PATH}?limit=2&cursor=${first.next_cursor}`)).body;
  expect(second).toMatchObject({ changes: [{ id: 'c' }, { id: 'a' }], next_cursor: null });
  expect((await api.get(`${PATH}?since=${T0}`)).body).toMatchObject({
    changes: [{ id: 'd' }, { id: 'b' }, { id: 'c' }],
  });
  expect(await api.get(`${PATH}?cursor=x`)).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_cursor' } },
  });
});

test('takes the shortest announcement that there is, as curl -d sends it', async () => {
  await using api = await startWith();
  const response = await fetch(api.api.url + PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '{"summary":"deploy api v2.31","attributes":{"pool":"api"}}',
  });
  expect(response.status).toBe(202);
  const { id, sequence } = (await response.json()) as { id: string; sequence: number };
  expect(id).toMatch(/^c-[0-9a-f]{12}$/);
  expect(sequence).toBe(41);
  expect(api.taken).toEqual([
    {
      change: {
        ...{ id, kind: 'deployment', summary: 'deploy api v2.31', at_us: 0 },
        ...{ attributes: [{ key: 'pool', value: 'api' }], hosts: [], by: '', url: '' },
      },
    },
  ]);
});

test('but not from a page of another site', async () => {
  await using api = await startWith();
  for (const origin of ['https://elsewhere.example', 'http://127.0.0.1:1', 'null']) {
    for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
      const headers = { 'content-type': type, origin };
      expect(await api.send('POST', PATH, { summary: 'x' }, headers)).toMatchObject({
        status: 403,
        body: { error: { code: 'forbidden' } },
      });
    }
  }
  expect(api.taken).toEqual([]);
  expect((await api.send('POST', PATH, { summary: 'x' }, { origin: api.api.url })).status).toBe(202);
});

test('takes all that there is to say', async () => {
  await using api = await startWith();
  const body = {
    ...{ id: 'deploy-231', kind: 'sysctl', summary: 'rmem_max', at_us: 5, hosts: ['web-1'] },
    ...{ attributes: { rack: 'r12', pool: 'api' }, by: 'ci', url: 'https://ci.example/231' },
  };
  expect(await api.send('POST', PATH, body)).toMatchObject({
    status: 202,
    body: { id: 'deploy-231', sequence: 41 },
  });
  const attributes = [
    { key: 'pool', value: 'api' },
    { key: 'rack', value: 'r12' },
  ];
  expect(api.taken).toEqual([{ change: { ...body, attributes } }]);
});

test.each([
  ['no summary', {}, "must have required property 'summary'"],
  ['an empty one', { summary: '' }, 'parameter summary'],
  ['an unknown field', { attribute: {} }, 'unknown parameter attribute'],
  ['no kind', { kind: 'A B' }, 'parameter kind'],
  ['no id', { id: 'a b' }, 'parameter id'],
  ['no key of an attribute', { attributes: { 'A B': 'c' } }, 'parameter A B'],
  ['no value of one', { attributes: { a: ['b', 'c'] } }, 'parameter attributes.a'],
  ['no host', { hosts: ['a b'] }, 'parameter hosts.0'],
  ['text that is none', { summary: '\ud800' }, 'change.summary is no well-formed text'],
  [
    'too many attributes',
    { attributes: Object.fromEntries([...'abcdefghi'].map((k) => [k, k])) },
    'attributes',
  ],
  ['a moment over a day ahead', { at_us: 4e15 }, 'at_us is over a day from now'],
])('%s is refused', async (name, part, message) => {
  await using api = await startWith();
  const body = name === 'no summary' ? part : { summary: 'x', ...part };
  const answer = await api.send('POST', PATH, body);
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  expect(JSON.stringify(answer.body)).toContain(message);
  expect(api.taken).toEqual([]);
});

test('says when the log is out of reach', async () => {
  await using api = await startApi({
    append: async () => {
      throw new Error('no connection');
    },
  });
  expect(await api.send('POST', PATH, { summary: 'x' })).toMatchObject({
    status: 503,
    body: {
      error: { code: 'log_unavailable', message: 'the log did not take it (no connection): try again' },
    },
  });
});

test('needs the operator’s token where there is one', async () => {
  await using api = await startWith('0123456789abcdef');
  expect((await api.send('POST', PATH, { summary: 'x' })).status).toBe(401);
  expect(api.taken).toEqual([]);
  const headers = { authorization: 'Bearer 0123456789abcdef' };
  expect((await api.send('POST', PATH, { summary: 'x' }, headers)).status).toBe(202);
});
