import { expect, test } from 'vitest';
import { shownCrash } from '../../fold/crash.ts';
import { aCrash, startApi } from '../testing.ts';

test('shows a crash, with all that is kept of it', async () => {
  await using api = await startApi();
  const witnessed = { record: 'netoops-1', source: 'netoops', revision: 0, digest: '', holes: [] };
  const elsewhere = { record: 'netoops-2', sender: '10.0.0.8', holders: ['web-2'], crashed: null };
  const crash = aCrash({ id: 'c7-1', unlisted_records: 2 }, {}, witnessed, elsewhere);
  api.database.commit({ crashes: [crash] });
  const { status, body } = await api.get('/api/v1/crashes/c7-1');
  expect(status).toBe(200);
  expect(body).toEqual(shownCrash(crash));
  expect(body).toMatchObject({
    mismatches: [{ what: 'address', said: '10.0.0.8', known: 'web-2' }],
    best: 0,
  });
});

test('answers to the ids of those that turned out to be it', async () => {
  await using api = await startApi();
  api.database.commit({
    crashes: [aCrash({ id: 'c1-0', merged: ['c5-0', 'c9-1'] }), aCrash({ id: 'c2-0' })],
  });
  for (const id of ['c1-0', 'c5-0', 'c9-1'])
    expect(await api.get(`/api/v1/crashes/${id}`)).toMatchObject({ status: 200, body: { id: 'c1-0' } });
  expect(await api.get('/api/v1/crashes/c5-1')).toMatchObject({ status: 404 });
});

test('names the crash that is not there', async () => {
  await using api = await startApi();
  expect(await api.get('/api/v1/crashes/c7-1')).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'crash_not_found',
        message: 'there is no crash c7-1: /api/v1/crashes lists those that are kept',
      },
    },
  });
});
