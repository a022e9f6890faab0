import { signatureOf } from '@netfall/crash';
import { expect, test, vi } from 'vitest';
import type { CrashGroup } from '../crash-groups.ts';
import { aCrash, aReading, signatureFor, startApi, T0 } from '../testing.ts';

interface List {
  readonly groups: readonly CrashGroup[];
  readonly next_cursor: string | null;
}

const S = 1_000_000;
const web2 = { host_id: 'web-2', hostname: 'web-2', kernel: '', hardware: '' };
const nobody = { crashed: null, holders: [] };

test('lists groups of crashes, those with the newest crash first, page by page', async () => {
  await using api = await startApi();
  expect((await api.get('/api/v1/crashes/signatures')).body).toEqual({ groups: [], next_cursor: null });
  api.database.commit({
    crashes: [
      aCrash({ id: 'c1-0' }, { first_us: T0 + S, reading: aReading(1) }),
      aCrash(
        { id: 'c2-0' },
        {
          first_us: T0 + 2 * S,
          kernel: '6.12',
          hardware: '',
          crashed: web2,
          reading: aReading(1, { taint: '' }),
        },
      ),
      aCrash({ id: 'c3-0' }, { first_us: T0 + 3 * S, ...nobody, reading: aReading(2, { corrupted: 'cut' }) }),
      aCrash({ id: 'c4-0' }, { first_us: T0 + 2 * S, reading: aReading(3) }),
      // Nobody knows what it was.
      aCrash({ id: 'c5-0' }, { first_us: T0 + 9 * S }),
    ],
  });
  const { status, body } = await api.get('/api/v1/crashes/signatures');
  expect(status).toBe(200);
  const hardware = [{ name: 'QEMU Standard PC, BIOS 1.16', crashes: 1 }];
  const kernels = [{ name: '6.1.0-18-amd64', crashes: 1 }];
  const one = {
    crashes: 1,
    fatal: 1,
    hosts_total: 1,
    kernels,
    taints: [{ name: 'GW', crashes: 1 }],
    hardware,
  };
  expect(body).toEqual({
    groups: [
      {
        ...{ signature: signatureFor(2), title: 'kernel BUG in f2', type: 'bug', bug: 'bug in f2' },
        ...{ ...one, corrupted: true, hosts: [{ name: '10.0.0.7', crashes: 1 }] },
        ...{ first_us: T0 + 3 * S, last_us: T0 + 3 * S, last_crash_id: 'c3-0' },
      },
      {
        ...{ signature: signatureFor(1), title: 'kernel BUG in f1', type: 'bug', bug: 'bug in f1' },
        ...{ corrupted: false, crashes: 2, fatal: 2, hosts_total: 2, hardware },
        hosts: [
          { name: 'web-1', crashes: 1 },
          { name: 'web-2', crashes: 1 },
        ],
        kernels: [
          { name: '6.1.0-18-amd64', crashes: 1 },
          { name: '6.12', crashes: 1 },
        ],
        taints: [
          { name: '', crashes: 1 },
          { name: 'GW', crashes: 1 },
        ],
        ...{ first_us: T0 + S, last_us: T0 + 2 * S, last_crash_id: 'c2-0' },
      },
      {
        ...{ signature: signatureFor(3), title: 'kernel BUG in f3', type: 'bug', bug: 'bug in f3' },
        ...{ ...one, corrupted: false, hosts: [{ name: 'web-1', crashes: 1 }] },
        ...{ first_us: T0 + 2 * S, last_us: T0 + 2 * S, last_crash_id: 'c4-0' },
      },
    ],
    next_cursor: null,
  });

  const joined: string[] = [];
  let cursor: string | null = '';
  for (let pages = 0; cursor !== null && pages < 9; pages++) {
    const path = `/api/v1/crashes/signatures?limit=1${cursor && `&cursor=${cursor}`}`;
    const page: List = (await api.get(path)).body as List;
    joined.push(...page.groups.map(({ signature }) => signature));
    cursor = page.next_cursor;
  }
  expect(joined).toEqual([2, 1, 3].map(signatureFor));
  const only = await api.get(`/api/v1/crashes/signatures?signature=${signatureFor(3)}`);
  expect((only.body as List).groups.map(({ signature }) => signature)).toEqual([signatureFor(3)]);
  expect((await api.get(`/api/v1/crashes/signatures?signature=${signatureFor(7)}`)).body).toEqual({
    groups: [],
    next_cursor: null,
  });
});

