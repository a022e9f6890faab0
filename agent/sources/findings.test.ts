/** What sources say of crashes, by the logs of real ones. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type CrashLog, PARSER_VERSION } from '@netfall/crash';
import { checkEntry, decodeEntry, encodeEntry, hostSubject } from '@netfall/proto';
import { describe, expect, it, vi } from 'vitest';
import { findingsOf, witnessIn } from './findings.ts';

const captured = (name: string) => {
  const url = new URL(`../../test/fixtures/crashes/${name}.console.txt.gz`, import.meta.url);
  return gunzipSync(readFileSync(url)).toString();
};
const OOPS = captured('6.12-null-dereference');
const known = { record: 'r', source: 'kmsg', firstUs: 1, lastUs: 2 };
const logOf = (text: string, holes: CrashLog['holes'] = []): CrashLog => {
  return { bytes: Buffer.from(text), holes, wrapAt: 0 };
};
const readingIn = (text: string, holes?: CrashLog['holes']) => findingsOf(known, logOf(text, holes)).reading;

describe('a report', () => {
  it('has what the parser reads off its log', () => {
    const { reading, parser_version, witness } = findingsOf(known, logOf(OOPS));
    expect([parser_version, witness?.kind]).toEqual([PARSER_VERSION, 'oops']);
    expect(reading).toMatchObject({
      title: 'BUG: unable to handle kernel NULL pointer dereference in queue_length',
      type: 'null-pointer-dereference',
      corrupted: '',
      place: 'queue_length',
      guilty: 0,
      process: 'sh',
      taint: 'GOE',
      ...{ unlisted_frames: 0, unlisted_modules: 0 },
    });
    expect(reading?.frames[0]).toEqual({
      ...{ function: 'queue_length.constprop.0', offset: 5, module: 'netfall_crash' },
      ...{ reliable: true, inline: false, passed: '' },
    });
    expect(reading?.modules).toContain('netfall_crash');
    expect(readingIn(captured('6.1-null-dereference'))?.signature).toBe(reading?.signature);
  });

  it('is of the crash that it tells of, and not of an earlier warning', () => {
    const warning = captured('6.12-warning').trimEnd();
    const later = OOPS.slice(OOPS.indexOf('[   24.75'));
    const text = `${warning}\n[  900.000000] eth0: link up\n${later.replaceAll('[   2', '[ 90')}`;
    const { witness, reading } = findingsOf(known, logOf(text));
    expect(witness?.line).toBe('BUG: kernel NULL pointer dereference, address: 0000000000000040');
    expect(reading?.type).toBe('null-pointer-dereference');
  });

  it('of a log that tells of no crash says that it was read', () => {
    expect(findingsOf(known, logOf('[    1.000000] eth0: link up\n'))).toMatchObject({
      reading: null,
      parser_version: PARSER_VERSION,
    });
  });

  it('does not take what stands around a hole for one line', () => {
    const at = OOPS.indexOf('queue_length.constprop.0+0x5') + 'queue_'.length;
    const holes = [{ at, bytes: 100, exact: true }];
    expect(readingIn(OOPS)?.frames[0]?.function).toBe('queue_length.constprop.0');
    expect(readingIn(OOPS, holes)?.frames[0]?.function).not.toBe('queue_length.constprop.0');
  });

  it('is one that collectors take, whatever its log is', () => {
    const long = 'x'.repeat(500);
    const trace = Array.from({ length: 100 }, (_, i) => `[    1.000003]  ${long}${i}+0x1/0x2 [${long}]`);
    const text = [
      `[    1.000000] BUG: kernel NULL pointer dereference, address: 0000000000000040`,
      `[    1.000001] CPU: 4294967296 PID: 99999999999 Comm: ${long} Tainted: G 6.1.0 #1`,
      '[    1.000002] Call Trace:',
      ...trace,
      `[    1.000004] Modules linked in: ${Array.from({ length: 400 }, (_, i) => `m${i}`).join(' ')} ${long}`,
    ].join('\n');
    const findings = findingsOf(known, logOf(text));
    const report = { ...findings, digest: '0'.repeat(64), bytes: text.length };
    const envelope = {
      ...{ cell: 'c', host_id: 'h', incarnation: 'i', seq: 1, oldest_seq: 1, boot_id: '', observed_us: 0 },
      ...{ items: [{ crash_report: report }], losses: [] },
    };
    const decoded = decodeEntry(encodeEntry({ envelope }));
    expect(checkEntry(decoded, hostSubject('c', 'h'))).toBeNull();
    expect(findings.reading?.frames.length).toBeLessThanOrEqual(32);
    expect(findings.reading?.modules).toHaveLength(256);
    expect(findings.reading?.unlisted_modules).toBe(144);
    expect(findings.reading?.pid).toBeNull();
  });
});

describe('a witness', () => {
  it('of what is known without the log needs none', () => {
    const beginning = { kind: 'panic', text: 'Kernel panic - not syncing: x', uptimeUs: 7 } as const;
    const assemble = vi.fn(() => logOf(OOPS));
    expect(witnessIn({ ...known, beginning, kernel: '6.1.0' }, assemble)).toMatchObject({
      ...{ kind: 'panic', line: 'Kernel panic - not syncing: x', uptime_us: 7, kernel: '6.1.0' },
    });
    expect(assemble).not.toHaveBeenCalled();
  });

  it('has of the rest what the log tells', () => {
    expect(witnessIn(known, () => logOf(OOPS))).toMatchObject({
      kind: 'oops',
      line: 'BUG: kernel NULL pointer dereference, address: 0000000000000040',
      kernel: expect.stringMatching(/^6\.12\./),
    });
    expect(witnessIn({ ...known, kernel: '5.0' }, () => logOf('torn')).kernel).toBe('5.0');
  });
});
