import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFiles, readBytes } from './crash-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netfall-files-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(...path: string[]): void {
  mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true });
  writeFileSync(join(folder, ...path), path.join('/'));
  utimesSync(join(folder, ...path), 1.5, 1.5);
}

function find(depth: number, most = 10) {
  const { files, left } = findFiles(folder, depth, (name) => name.startsWith('dmesg'), most);
  return { names: files.map(({ path }) => path.slice(folder.length + 1)), left };
}

describe('findFiles', () => {
  it('finds files down to a depth, last names first', () => {
    write('dmesg-1');
    write('dmesg-2');
    write('other');
    write('a', 'dmesg-3');
    write('b', 'c', 'dmesg-4');
    mkdirSync(join(folder, 'dmesg-folder'));
    symlinkSync(join(folder, 'dmesg-1'), join(folder, 'dmesg-link'));
    expect(find(0)).toEqual({ names: ['dmesg-2', 'dmesg-1'], left: 0 });
    expect(find(1)).toEqual({ names: ['dmesg-2', 'dmesg-1', 'a/dmesg-3'], left: 0 });
    expect(find(2)).toEqual({ names: ['dmesg-2', 'dmesg-1', 'b/c/dmesg-4', 'a/dmesg-3'], left: 0 });
    expect(find(2, 3)).toEqual({ names: ['dmesg-2', 'dmesg-1', 'b/c/dmesg-4'], left: 1 });
    expect(findFiles(folder, 0, (name) => name === 'dmesg-1', 1).files).toEqual([
      { name: 'dmesg-1', path: join(folder, 'dmesg-1'), size: 7, mtimeUs: 1_500_000 },
    ]);
  });

  it('finds nothing where there is no folder', () => {
    expect(findFiles(join(folder, 'none'), 2, () => true, 10)).toEqual({ files: [], left: 0 });
  });

  it.skipIf(process.getuid?.() !== 0)('leaves out what somebody else put there (needs root)', () => {
    write('dmesg-1');
    write('dmesg-2');
    write('a', 'dmesg-3');
    chownSync(join(folder, 'dmesg-2'), 65_534, 65_534);
    chownSync(join(folder, 'a'), 65_534, 65_534);
    expect(find(1)).toEqual({ names: ['dmesg-1'], left: 0 });
  });
});

describe('readBytes', () => {
  it('reads a beginning, an end, or all', () => {
    writeFileSync(join(folder, 'file'), 'abcdef');
    const read = (most: number, from?: 'end') =>
      Buffer.from(readBytes(join(folder, 'file'), most, from)).toString();
    expect([read(2), read(2, 'end'), read(6), read(100, 'end')]).toEqual(['ab', 'ef', 'abcdef', 'abcdef']);
    expect(() => readBytes(join(folder, 'none'), 1)).toThrow('ENOENT');
  });
});
