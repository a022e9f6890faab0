import { expect, test } from 'vitest';
import { STREAM_LIMITS } from '../incident-stream.ts';
import { aNotification, anIncident, aShownIncident, startApi, T0, type TestApi } from '../testing.ts';

/** Rounds as soon as something changes, and a heartbeat that a test can wait for. */
const LIMITS = { ...STREAM_LIMITS, roundMs: 1, heartbeatMs: 60_000 };

interface Events {
  readonly status: number;
  /** Reads until `text` has come, and returns everything since the last call. */
  until(text: string): Promise<string>;
  /** Reads to the end. */
  end(): Promise<string>;
  leave(): void;
}

async function open(api: TestApi, headers: Record<string, string> = {}): Promise<Events> {
  const leaving = new AbortController();
  const response = await fetch(`${api.api.url}/api/v1/stream`, { headers, signal: leaving.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = '';
  return {
    status: response.status,
    async until(text) {
      while (!seen.includes(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended before ${text}; it said ${seen}`);
        seen += value;
      }
      const at = seen.indexOf(text) + text.length;
      const taken = seen.slice(0, at);
      seen = seen.slice(at);
      return taken;
    },
    async end() {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return seen;
        seen += value;
      }
    },
    leave: () => leaving.abort(),
  };
}

const data = (event: string) => JSON.parse(/^data: (.*)$/m.exec(event)![1]!) as unknown;

test('a new client is told to read the list, then of every change, with the log sequence', async () => {
  await using api = await startApi({ streamLimits: LIMITS });
  api.database.commit({ incidents: [anIncident()] }, 40);
  const stream = await open(api);
  const start = await stream.until('\n\n');
  expect(start).toBe('retry: 2000\nevent: reset\ndata: {"sequence":40}\nid: 40\n\n');
  // A candidate is nobody's business yet.
  api.database.commit({ incidents: [anIncident({ id: 'i50-0', state: 'candidate' })] }, 50);
  api.database.commit({ incidents: [anIncident({ version: 2 })] }, 55);
  const change = await stream.until('\n\n');
  expect(change).toMatch(/^event: incident\ndata: .*\nid: 55\n\n$/);
  expect(data(change)).toEqual(aShownIncident({ version: 2 }));
  stream.leave();
});

test('its headers keep proxies from holding it back', async () => {
  await using api = await startApi({ streamLimits: LIMITS });
  const leaving = new AbortController();
  const { headers } = await fetch(`${api.api.url}/api/v1/stream`, { signal: leaving.signal });
  expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-accel-buffering')).toBe('no');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  leaving.abort();
});

test('a client that comes back gets what it missed and no more', async () => {
  await using api = await startApi({ streamLimits: LIMITS });
  api.database.commit({ incidents: [anIncident({ id: 'i1-0' })] }, 10);
  const witness = await open(api);
  api.database.commit({ incidents: [anIncident({ id: 'i2-0' })] }, 20);
  await witness.until('id: 20\n\n');
  api.database.commit({ incidents: [anIncident({ id: 'i3-0' })] }, 30);
  await witness.until('id: 30\n\n');
  const stream = await open(api, { 'last-event-id': '20' });
  const missed = await stream.until('id: 30\n\n');
  expect(missed).toContain(': resumed\n\n');
  expect(missed).not.toContain('event: reset');
  expect([...missed.matchAll(/"id":"(i\d-0)"/g)].map(([, id]) => id)).toEqual(['i3-0']);
  witness.leave();
  stream.leave();
});

test('incidents that changed at once carry their id on the last event only', async () => {
  await using api = await startApi({ streamLimits: LIMITS });
  const stream = await open(api);
  await stream.until('id: 0\n\n');
  api.database.commit({ incidents: [anIncident({ id: 'i1-0' }), anIncident({ id: 'i2-0' })] }, 10);
  const both = await stream.until('id: 10\n\n');
  expect(both.match(/^id: /gm)).toEqual(['id: ']);
  expect(both.match(/^event: incident$/gm)?.length).toBe(2);
  stream.leave();
});

test.each([
  ['older than what is kept', '4'],
  ['ahead of this replica', '99'],
  ['no id of ours', 'abc'],
])('a client whose place is %s starts anew', async (_why, id) => {
  // Room for an event or two.
  await using api = await startApi({ streamLimits: { ...LIMITS, historyBytes: 1200 } });
  const witness = await open(api);
  for (let sequence = 5; sequence <= 10; sequence++) {
    api.database.commit({ incidents: [anIncident({ id: `i${sequence}-0` })] }, sequence);
    await witness.until(`id: ${sequence}\n\n`);
  }
  witness.leave();
  const stream = await open(api, { 'last-event-id': id });
  expect(await stream.until('\n\n')).toBe('retry: 2000\nevent: reset\ndata: {"sequence":10}\nid: 10\n\n');
  stream.leave();
});

test('more change than a client should be sent at once is a reset', async () => {
  await using api = await startApi({ streamLimits: { ...LIMITS, historyBytes: 1200 } });
  const stream = await open(api);
  await stream.until('id: 0\n\n');
  const incidents = Array.from({ length: 10 }, (_, index) => anIncident({ id: `i${index}-0` }));
  api.database.commit({ incidents }, 10);
  expect(await stream.until('\n\n')).toBe('event: reset\ndata: {"sequence":10}\nid: 10\n\n');
  stream.leave();
});

test('commits that change no incident send nothing', async () => {
  await using api = await startApi({ streamLimits: LIMITS });
  const stream = await open(api);
  await stream.until('id: 0\n\n');
  api.database.commit({ notifications: [aNotification()] }, 10);
  api.database.commit({ incidents: [anIncident({ detected_us: T0 })] }, 11);
  expect(await stream.until('\n\n')).toMatch(/^event: incident\n.*\nid: 11\n\n$/);
  stream.leave();
});

test('a quiet stream shows that it lives', async () => {
  await using api = await startApi({ streamLimits: { ...LIMITS, heartbeatMs: 5 } });
  const stream = await open(api);
  await stream.until(': still here\n\n');
  await stream.until(': still here\n\n');
  stream.leave();
});

test('streams beyond the bound are refused and counted', async () => {
  await using api = await startApi({ streamLimits: { ...LIMITS, clients: 1 } });
  const first = await open(api);
  await first.until('id: 0\n\n');
  const { status, body } = await api.get('/api/v1/stream');
  expect(status).toBe(503);
  expect(body).toEqual({
    error: {
      code: 'too_many_streams',
      message: 'too many event streams are open: close some, or ask another replica',
    },
  });
  const metrics = (await api.get('/metrics')).body as string;
  expect(metrics).toContain('netfall_api_streams 1\n');
  expect(metrics).toContain('netfall_api_streams_ended_total{why="refused"} 1\n');
  first.leave();
});

test('a client that reads too slowly is cut off and counted, and others are not', async () => {
  // 200 kB an event: more than what the two sockets' own buffers hold comes quickly.
  await using api = await startApi({
    streamLimits: { ...LIMITS, clientBytes: 1_000_000, historyBytes: 1_000_000 },
  });
  const idle = await fetch(`${api.api.url}/api/v1/stream`);
  const lively = await open(api);
  const title = 'x'.repeat(200_000);
  let ended = '';
  for (let sequence = 1; sequence <= 400 && ended === ''; sequence++) {
    api.database.commit({ incidents: [anIncident({ title, version: sequence })] }, sequence);
    await lively.until(`id: ${sequence}\n\n`);
    const metrics = (await api.get('/metrics')).body as string;
    ended = /netfall_api_streams_ended_total\{why="slow"\} [1-9]\d*/.exec(metrics)?.[0] ?? '';
  }
  expect(ended).toBe('netfall_api_streams_ended_total{why="slow"} 1');
  await expect(idle.text()).rejects.toThrow();
  lively.leave();
});

test('rows of another state send every client back to the list, even to an earlier sequence', async () => {
  await using api = await startApi({ streamLimits: LIMITS });
  const stream = await open(api);
  api.database.commit({ incidents: [anIncident()] }, 50);
  await stream.until('id: 50\n\n');
  api.database.commit({}, 20);
  api.database.reader.replaced();
  expect(await stream.until('\n\n')).toBe('event: reset\ndata: {"sequence":20}\nid: 20\n\n');
  const late = await open(api, { 'last-event-id': '50' });
  expect(await late.until('\n\n')).toContain('event: reset');
  stream.leave();
  late.leave();
});
