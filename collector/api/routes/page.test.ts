import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crashTypes, taints } from '@netfall/crash';
import { expect, test } from 'vitest';
import { startApi } from '../testing.ts';

const web = join(import.meta.dirname, '../../web');
/** What the page loads is all that there is. */
const SCRIPTS = globSync('*.js', { cwd: web }).sort();

test.each<readonly [path: string, file: string, type: string]>([
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/crashes.css', 'crashes.css', 'text/css; charset=utf-8'],
  ['/incident.css', 'incident.css', 'text/css; charset=utf-8'],
  ...SCRIPTS.map((file) => [`/${file}`, file, 'text/javascript; charset=utf-8'] as const),
])('%s is served, and once', async (path, file, type) => {
  await using api = await startApi();
  const { status, body, headers } = await api.get(path);
  expect(status).toBe(200);
  expect(body).toBe(readFileSync(join(web, file), 'utf8'));
  expect(headers.get('content-type')).toBe(type);
  expect(headers.get('cache-control')).toBe('no-cache');
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  const again = await api.get(path, { 'if-none-match': headers.get('etag') ?? '' });
  expect(again.status).toBe(304);
  expect(again.body).toBe('');
});

test('what the words of crashes mean is served', async () => {
  await using api = await startApi();
  const { status, body } = await api.get('/crash-words.json');
  expect([status, body]).toEqual([
    200,
    { types: crashTypes, taints, survived_kinds: ['warning', 'hung task', 'stall'] },
  ]);
});

test('nothing else of the disk is served', async () => {
  await using api = await startApi();
  for (const path of [
    '/index.html',
    '/page.test.ts',
    '/testing.ts',
    '/..%2fpackage.json',
    '/%2e%2e/package.json',
  ]) {
    expect((await api.get(path)).status).toBe(404);
  }
});
