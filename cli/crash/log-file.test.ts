import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { logText } from '../../collector/api/crash-log.ts';
import { readLogFile } from './log-file.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'netfall-log-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const log = 'one\ntwo \u00e4\n';

it('reads a log, packed or not, whatever it is called', async () => {
  const packed = Buffer.concat([gzipSync('one\n'), gzipSync('two \u00e4\n')]);
  for (const content of [log, packed])
    expect(await readLogFile(file('dmesg.202601020304', content))).toEqual({ text: log, marks: [] });
  expect(await readLogFile(file('empty', ''))).toEqual({ text: '', marks: [] });
});

it('reads what is no file of the disk', async () => {
  const pipe = join(directory, 'pipe');
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', pipe]);
  spawn('sh', ['-c', 'printf "$1" > "$2"', 'sh', log, pipe]);
  expect(await readLogFile(pipe)).toEqual({ text: log, marks: [] });
});

it('knows the lines that tell of what is missing in a log that was read before', async () => {
  const holes = [
    { at: 0, bytes: 0, exact: false },
    { at: 4, bytes: 1, exact: true },
    { at: 4, bytes: 1024, exact: false },
  ];
  const { text, marks } = logText(Buffer.from(log), { holes, wrap_at: 4, unlisted_holes: 2 });
  expect(marks).toEqual([0, 2, 3, 4, 6]);
  // Nothing is missing where the buffer wraps, nor known to be where stretches are missing of which nobody knows.
  expect(await readLogFile(file('saved', text))).toEqual({
    text: text.replace('[... the ring buffer wraps here ...]', ''),
    marks: [0, 2, 3],
  });
  const looksLikeOne = '[... this is what a driver said ...]\n';
  expect((await readLogFile(file('other', looksLikeOne))).marks).toEqual([]);
});

it('takes 16 MiB and no more', async () => {
  const most = Buffer.alloc(16 * 1024 * 1024, 'x');
  expect((await readLogFile(file('most', most))).text.length).toBe(most.length);
  const more = Buffer.concat([most, Buffer.from('x')]);
  for (const content of [more, gzipSync(more)]) {
    const path = file('more', content);
    await expect(readLogFile(path)).rejects.toMatchObject({
      code: 'command',
      message: `${path} is over 16 MiB: give the part of it that has the crash`,
    });
  }
});

it('names what cannot be read', async () => {
  const message = async (path: string) => {
    const error: unknown = await readLogFile(path).catch((reason: unknown) => reason);
    return error instanceof Error ? error.message : '';
  };
  expect(await message('/nowhere')).toBe('/nowhere cannot be read (ENOENT): name a readable log of a kernel');
  expect(await message(directory)).toBe(
    `${directory} cannot be read (EISDIR): name a readable log of a kernel`,
  );
  const torn = file('torn.gz', gzipSync(log).subarray(0, 20));
  expect(await message(torn)).toBe(
    `${torn} cannot be unpacked (unexpected end of file): name a whole file of gzip's`,
  );
});
