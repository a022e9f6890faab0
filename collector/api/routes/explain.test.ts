import { allNames, explain, search } from '@netfall/catalog/explain';
import { expect, test } from 'vitest';
import { startApi } from '../testing.ts';

test('tells every entry of the catalog whole', async () => {
  await using api = await startApi();
  for (const name of allNames()) {
    const { status, body } = await api.get(`/api/v1/explain/${encodeURIComponent(name)}`);
    expect([status, body]).toEqual([200, explain(name)]);
  }
}, 60_000);

test('knows a name as people write it', async () => {
  await using api = await startApi();
  for (const name of ['SKB_DROP_REASON_NO_SOCKET', 'no_socket', 'No%20Socket']) {
    expect(await api.get(`/api/v1/explain/${name}`)).toMatchObject({
      status: 200,
      body: { name: 'NO_SOCKET', kind: 'reason' },
    });
  }
});

test('names what may have been meant', async () => {
  await using api = await startApi();
  const first = search('rcvbuf').slice(0, 3);
  expect(first).toHaveLength(3);
  expect(await api.get('/api/v1/explain/rcvbuf')).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'name_not_found',
        message: `the catalog has no "rcvbuf": did you mean ${first.join(' or ')}?`,
      },
    },
  });
  expect(await api.get('/api/v1/explain/%1B%5B2Jxyzzy')).toMatchObject({
    status: 404,
    body: {
      error: {
        code: 'name_not_found',
        message: 'the catalog has no "\\u001b[2Jxyzzy": /api/v1/explain?q=WORDS finds parts of names',
      },
    },
  });
});

test('finds names by their parts', async () => {
  await using api = await startApi();
  const matches = search('udp rcvbuf').map((name) => ({ name, means: explain(name)?.means }));
  expect(matches.map(({ name }) => name).slice(0, 2)).toEqual(['UdpRcvbufErrors', 'Udp6RcvbufErrors']);
  expect(await api.get('/api/v1/explain?q=udp%20rcvbuf')).toMatchObject({ status: 200, body: { matches } });
  expect(await api.get('/api/v1/explain?q=xyzzy')).toMatchObject({ status: 200, body: { matches: [] } });
});
