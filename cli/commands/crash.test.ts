import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launcher, run } from '../../test/processes/netfall.ts';

let directory: string;
let healthy: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'netfall-crash-'));
  healthy = join(directory, 'healthy.gz');
  writeFileSync(healthy, gzipSync('[    0.000000] Linux version 6.12.9-amd64\n'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const unreadable = (file: string) =>
  `netfall: ${file} cannot be read (ENOENT): name a readable log of a kernel\n`;

describe('netfall crash parse', () => {
  it('reads one file after the other, whatever is wrong with one of them', async () => {
    expect(await run('crash', 'parse', healthy, '/nowhere', healthy, '--json')).toEqual({
      code: 1,
      stdout: `${JSON.stringify({ file: healthy, crash: false })}\n`.repeat(2),
      stderr: unreadable('/nowhere'),
    });
    expect(await run('crash', 'parse', healthy)).toEqual({
      code: 0,
      stdout: `${healthy}: no crash in it\n`,
      stderr: '',
    });
  });

  it.each([[[]], [['-']]])('reads standard input (%j)', (files) => {
    const parse = (...options: string[]) =>
      execFileSync(launcher, ['crash', 'parse', ...files, ...options], {
        input: 'Linux\n',
        encoding: 'utf8',
      });
    expect(parse('--json')).toBe('{"file":"-","crash":false}\n');
    expect(parse()).toBe('standard input: no crash in it\n');
  });
});
