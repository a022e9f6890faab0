import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { LogError, systemClock } from '@netfall/log';
import { expect, test, vi } from 'vitest';
import { CRASH_LOGS } from '../../evidence.ts';
import type { CrashLog } from '../crash-log.ts';
import { aCrash, startApi, T0, type TestApi } from '../testing.ts';

const LOG = Buffer.from('[  100.000000] Kernel panic\n[  100.1] \x1b[2JRebooting\n');
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const place = { holes: [{ at: 28, bytes: 300, exact: true }], wrap_at: 0, unlisted_holes: 0 };
const logged = { digest: digestOf(LOG), bytes: LOG.length, ...place };
const other = Buffer.from('another log\n');
const TEXT = '[  100.000000] Kernel panic\n[... 300 bytes are missing here ...]\n[  100.1] Rebooting\n';

/** An API with a crash of three records: a log, one that is whole, and a first sign. */
async function withLogs(at = T0 + 60_000_000): Promise<TestApi> {
  const api = await startApi({ clock: { ...systemClock, nowUs: () => at } });
  const whole = { record: 'p', source: 'pstore', sender: '', complete: true, holes: [] };
  const crash = aCrash(
    { merged: ['c5-0'] },
    logged,
    { ...whole, digest: digestOf(other), bytes: other.length, reported_us: T0 + 50_000_000 },
    { record: 'x', source: 'netoops', digest: '', revision: 0 },
  );
  api.database.commit({ crashes: [crash] });
  return api;
}

const put = (api: TestApi, bytes: Uint8Array, digest = digestOf(bytes)) =>
  api.evidence.put(CRASH_LOGS + digest, [bytes]);

