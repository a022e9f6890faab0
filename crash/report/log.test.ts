import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCrash } from './parse.ts';

const captured = (name: string) => {
  const url = new URL(`../../test/fixtures/crashes/${name}.console.txt.gz`, import.meta.url);
  return gunzipSync(readFileSync(url)).toString();
};
const WARNING = captured('6.12-warning');
const OOPS = captured('6.12-null-dereference');

describe('a crash in its log', () => {
  it('reads the crash that a log is kept for, and not what it holds of an earlier matter', () => {
    const later = OOPS.slice(OOPS.indexOf('[   24.75')).replaceAll(/^\[ {3}24\./gm, '[  924.');
    const log = `${WARNING.trimEnd()}\n[  900.000000] eth0: link up\n${later}`;
    const report = readCrash(log, []);
    expect(report?.title).toBe('BUG: unable to handle kernel NULL pointer dereference in queue_length');
    const lines = log.split('\n');
    expect(lines[report!.start]).toContain('BUG: kernel NULL pointer dereference, address: 0000000000000040');
    expect(lines[report!.frames[report!.guilty!]!.line]).toContain('RIP: 0010:queue_length.constprop.0+0x5');
    const { title, line } = report!.consequences.at(-1)!;
    expect(title).toContain('kernel panic');
    expect(lines[line]).toContain('Kernel panic - not syncing: Fatal exception');
  });

  it('reads the same wherever the crash stands, with lines of the whole text', () => {
    const alone = readCrash(OOPS.slice(OOPS.indexOf('[   24.75')), [])!;
    const whole = readCrash(OOPS, [])!;
    const skipped = whole.start - alone.start;
    expect(skipped).toBe(439);
    expect([whole.signature, whole.frames.length, whole.guilty]).toEqual([
      alone.signature,
      alone.frames.length,
      alone.guilty,
    ]);
    expect(whole.frames.map(({ line }) => line - skipped)).toEqual(alone.frames.map(({ line }) => line));
    expect(whole.end - skipped).toBe(alone.end);
  });

  it('knows the marks that are of what it reads', () => {
    const lines = OOPS.split('\n');
    const { frames } = readCrash(OOPS, [])!;
    const at = frames[5]!.line;
    lines.splice(at, 0, `${lines[at]?.replace(/\S+$/, 'mark+0x1/0x2')}`);
    const log = lines.join('\n');
    const functions = (marks: number[]) => readCrash(log, marks)?.frames.map((frame) => frame.function);
    const known = frames.map((frame) => frame.function);
    expect(functions([0])).toEqual([...known.slice(0, 5), 'mark', ...known.slice(5)]);
    expect(functions([0, at])).toEqual(known);
  });

  it('reads a log in which no line begins as the kernel does, and none that tells of nothing', () => {
    expect(readCrash('', [])).toBeNull();
    expect(readCrash('[    1.000000] eth0: link up\n', [])).toBeNull();
    const oom = '[    1.000000] Out of memory: Killed process 77 (sh) total-vm:1kB, anon-rss:1kB\n';
    expect(readCrash(oom, [])?.type).toBe('out-of-memory');
  });

  it('is read at the end of a log that is too long, with lines of all of it', () => {
    const quiet = '[    1.000000] eth0: link up\n';
    const many = Math.ceil((2 * 1024 * 1024) / quiet.length);
    const alone = readCrash(OOPS)!;
    expect(readCrash(quiet.repeat(many) + OOPS, [5])).toMatchObject({
      title: alone.title,
      start: alone.start + many,
      end: alone.end + many,
    });
    expect(readCrash(OOPS + quiet.repeat(many))).toBeNull();
    expect(readCrash('x'.repeat(2 * 1024 * 1024))).toBeNull();
  });

  it('takes any text and any marks', () => {
    const line = fc.oneof(fc.constantFrom(...OOPS.split('\n').slice(430, 500)), fc.string());
    fc.assert(
      fc.property(fc.array(line), fc.uniqueArray(fc.nat(80)), (lines, marks) => {
        const report = readCrash(
          lines.join('\n'),
          marks.sort((a, b) => a - b),
        );
        if (!report) return;
        expect(report.start).toBeLessThan(report.end);
        expect(report.end).toBeLessThanOrEqual(lines.join('\n').split('\n').length);
        for (const frame of report.frames) expect(lines.join('\n').split('\n')[frame.line]).not.toBe('');
      }),
    );
  });
});