test('tells what signatures of another version would split and merge', async () => {
  await using api = await startApi();
  const of = (id: string, second: number, name: string, caller: string) => {
    const { frames, ...rest } = aReading(1, { bug: `bug in ${name}`, title: `kernel BUG in ${name}` });
    const called = frames.map((frame) =>
      frame.function === 'caller' ? { ...frame, function: caller } : frame,
    );
    const reading = { ...rest, frames: called };
    return aCrash(
      { id },
      { first_us: T0 + second * S, reading: { ...reading, signature: signatureOf(reading) } },
    );
  };
  api.database.commit({
    crashes: [
      of('c1-0', 1, 'f', 'a'),
      of('c2-0', 2, 'f', 'b'),
      of('c3-0', 3, 'f', 'b'),
      of('c4-0', 4, 'g', 'a'),
      aCrash({ id: 'c5-0' }, { first_us: T0 }),
    ],
  });
  const signed = (caller: string, version: number) =>
    signatureOf(
      {
        ...{ bug: 'bug in f', corrupted: '', guilty: 0 },
        frames: ['f', caller, 'main'].map((name) => ({ function: name, reliable: true })),
      },
      version,
    );
  const title = 'kernel BUG in f';
  expect(await api.get('/api/v1/crashes/signatures/preview?version=2')).toMatchObject({
    status: 200,
    body: {
      ...{
        version: 2,
        current_version: 1,
        crashes: 4,
        groups_before: 2,
        groups_after: 3,
        unlisted_changes: 0,
      },
      meaning: expect.stringContaining('callers'),
      changes: [
        {
          what: 'split',
          before: [{ signature: signed('a', 1), title, crashes: 3 }],
          after: [
            { signature: signed('b', 2), title, crashes: 2 },
            { signature: signed('a', 2), title, crashes: 1 },
          ],
        },
      ],
    },
  });
  expect((await api.get('/api/v1/crashes/signatures/preview?version=1')).body).toMatchObject({
    ...{ version: 1, changes: [], groups_before: 2, groups_after: 2 },
  });
});

test('groups of many crashes make short pages, and a group that moves meanwhile comes again or not at all', async () => {
  await using api = await startApi();
  const long = 'x'.repeat(20_000);
  const of = (n: number, second: number, i = 0) =>
    aCrash({ id: `c${n}-${i}` }, { first_us: T0 + second * S, reading: aReading(n, { title: long }) });
  const big = Array.from({ length: 421 }, (_, i) => of(1, 9, i));
  api.database.commit({ crashes: [...big, of(2, 3), of(3, 2), of(4, 1)] });
  const page = async (query: string) => {
    const { groups, next_cursor } = (await api.get(`/api/v1/crashes/signatures?${query}`)).body as List;
    return { signatures: groups.map(({ signature }) => signature), next_cursor };
  };
  // 8 MiB of it were read.
  const first = await page('limit=50');
  expect(first.signatures).toEqual([signatureFor(1)]);
  const second = await page(`limit=2&cursor=${first.next_cursor}`);
  expect(second.signatures).toEqual([2, 3].map(signatureFor));
  api.database.commit({ crashes: [of(4, 20, 1), of(2, 0, 1)] });
  expect(await page(`limit=2&cursor=${second.next_cursor}`)).toEqual({ signatures: [], next_cursor: null });
});

test('previews are made one at a time, of all crashes, while other requests are answered', async () => {
  await using api = await startApi();
  const crashes = Array.from({ length: 450 }, (_, n) =>
    aCrash({ id: `c${n}-0` }, { first_us: T0 + Math.floor(n / 3) * S, reading: aReading(n % 7) }),
  );
  api.database.commit({ crashes });
  const path = '/api/v1/crashes/signatures/preview?version=1';
  const whole = { status: 200, body: { crashes: 450, groups_before: 7 } };
  expect(await api.get(path)).toMatchObject(whole);
  const some = api.database.reader.crashes.listStacks(1);
  const endless = vi.spyOn(api.database.reader.crashes, 'listStacks').mockReturnValue(some);
  const first = api.get(path);
  await vi.waitFor(() => expect(endless).toHaveBeenCalled());
  expect(await api.get(path)).toMatchObject({
    status: 503,
    body: { error: { code: 'too_many_requests', message: 'a preview is being made: try again' } },
  });
  endless.mockRestore();
  expect(await first).toMatchObject(whole);
  expect(await api.get(path)).toMatchObject(whole);
});

test.each([
  ['?signature=x', 'invalid_request', 'parameter signature must match pattern "^\\d{1,10}:[0-9a-f]{16}$"'],
  ['?host=web-1', 'invalid_request', 'unknown parameter host: /openapi.json lists the known ones'],
  ['?cursor=!', 'invalid_cursor', 'this cursor was not given by this list: leave it out to start over'],
  ['/preview', 'invalid_request', "parameter missing must have required property 'version'"],
  ['/preview?version=x', 'invalid_request', 'parameter version must be integer'],
  [
    '/preview?version=99',
    'unknown_signature_version',
    'there is no version 99 of signatures: ask for one of 1, 2',
  ],
])('%s is refused', async (query, code, message) => {
  await using api = await startApi();
  expect(await api.get(`/api/v1/crashes/signatures${query}`)).toMatchObject({
    status: 400,
    body: { error: { code, message } },
  });
});
