import { expect, test } from 'vitest';
import { shownCrash } from '../../fold/crash.ts';
import type { Crash } from '../../fold/model.ts';
import { aCrash, aReading, signatureFor, startApi, T0 } from '../testing.ts';

interface List {
  readonly crashes: readonly Crash[];
  readonly next_cursor: string | null;
}

test('lists crashes as they are in the model', async () => {
  await using api = await startApi();
  api.database.commit({ crashes: [aCrash()] });
  const { status, body } = await api.get('/api/v1/crashes');
  expect(status).toBe(200);
  expect(body).toEqual({ crashes: [shownCrash(aCrash())], next_cursor: null });
});

test('filters by host, source and time, and turns pages', async () => {
  await using api = await startApi();
  const nobody = { crashed: null, holders: [], sender: '192.0.2.1' };
  const pstore = { record: 'p', source: 'pstore', sender: '' };
  api.database.commit({
    crashes: [
      aCrash({ id: 'c1-0' }, { first_us: T0 + 1 }, { first_us: T0 + 9, ...pstore }),
      aCrash({ id: 'c2-0' }, { first_us: T0 + 2, ...nobody }),
      // Noticed first, and newest by the moment at which it was.
      aCrash({ id: 'c0-0' }, { first_us: T0 + 3 }),
      aCrash({ id: 'c4-0' }, { first_us: T0 + 3 }),
    ],
  });
  const ids = async (query: string) => {
    const { body } = await api.get(`/api/v1/crashes?${query}`);
    return (body as List).crashes.map(({ id }) => id);
  };
  expect(await ids('')).toEqual(['c0-0', 'c4-0', 'c2-0', 'c1-0']);
  expect(await ids('host=web-1')).toEqual(['c0-0', 'c4-0', 'c1-0']);
  expect(await ids('host=web-2')).toEqual([]);
  expect(await ids('source=pstore')).toEqual(['c1-0']);
  expect(await ids('source=netconsole&host=web-1')).toEqual(['c0-0', 'c4-0', 'c1-0']);
  expect(await ids(`since=${T0 + 2}`)).toEqual(['c0-0', 'c4-0', 'c2-0']);

  const joined: string[] = [];
  let cursor: string | null = '';
  for (let pages = 0; cursor !== null && pages < 9; pages++) {
    const page: List = (await api.get(`/api/v1/crashes?limit=1${cursor && `&cursor=${cursor}`}`))
      .body as List;
    joined.push(...page.crashes.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  expect(joined).toEqual(['c0-0', 'c4-0', 'c2-0', 'c1-0']);
});

test('lists those without a signature', async () => {
  await using api = await startApi();
  const read = aCrash({ id: 'c1-0' }, { parser_version: 1, reading: aReading(1) });
  api.database.commit({ crashes: [read, aCrash({ id: 'c2-0' })] });
  const ids = async (query: string) =>
    ((await api.get(`/api/v1/crashes${query}`)).body as List).crashes.map(({ id }) => id);
  expect(await ids('?unread=true')).toEqual(['c2-0']);
  expect(await ids('?unread=false')).toEqual(['c1-0', 'c2-0']);
});

test('lists those of a signature, page by page', async () => {
  await using api = await startApi();
  const crashes = [1, 2, 1, 1].map((n, i) =>
    aCrash({ id: `c${i}-0` }, { first_us: T0 + i, parser_version: 1, reading: aReading(n) }),
  );
  api.database.commit({ crashes: [...crashes, aCrash({ id: 'c9-0' })] });
  const path = `/api/v1/crashes?signature=${signatureFor(1)}`;
  const ids = async (query: string) => {
    const list = (await api.get(path + query)).body as List;
    return [...list.crashes.map(({ id }) => id), list.next_cursor];
  };
  expect(await ids('')).toEqual(['c3-0', 'c2-0', 'c0-0', null]);
  const [first, second, cursor] = await ids('&limit=2');
  expect([first, second]).toEqual(['c3-0', 'c2-0']);
  expect(await ids(`&limit=2&cursor=${cursor}`)).toEqual(['c0-0', null]);
  expect(await ids(`&since=${T0 + 2}`)).toEqual(['c3-0', 'c2-0', null]);
  expect(await ids('&source=pstore')).toEqual([null]);
  expect(await ids('&host=web-2')).toEqual([null]);
  expect((await api.get(path)).body).toMatchObject({
    crashes: [
      { parser_version: 1, reading: aReading(1), records: [{ reading: { title: 'kernel BUG in f1' } }] },
      {},
      {},
    ],
  });
});

test.each([
  ['signature=1', 'invalid_request', 'parameter signature must match pattern "^\\d{1,10}:[0-9a-f]{16}$"'],
  ['limit=1001', 'invalid_request', 'parameter limit must be <= 1000'],
  ['source=', 'invalid_request', 'parameter source must NOT have fewer than 1 characters'],
  ['host=a%20b', 'invalid_request', 'parameter host must match pattern "^[A-Za-z0-9_-]{1,64}$"'],
  ['state=firing', 'invalid_request', 'unknown parameter state: /openapi.json lists the known ones'],
  ['cursor=!', 'invalid_cursor', 'this cursor was not given by this list: leave it out to start over'],
])('%s is refused', async (query, code, message) => {
  await using api = await startApi();
  expect(await api.get(`/api/v1/crashes?${query}`)).toMatchObject({
    status: 400,
    body: { error: { code, message } },
  });
});
