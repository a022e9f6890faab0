import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createApi } from './api.ts';
import { ListenError } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { aStatus, silent, startApi, TestDatabase } from './testing.ts';

test('an unknown path says where to look', async () => {
  await using api = await startApi();
  const { status, body } = await api.get('/nowhere?secret=1');
  expect(status).toBe(404);
  expect(body).toEqual({
    error: {
      code: 'not_found',
      message: 'nothing answers GET /nowhere: /openapi.json lists what there is',
    },
  });
});

test('a path that is no URL is refused in the same form', async () => {
  await using api = await startApi();
  const { status, body, headers } = await api.get('/api/v1/hosts/%zz');
  expect(status).toBe(400);
  expect(body).toMatchObject({ error: { code: 'invalid_request' } });
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});

test('no answer may be framed, sniffed or read by another site', async () => {
  await using api = await startApi();
  const { headers } = await api.get('/api/v1/incidents', { origin: 'https://elsewhere.example' });
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

test('a body beyond the limit is refused', async () => {
  await using api = await startApi();
  const response = await fetch(`${api.api.url}/api/v1/incidents`, {
    method: 'POST',
    body: 'x'.repeat(100_000),
  });
  expect(response.status).toBe(413);
  expect(await response.json()).toEqual({
    error: { code: 'too_large', message: 'the request is too large: send less at once' },
  });
});

test('a failure inside does not show what failed', async () => {
  await using api = await startApi();
  api.database.reader.close();
  const { status, body } = await api.get('/api/v1/incidents');
  expect(status).toBe(500);
  expect(body).toEqual({
    error: {
      code: 'internal',
      message: "the request failed inside the collector: its log says why, under 'api'",
    },
  });
});

test('a taken port is named with the mend', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  using database = new TestDatabase();
  const status = () => aStatus;
  const metrics = createMetrics({ reader: database.reader, sinks: [], status });
  const started = createApi({
    reader: database.reader,
    evidence: { get: async () => null },
    status,
    metrics,
    logger: silent,
    listen: `127.0.0.1:${port}`,
    changeSwitches: async () => true,
    append: async () => 1,
  });
  await expect(started).rejects.toThrow(
    new ListenError(
      'taken',
      `127.0.0.1:${port} is taken by another process: stop that or choose another with --listen HOST:PORT`,
    ),
  );
  other.close();
});

test('closing ends open streams and lets go of the port', async () => {
  const api = await startApi();
  const stream = await fetch(`${api.api.url}/api/v1/stream`);
  const read = stream.text();
  await api[Symbol.asyncDispose]();
  expect(await read).toContain('event: reset');
  await expect(fetch(api.api.url)).rejects.toThrow();
});