test('is text, the best record’s unless another one is asked for', async () => {
  await using api = await withLogs();
  await put(api, LOG);
  await put(api, other);
  const best = await api.get('/api/v1/crashes/c100-0/log');
  expect([best.status, best.body]).toEqual([200, 'another log\n']);
  expect(best.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(best.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await api.get('/api/v1/crashes/c5-0/log?record=0&format=text')).toMatchObject({
    status: 200,
    body: TEXT,
  });
});

test('is JSON with what is known of it, if that is asked for', async () => {
  await using api = await withLogs();
  await put(api, LOG);
  const { status, body, headers } = await api.get('/api/v1/crashes/c5-0/log?record=0&format=json');
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  expect(body).toEqual({
    ...{ crash_id: 'c100-0', record: 0, source: 'netconsole', digest: digestOf(LOG), bytes: 52 },
    ...{ ...place, text: TEXT, marks: [1], report: null },
  });
});

test('is JSON with where its report is, in lines of the text', async () => {
  const url = new URL('../../../test/fixtures/crashes/6.12-null-dereference.console.txt.gz', import.meta.url);
  const log = gunzipSync(readFileSync(url));
  const holes = [{ at: log.indexOf('\n', 1000) + 1, bytes: 300, exact: true }];
  await using api = await startApi();
  api.database.commit({ crashes: [aCrash({}, { digest: digestOf(log), bytes: log.length, holes })] });
  await put(api, log);
  const { text, marks, report } = (await api.get('/api/v1/crashes/c100-0/log?format=json')).body as CrashLog;
  const lines = text.split('\n');
  expect(lines[marks[0] ?? -1]).toBe('[... 300 bytes are missing here ...]');
  expect(lines[report?.first ?? -1]).toContain('BUG: kernel NULL pointer dereference, address: 0000');
  expect(lines[report?.guilty ?? -1]).toContain(
    'RIP: 0010:queue_length.constprop.0+0x5/0x20 [netfall_crash]',
  );
  expect(report?.frames[0]).toBe(report?.guilty);
  const frames = report?.frames ?? [];
  expect(frames.length).toBeGreaterThan(5);
  expect(frames).toEqual([...frames].sort((a, b) => a - b));
  for (const line of frames) expect(lines[line]).toMatch(/\+0x[0-9a-f]+\/0x[0-9a-f]+/);
  expect(report?.last).toBeGreaterThan(frames.at(-1) ?? 0);
  expect(report?.last).toBeLessThan(lines.length);
});

test.each<[string, number, string, number, string, string]>([
  [
    'no crash',
    60,
    'c1-0/log',
    404,
    'crash_not_found',
    'there is no crash c1-0: /api/v1/crashes lists those that are kept',
  ],
  [
    'no such record',
    60,
    'c100-0/log?record=3',
    404,
    'log_not_found',
    'crash c100-0 has no record 3: the last one is 2',
  ],
  [
    'no report yet',
    60,
    'c100-0/log?record=2',
    404,
    'log_not_found',
    'only the first sign of crash c100-0 has come from netoops on relay: its log follows once nothing more of it comes; try again in a minute',
  ],
  [
    'not arrived yet',
    60,
    'c100-0/log',
    404,
    'log_not_found',
    'the log of record 1 of crash c100-0 has not arrived yet: relay sends it; try again in a minute',
  ],
  [
    'no longer kept',
    3700,
    'c100-0/log?record=0',
    404,
    'log_not_found',
    'the log of record 0 of crash c100-0 is not kept, or never arrived: read another record, or look on relay',
  ],
  [
    'no such format',
    60,
    'c100-0/log?format=xml',
    400,
    'invalid_request',
    'parameter format must be equal to one of the allowed values (text, json)',
  ],
  [
    'a record beyond all',
    60,
    'c100-0/log?record=1000',
    400,
    'invalid_request',
    'parameter record must be <= 999',
  ],
])('%s', async (_name, second, path, status, code, message) => {
  await using api = await withLogs(T0 + second * 1_000_000);
  expect(await api.get(`/api/v1/crashes/${path}`)).toMatchObject({
    status,
    body: { error: { code, message } },
  });
});

test('a crash without any log says so', async () => {
  await using api = await startApi();
  api.database.commit({ crashes: [aCrash({}, { digest: '', revision: 0 })] });
  const { status, body } = await api.get('/api/v1/crashes/c100-0/log');
  expect(status).toBe(404);
  expect(body).toMatchObject({ error: { code: 'log_not_found' } });
  expect(JSON.stringify(body)).toContain(
    'only the first sign of crash c100-0 has come from netconsole on relay',
  );
});

test('what does not have the digest that was reported is not shown', async () => {
  await using api = await withLogs();
  await put(api, Buffer.from('secret'), digestOf(LOG));
  const { status, body } = await api.get('/api/v1/crashes/c100-0/log?record=0');
  expect(status).toBe(502);
  expect(body).toEqual({
    error: {
      code: 'log_corrupt',
      message:
        'the log of record 0 of crash c100-0 is not what relay reported (it does not have the digest that it is called by): read another record',
    },
  });
});

test('a log that is too long is not even read', async () => {
  const get = () => Promise.reject(new Error('it was read'));
  await using api = await startApi({ evidence: { get } });
  api.database.commit({ crashes: [aCrash({}, { bytes: 16 * 1024 * 1024 + 1 })] });
  expect(await api.get('/api/v1/crashes/c100-0/log')).toMatchObject({
    status: 502,
    body: {
      error: {
        code: 'log_corrupt',
        message: 'the log of record 0 of crash c100-0 is over 16 MiB: no agent should report such a log',
      },
    },
  });
});

test('while the log is out of reach the answer says so', async () => {
  const get = () => Promise.reject(new LogError('timeout', 'no answer'));
  await using api = await startApi({ evidence: { get } });
  api.database.commit({ crashes: [aCrash()] });
  expect(await api.get('/api/v1/crashes/c100-0/log')).toMatchObject({
    status: 503,
    body: {
      error: {
        code: 'log_unavailable',
        message: 'the log of record 0 of crash c100-0 cannot be read now (no answer): try again',
      },
    },
  });
});

test('only so many are read at the same time', async () => {
  const asked: (() => void)[] = [];
  const get = () => new Promise<null>((resolve) => asked.push(() => resolve(null)));
  await using api = await startApi({ evidence: { get } });
  api.database.commit({ crashes: [aCrash()] });
  const path = '/api/v1/crashes/c100-0/log';
  const waiting = Array.from({ length: 8 }, () => api.get(path));
  await vi.waitFor(() => expect(asked).toHaveLength(8));
  expect(await api.get(path)).toMatchObject({
    status: 503,
    body: { error: { code: 'too_many_requests', message: '8 logs are being read: try again' } },
  });
  for (const answer of asked.splice(0)) answer();
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(404);
  const after = api.get(path);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  asked[0]?.();
  expect((await after).status).toBe(404);
});
