import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Seen } from './seen.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netfall-seen-'));
  path = join(folder, 'data/source.seen');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('Seen', () => {
  it('knows in the next run what was saved in this one', () => {
    const first = new Seen(path, 10);
    expect(first.has('a')).toBe(false);
    first.add('a');
    first.save();
    first.add('b');
    expect([first.has('a'), first.has('b')]).toEqual([true, true]);
    const second = new Seen(path, 10);
    expect([second.has('a'), second.has('b'), second.remark]).toEqual([true, false, '']);
  });

  it('forgets what was not asked for the longest', () => {
    const seen = new Seen(path, 3);
    for (const name of ['a', 'b', 'c']) seen.add(name);
    expect(seen.has('a')).toBe(true);
    seen.add('d');
    seen.save();
    expect(readFileSync(path, 'utf8')).toBe('c\na\nd\n');
    expect(new Seen(path, 3).has('b')).toBe(false);
    expect(new Seen(path, 2).newest).toBe('d');
    expect(new Seen(path, 2).has('c')).toBe(false);
  });

  it('writes nothing while nothing was added', () => {
    const seen = new Seen(path, 3);
    seen.save();
    expect(() => readFileSync(path)).toThrow('ENOENT');
    expect(seen.newest).toBeUndefined();
  });

  it('says that it cannot be kept, goes on, and tries again', () => {
    writeFileSync(join(folder, 'data'), 'in the way');
    const seen = new Seen(undefined, 3);
    seen.add('a');
    seen.save();
    expect([seen.has('a'), seen.remark]).toEqual([true, '']);
    rmSync(join(folder, 'data'));
    const kept = new Seen(path, 3);
    writeFileSync(join(folder, 'data'), 'in the way');
    kept.add('a');
    kept.save();
    expect(kept.remark).toMatch(/^what was reported cannot be kept for the next start \((EEXIST|ENOTDIR): /);
    expect(kept.has('a')).toBe(true);
    rmSync(join(folder, 'data'));
    kept.save();
    expect([kept.remark, readFileSync(path, 'utf8')]).toEqual(['', 'a\n']);
  });

  it('does not begin when there is a file that it cannot read', () => {
    mkdirSync(path, { recursive: true });
    expect(() => new Seen(path, 3)).toThrow('EISDIR');
  });
});
