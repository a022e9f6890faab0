import { expect, test } from 'vitest';
import type { Incident } from '../../fold/model.ts';
import { anIncident, aShownIncident, startApi, T0 } from '../testing.ts';

interface List {
  readonly incidents: readonly Incident[];
  readonly next_cursor: string | null;
}

test('lists incidents as they are in the model', async () => {
  await using api = await startApi();
  api.database.commit({ incidents: [anIncident()] });
  const { status, body } = await api.get('/api/v1/incidents');
  expect(status).toBe(200);
  expect(body).toEqual({ incidents: [aShownIncident()], next_cursor: null });
});

test('filters by state, host and time, and turns pages', async () => {
  await using api = await startApi();
  const elsewhere = { ...anIncident().hosts[0]!, host_id: 'db-1' };
  api.database.commit({
    incidents: [
      anIncident({ id: 'i1-0', state: 'resolved', detected_us: T0 + 1 }),
      anIncident({ id: 'i2-0', state: 'firing', detected_us: T0 + 2, hosts: [elsewhere] }),
      anIncident({ id: 'i3-0', state: 'resolving', detected_us: T0 + 3 }),
    ],
  });
  const ids = async (query: string) => {
    const { body } = await api.get(`/api/v1/incidents?${query}`);
    return (body as List).incidents.map(({ id }) => id);
  };
  expect(await ids('')).toEqual(['i3-0', 'i2-0', 'i1-0']);
  expect(await ids('state=resolved')).toEqual(['i1-0']);
  expect(await ids('state=resolved&state=firing')).toEqual(['i2-0', 'i1-0']);
  expect(await ids('host=web-1')).toEqual(['i3-0', 'i1-0']);
  expect(await ids(`since=${T0 + 2}`)).toEqual(['i3-0', 'i2-0']);

  const first = (await api.get('/api/v1/incidents?limit=2')).body as List;
  expect(first.incidents.map(({ id }) => id)).toEqual(['i3-0', 'i2-0']);
  expect(await ids(`limit=2&cursor=${first.next_cursor}`)).toEqual(['i1-0']);
});

test('lists what is open before what is over, page by page, and candidates only when asked for', async () => {
  await using api = await startApi();
  api.database.commit({
    incidents: [
      anIncident({ id: 'i1-0', state: 'acknowledged', detected_us: T0 + 1 }),
      anIncident({ id: 'i2-0', state: 'merged', detected_us: T0 + 2, merged_into: 'i1-0' }),
      anIncident({ id: 'i3-0', state: 'firing', detected_us: T0 + 3 }),
      anIncident({ id: 'i4-0', state: 'closed', detected_us: T0 + 4 }),
      anIncident({ id: 'i5-0', state: 'candidate', detected_us: 0 }),
    ],
  });
  const ids: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await api.get(`/api/v1/incidents?limit=1${query}`);
    const page = body as List;
    ids.push(...page.incidents.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  expect(ids).toEqual(['i3-0', 'i1-0', 'i4-0', 'i2-0']);
  expect(await api.get('/api/v1/incidents?state=candidate')).toMatchObject({
    body: { incidents: [{ id: 'i5-0' }] },
  });
});

test.each([
  ['limit=1001', 'invalid_request', 'parameter limit must be <= 1000'],
  ['limit=many', 'invalid_request', 'parameter limit must be integer'],
  [
    'state=burning',
    'invalid_request',
    'parameter state.0 must be equal to one of the allowed values (candidate, firing, acknowledged, resolving, resolved, closed, merged)',
  ],
  ['host=a%20b', 'invalid_request', 'parameter host must match pattern "^[A-Za-z0-9_-]{1,64}$"'],
  ['colour=red', 'invalid_request', 'unknown parameter colour: /openapi.json lists the known ones'],
  ['cursor=!', 'invalid_cursor', 'this cursor was not given by this list: leave it out to start over'],
])('%s is refused', async (query, code, message) => {
  await using api = await startApi();
  expect(await api.get(`/api/v1/incidents?${query}`)).toMatchObject({
    status: 400,
    body: { error: { code, message } },
  });
});
