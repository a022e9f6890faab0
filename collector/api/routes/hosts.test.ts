import { expect, test } from 'vitest';
import type { HostView } from '../../fold/model.ts';
import { aHost, startApi } from '../testing.ts';

interface List {
  readonly hosts: readonly HostView[];
  readonly next_cursor: string | null;
}

test('lists hosts by id, by status and in pages', async () => {
  await using api = await startApi();
  api.database.commit({ hosts: [aHost('c'), aHost('a', { status: 'silent' }), aHost('b')] });
  const ids = async (query: string) =>
    ((await api.get(`/api/v1/hosts?${query}`)).body as List).hosts.map(({ host_id }) => host_id);
  expect(await ids('')).toEqual(['a', 'b', 'c']);
  expect(await ids('status=live')).toEqual(['b', 'c']);
  const first = (await api.get('/api/v1/hosts?limit=2')).body as List;
  expect(first.hosts.map(({ host_id }) => host_id)).toEqual(['a', 'b']);
  expect(await ids(`cursor=${first.next_cursor}`)).toEqual(['c']);
});

test('an unknown status is refused', async () => {
  await using api = await startApi();
  expect(await api.get('/api/v1/hosts?status=tired')).toMatchObject({
    status: 400,
    body: {
      error: {
        code: 'invalid_request',
        message:
          'parameter status must be equal to one of the allowed values (live, silent, stopped, conflict)',
      },
    },
  });
});
