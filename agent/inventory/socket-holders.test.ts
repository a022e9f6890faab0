import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_HOLDER, SocketHolders } from './socket-holders.ts';

const MINUTE_US = 60_000_000;

describe('SocketHolders', () => {
  let root: string;
  let nowUs: number;
  let holders: SocketHolders;

  function lay(pid: number, links: readonly string[]): void {
    const folder = join(root, 'proc', String(pid));
    mkdirSync(join(folder, 'fd'), { recursive: true });
    writeFileSync(join(folder, 'comm'), `name${pid}\n`);
    writeFileSync(join(folder, 'cgroup'), `0::/system.slice/unit${pid}.service\n`);
    for (const [fd, link] of links.entries()) symlinkSync(link, join(folder, 'fd', String(fd)));
  }

  const holder = (pid: number) => ({ pid, process: `name${pid}`, owner: `unit${pid}.service` });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'netfall-holders-'));
    nowUs = 0;
    holders = new SocketHolders(root, () => nowUs);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('finds the first of several processes, by number', () => {
    lay(100, ['socket:[7]']);
    lay(20, ['/dev/null', 'pipe:[7]', 'socket:[7]', 'socket:[8]']);
    expect(holders.find([7, 8, 9])).toBe(true);
    expect([7, 8, 9, 10].map((inode) => holders.of(inode))).toEqual([
      holder(20),
      holder(20),
      NO_HOLDER,
      NO_HOLDER,
    ]);
  });

  it('looks again after a minute for what nobody held', () => {
    holders.find([7]);
    lay(20, ['socket:[7]']);
    nowUs = MINUTE_US - 1;
    holders.find([7]);
    expect(holders.of(7)).toEqual(NO_HOLDER);
    nowUs = MINUTE_US;
    holders.find([7]);
    expect(holders.of(7)).toEqual(holder(20));
  });

  it('says so when it did not look at everything', () => {
    lay(20, Array(1025).fill('/dev/null'));
    lay(30, ['socket:[8]']);
    expect(holders.find([8])).toBe(true);
    expect(holders.find([7])).toBe(false);
    expect([7, 8].map((inode) => holders.of(inode))).toEqual([NO_HOLDER, holder(30)]);
  });
});
