/** What ramoops kept of real crashes, of Debian's kernels in VMs. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCrash } from '@netfall/crash';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCapture } from '../../../test/vm/captures.ts';
import { CrashRecorder } from '../../testing/crash-recorder.ts';
import { PstoreSource } from './source.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-pstore-'));
  mkdirSync(join(root, 'sys/fs/pstore'), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true }));

/** What is told of a capture's records. */
async function told(name: string) {
  const { pstore, console } = await readCapture(name);
  for (const { name: file, mtime_us, data } of pstore) {
    const path = join(root, 'sys/fs/pstore', file);
    writeFileSync(path, data);
    utimesSync(path, mtime_us / 1_000_000, mtime_us / 1_000_000);
  }
  const into = new CrashRecorder();
  const source = new PstoreSource({ root, nowUs: () => 0, data: undefined });
  source.start();
  source.collect(into);
  expect(into.losses).toEqual({});
  return { crashes: into.crashes, console: console.replaceAll('\r', '') };
}

describe.each(['6.1', '6.12'])('records of real crashes of Linux %s', (kernel) => {
  // Newest first. An oops that ends in a panic is kept twice.
  it.each([
    ['panic', ['panic'], 'Kernel panic - not syncing: sysrq triggered crash'],
    ['null-dereference', ['oops', 'oops'], 'BUG: kernel NULL pointer dereference, address: 0000000000000040'],
    ['soft-lockup', ['lockup'], 'watchdog: BUG: soft lockup - CPU#'],
    ['warning', [], ''],
  ])('are told as what they were: %s', async (trouble, kinds, beginning) => {
    const { crashes, console } = await told(`${kernel}-${trouble}`);
    expect(crashes.map(({ findings: { witness } }) => witness?.kind)).toEqual(kinds);
    const titles = crashes.map(({ findings: { reading } }) => reading?.title);
    expect(titles).toEqual(kinds.map(() => readCrash(console, [])?.title));
    for (const { findings, log } of crashes) {
      const { line = '', uptime_us = 0, kernel: release = '' } = findings.witness ?? {};
      expect(line.startsWith(beginning)).toBe(true);
      expect(release.startsWith(`${kernel}.`)).toBe(true);
      expect(findings).toMatchObject({
        complete: true,
        holes: [],
        parts: 1,
        hardware: 'QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-debian-1.16.2-1 04/01/2014',
      });
      expect(log).toMatch(/^<5>\[ {4}0\.000000\] Linux version /);
      // The console had the same, but for what comes after the dump.
      const time = `[${(uptime_us / 1_000_000).toFixed(6).padStart(12)}]`;
      const printed = console.slice(console.indexOf(`${time} ${line}\n`)).split('\n');
      const kept = log
        .slice(log.indexOf(`${time} ${line}\n`))
        .trimEnd()
        .split('\n');
      expect(kept.map((each) => each.replace(/^<\d>/, ''))).toEqual(printed.slice(0, kept.length));
      expect(kept.length).toBeGreaterThan(15);
    }
  });
});
