import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { aHost, startApi } from '../testing.ts';

const PATH = '/api/v1/switches';
const soon = () => Date.now() * 1000 + 60_000_000;
const aSwitch = (part: object = {}) => ({
  source: 'kfree-skb',
  until_us: soon(),
  hosts: [],
  labels: {},
  why: 'too costly',
  by: 'ann',
  ...part,
});
const sources = [{ name: 'kfree-skb', state: 'ok', detail: '', mend: '' }] as const;
const inventory = (rack: string) => {
  const labels = [{ key: 'rack', value: rack }];
  const empty = {
    hostname: '',
    addresses: [],
    gateway: '',
    gateway_mac: '',
    subnet: '',
    kernel: '',
    image: '',
  };
  return { ...empty, cmdline_digest: '', vendor: '', product: '', cpu: '', microcode: '', nics: [], labels };
};

/** An API whose log takes every change behind version 7, and the changes that it took. */
async function startWith(operatorToken?: string) {
  const taken: unknown[] = [];
  const api = await startApi({
    changeSwitches: async (switches, seen) => {
      taken.push({ switches, seen });
      return seen === 7;
    },
    ...(operatorToken !== undefined && { operatorToken }),
  });
  api.database.commit({ switches: { sequence: 7, by: 'bob', switches: [] } });
  return Object.assign(api, { taken });
}

test('shows what is in force', async () => {
  await using api = await startWith();
  const { labels, ...one } = aSwitch({ labels: { rack: 'r7' } });
  const list = Object.entries(labels).map(([key, value]) => ({ key, value: String(value) }));
  api.database.commit({ switches: { sequence: 9, by: 'ann', switches: [{ ...one, labels: list }] } });
  expect(await api.get(PATH)).toMatchObject({
    status: 200,
    body: { version: 9, by: 'ann', switches: [{ ...one, labels: { rack: 'r7' } }] },
  });
});

test('replaces them all, and says how many hosts each concerns', async () => {
  await using api = await startWith();
  api.database.commit({
    hosts: [
      aHost('web-1', { sources, inventory: inventory('r7') }),
      aHost('web-2', { sources, inventory: inventory('r8') }),
      aHost('web-3', { sources, inventory: inventory('r8'), status: 'silent' }),
      aHost('bare', { inventory: inventory('r8') }),
    ],
  });
  const named = aSwitch({ hosts: ['web-1', 'web-9'] });
  const labelled = aSwitch({ labels: { rack: 'r8', a: 'b' } });
  const body = {
    version: 7,
    by: 'ann',
    switches: [named, labelled, aSwitch({ labels: { rack: 'r8' } }), aSwitch()],
  };
  expect(await api.put(PATH, body)).toMatchObject({ status: 200, body: { concerned: [1, 0, 1, 2] } });
  expect(api.taken).toMatchObject([
    {
      seen: 7,
      switches: {
        by: 'ann',
        switches: [
          { ...named, labels: [] },
          {
            ...labelled,
            labels: [
              { key: 'a', value: 'b' },
              { key: 'rack', value: 'r8' },
            ],
          },
          {},
          {},
        ],
      },
    },
  ]);
});

test('a change of what is no longer so is refused', async () => {
  await using api = await startWith();
  const put = (version: number) => api.put(PATH, { version, by: '', switches: [] });
  const conflict = (version: number) => ({
    status: 409,
    body: {
      error: {
        code: 'conflict',
        message: `the switches are no longer those of version ${version}: read /api/v1/switches again, then decide again`,
      },
    },
  });
  expect(await put(6)).toMatchObject(conflict(6));
  // The log has it that somebody was first, which the fold has not come to.
  api.database.commit({ switches: { sequence: 8, by: '', switches: [] } });
  expect(await put(8)).toMatchObject(conflict(8));
  expect(api.taken).toMatchObject([{ seen: 8 }]);
});

test.each([
  [
    'a switch without end',
    { switches: [aSwitch({ until_us: 0 }), aSwitch({ until_us: 4e15 })] },
    'over 14 days',
  ],
  ['an unknown field', { switches: [aSwitch({ until: 1 })] }, 'unknown parameter until'],
  ['no source', { switches: [aSwitch({ source: '' })] }, 'switches.0.source'],
  ['no id of a host', { switches: [aSwitch({ hosts: ['a b'] })] }, 'switches.0.hosts.0'],
  ['no key of a label', { switches: [aSwitch({ labels: { 'A B': 'c' } })] }, 'parameter A B'],
  ['text that is none', { switches: [aSwitch({ why: '\ud800' })] }, 'switch.why is no well-formed text'],
  ['too many', { switches: Array.from({ length: 33 }, () => aSwitch()) }, 'must NOT have more than 32 items'],
  ['no version', { version: undefined, switches: [] }, "must have required property 'version'"],
])('%s is refused', async (_, body, message) => {
  await using api = await startWith();
  const answer = await api.put(PATH, { version: 7, by: '', ...body });
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  expect(JSON.stringify(answer.body)).toContain(message);
  expect(api.taken).toEqual([]);
});

test('says when the log is out of reach', async () => {
  await using api = await startApi({
    changeSwitches: async () => {
      throw new Error('no connection');
    },
  });
  expect(await api.put(PATH, { version: 0, by: '', switches: [] })).toMatchObject({
    status: 503,
    body: {
      error: { code: 'log_unavailable', message: 'the log did not take it (no connection): try again' },
    },
  });
});

const CHANGE = { version: 7, by: '', switches: [] };

test('with a token configured, nobody changes anything without it', async () => {
  await using api = await startWith('0123456789abcdef');
  const put = (headers: Record<string, string>) => api.put(PATH, CHANGE, headers);
  expect(await put({})).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
  for (const authorization of [
    'Bearer 0123456789abcdeg',
    'Basic 0123456789abcdef',
    'Bearer ',
    '0123456789abcdef',
  ])
    expect((await put({ authorization })).status).toBe(401);
  expect(api.taken).toEqual([]);
  expect((await put({ authorization: 'Bearer 0123456789abcdef' })).status).toBe(200);
  expect((await put({ authorization: 'bearer 0123456789abcdef', via: '1.1 proxy' })).status).toBe(200);
  expect((await api.get(PATH)).status).toBe(200);
});

/** The status of a PUT with any Host header, which fetch does not allow. */
function statusFor(port: number, host: string, header = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(CHANGE);
    const head = `PUT ${PATH} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${header}`;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    socket.once('data', (data) => resolve(Number(data.toString().split(' ')[1])));
    socket.once('error', reject);
  });
}

test('without one, changes are taken from this machine only', async () => {
  await using api = await startWith();
  const port = Number(new URL(api.api.url).port);
  for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]:80'])
    expect(await statusFor(port, host)).toBe(200);
  // A name that another site had point here; what a proxy passes on.
  expect(await statusFor(port, 'rebound.example')).toBe(403);
  expect(await statusFor(port, 'localhost', 'x-forwarded-for: 192.0.2.1\r\n')).toBe(403);
  expect(await api.put(PATH, CHANGE, { forwarded: 'for=192.0.2.1' })).toMatchObject({
    status: 403,
    body: {
      error: {
        code: 'forbidden',
        message:
          'changes are taken from this machine only, over loopback: set api.operator_token_file to take them from elsewhere',
      },
    },
  });
});
