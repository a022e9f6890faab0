import { expect, test } from 'vitest';
import type { OperatorEntry } from '../../appender.ts';
import { anIncident, startApi } from '../testing.ts';

const PATH = '/api/v1/incidents';

/** An API with an incident that fires, one that is over and a candidate, and what its log took. */
async function startWith(operatorToken?: string) {
  const taken: OperatorEntry[] = [];
  const append = async (entry: OperatorEntry) => 40 + taken.push(entry);
  const api = await startApi({ append, ...(operatorToken !== undefined && { operatorToken }) });
  api.database.commit({
    incidents: [
      anIncident({ id: 'i1-0' }),
      anIncident({ id: 'i2-0', state: 'resolved' }),
      anIncident({ id: 'i3-0', state: 'candidate' }),
    ],
  });
  return Object.assign(api, { taken });
}

test.each([
  ['acknowledge', 'acknowledge'],
  ['resolve', 'resolve'],
  ['comment', 'comment_on'],
])('%s stands in the log', async (path, field) => {
  await using api = await startWith();
  const said = { by: 'ann', comment: 'on it' };
  expect(await api.send('POST', `${PATH}/i1-0/${path}`, said)).toMatchObject({
    status: 202,
    body: { sequence: 41 },
  });
  expect(api.taken).toEqual([{ command: { ...said, [field]: { incident_id: 'i1-0' } } }]);
  expect(await api.send('POST', `${PATH}/i9-0/${path}`, said)).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'incident_not_found',
        message: 'there is no incident i9-0: /api/v1/incidents lists those that are kept',
      },
    },
  });
  expect((await api.send('POST', `${PATH}/i1-0/${path}`, { ...said, why: 'x' })).status).toBe(400);
  expect((await api.send('POST', `${PATH}/i1-0/${path}`, { by: 'x'.repeat(257), comment: 'y' })).status).toBe(
    400,
  );
  expect(
    (await api.send('POST', `${PATH}/i1-0/${path}`, { by: 'x', comment: 'y'.repeat(2049) })).status,
  ).toBe(400);
  expect(api.taken).toHaveLength(1);
});

test.each(['acknowledge', 'resolve'])('%s needs no word more', async (path) => {
  await using api = await startWith();
  expect((await api.send('POST', `${PATH}/i1-0/${path}`)).status).toBe(202);
  expect((await api.send('POST', `${PATH}/i1-0/${path}`, {})).status).toBe(202);
  const command = { by: '', comment: '', [path]: { incident_id: 'i1-0' } };
  expect(api.taken).toEqual([{ command }, { command }]);
});

test('a comment does', async () => {
  await using api = await startWith();
  for (const body of [undefined, {}, { comment: '' }])
    expect((await api.send('POST', `${PATH}/i1-0/comment`, body)).status).toBe(400);
  expect(api.taken).toEqual([]);
});

test.each([
  ['i2-0', 'incident i2-0 is resolved already'],
  ['i3-0', 'incident i3-0 is a candidate: nobody was told of it yet'],
])('of %s there is nothing to decide, but to say', async (id, message) => {
  await using api = await startWith();
  for (const path of ['acknowledge', 'resolve']) {
    expect(await api.send('POST', `${PATH}/${id}/${path}`)).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict', message } },
    });
  }
  expect((await api.send('POST', `${PATH}/${id}/comment`, { comment: 'the cable' })).status).toBe(202);
});

test('is not taken from a page of another site, which need not ask first', async () => {
  await using api = await startWith();
  const response = await fetch(`${api.api.url}${PATH}/i1-0/resolve`, {
    method: 'POST',
    headers: { origin: 'https://elsewhere.example' },
  });
  expect(response.status).toBe(403);
  expect(api.taken).toEqual([]);
});

test('needs the operator’s token where there is one', async () => {
  await using api = await startWith('0123456789abcdef');
  for (const path of ['acknowledge', 'resolve', 'comment'])
    expect((await api.send('POST', `${PATH}/i1-0/${path}`, { comment: 'x' })).status).toBe(401);
  expect(api.taken).toEqual([]);
});
