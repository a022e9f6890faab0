import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isNotice, thirdPartyNotices } from './notices.ts';

let dir: string;
let modules: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'netfall-notices-'));
  modules = join(dir, 'node_modules');
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(modules, path)), { recursive: true });
  writeFileSync(join(modules, path), text);
}

it('names each package with the licence that it declares and the texts that it brings', () => {
  write('b/package.json', '{"name":"b","version":"2.0.0"}');
  write('b/test/package.json', '{"name":"not-a-package","version":"0.0.0"}');
  write('@s/a/package.json', '{"name":"@s/a","version":"1.0.0","license":"MIT"}');
  write('@s/a/LICENSE', 'Do what you like.\n');
  write('@s/a/NOTICE.md', 'We made it.\n');
  write('@s/a/node_modules/b/package.json', '{"name":"b","version":"1.0.0","license":"ISC"}');
  write('../ours/package.json', '{"name":"ours","version":"1.0.0"}');
  symlinkSync('../ours', join(modules, 'ours'));
  const line = '-'.repeat(80);
  expect(thirdPartyNotices(modules)).toBe(
    `b 1.0.0 (ISC)\n\n${line}\n\n@s/a 1.0.0 (MIT)\n\nDo what you like.\n\nWe made it.\n\n${line}\n\nb 2.0.0 (unnamed licence)\n`,
  );
});

it.each([
  ['LICENSE', true],
  ['licence.md', true],
  ['LICENSE-MIT', true],
  ['COPYING.LESSER', true],
  ['Notice.txt', true],
  ['license.js', false],
  ['licenses.json.ts', false],
  ['README.md', false],
  ['sublicense', false],
])('takes %s for a notice: %s', (name, is) => {
  expect(isNotice(name)).toBe(is);
});
