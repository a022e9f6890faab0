import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { operatorCheck, readToken } from './operator.ts';

const dir = mkdtempSync(join(tmpdir(), 'netfall-token-'));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('the token is the first line of its file', () => {
  const path = join(dir, 'token');
  const folder = mkdtempSync(join(tmpdir(), 'netfall-token-'));
  const file = join(folder, 'token');
  writeFileSync(file, ' 0123456789abcdef \nmore');
  expect(readToken(file)).toBe('0123456789abcdef');
  for (const text of ['', 'short', 'with a space in it', '\n0123456789abcdef']) {
    writeFileSync(file, text);
    expect(() => readToken(file)).toThrow(
      `api.operator_token_file: the first line of ${file} is no token: put 16 or more letters and digits in it`,
    );
  }
  rmSync(folder, { recursive: true });
  expect(() => readToken(path)).toThrow(
    `api.operator_token_file: ${path} cannot be read (ENOENT): put a token in it`,
  );
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['192.0.2.1', false],
  ['::ffff:192.0.2.1', false],
  ['2001:db8::127.0.0.1', false],
  [undefined, false],
])('%s is near: %s', (remoteAddress, near) => {
  const request = { socket: { remoteAddress }, headers: { host: 'localhost' } };
  const check = () =>
    operatorCheck(undefined)(request as unknown as Parameters<ReturnType<typeof operatorCheck>>[0]);
  if (near) check();
  else expect(check).toThrow('changes are taken from this machine only');
});
