import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pack } from './archive.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'netfall-archive-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

/** The same content, written in the order given. */
function write(parent: string, names: readonly string[], mode: number, time: number): void {
  mkdirSync(join(parent, 'top/bin'), { recursive: true });
  for (const name of names) {
    writeFileSync(join(parent, 'top', name), `content of ${name}\n`);
    utimesSync(join(parent, 'top', name), time, time);
  }
  chmodSync(join(parent, 'top/a'), mode);
  chmodSync(join(parent, 'top/bin/run'), 0o700);
  symlinkSync('../a', join(parent, 'top/bin/link'));
}

it('gives the same bytes for the same files, however they came to be', async () => {
  write(join(dir, 'one'), ['a', 'B', 'bin/run'], 0o600, 1_000_000);
  write(join(dir, 'two'), ['bin/run', 'B', 'a'], 0o664, 2_000_000);
  await pack(join(dir, 'one'), 'top', join(dir, 'one.tar.gz'), 500);
  await pack(join(dir, 'two'), 'top', join(dir, 'two.tar.gz'), 500);
  expect(readFileSync(join(dir, 'one.tar.gz')).equals(readFileSync(join(dir, 'two.tar.gz')))).toBe(true);

  const listed = execFileSync('tar', ['tvf', join(dir, 'one.tar.gz'), '--numeric-owner', '--utc'], {
    encoding: 'utf8',
  });
  expect(
    listed
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ')),
  ).toEqual([
    'drwxr-xr-x 0/0 0 1970-01-01 00:08 top/',
    '-rw-r--r-- 0/0 13 1970-01-01 00:08 top/B',
    '-rw-r--r-- 0/0 13 1970-01-01 00:08 top/a',
    'drwxr-xr-x 0/0 0 1970-01-01 00:08 top/bin/',
    'lrwxr-xr-x 0/0 0 1970-01-01 00:08 top/bin/link -> ../a',
    '-rwxr-xr-x 0/0 19 1970-01-01 00:08 top/bin/run',
  ]);
});

it('fails when there is nothing to pack', async () => {
  await expect(pack(dir, 'nothing', join(dir, 'x.tar.gz'), 0)).rejects.toThrow(
    'tar ended with 2 while it packed nothing',
  );
});
