import type { Crash, CrashLog, CrashRecord } from '@netfall/collector';
import { describe, expect, it } from 'vitest';
import { aReport } from '../testing/report.ts';
import { crashList, crashLogLines, crashPage } from './crashes.ts';

const second = 1_000_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };
const line = 'Kernel panic - not syncing: Fatal exception in interrupt';

const heard: CrashRecord = {
  ...{ host_id: 'relay-1', hostname: 'relay-1.example.net', record: 'netconsole-1', source: 'netconsole' },
  ...{ sender: '10.12.0.7', known_us: now - 94 * second, reported_us: now - 60 * second },
  ...{ first_us: now - 95 * second, last_us: now - 90 * second },
  ...{
    kernel: '6.1.0-18-amd64',
    boot_id: '',
    hardware: 'Dell Inc. PowerEdge R640/0X45NX, BIOS 2.21.2 02/19/2024',
  },
  ...{ kind: 'panic', line, uptime_us: 1_000_000 * second, last_uptime_us: 1_000_001 * second },
  ...{ revision: 1, digest: 'a'.repeat(64), bytes: 12_345, complete: false, unlisted_holes: 0 },
  holes: [
    { at: 1000, bytes: 1024, exact: false },
    { at: 5000, bytes: 300, exact: true },
    { at: 9000, bytes: 0, exact: false },
  ],
  ...{ wrap_at: 0, parts: 214, duplicates: 2, lost_messages: 5, parser_version: 0, reading: null },
};
const netoops: CrashRecord = {
  ...heard,
  ...{ record: 'netoops-1', source: 'netoops', sender: '2001:db8:12::7', bytes: 63_000 },
  holes: [{ at: 2048, bytes: 1024, exact: false }],
  ...{ wrap_at: 30_000, parts: 62, duplicates: 124, lost_messages: 0 },
};
const pstore: CrashRecord = {
  ...heard,
  ...{ host_id: 'db-7', hostname: 'db-7.example.net', record: 'pstore-1', source: 'pstore', sender: '' },
  ...{ bytes: 64_000, complete: true, holes: [], parts: 4, duplicates: 0, lost_messages: 0 },
};
const crash: Crash = {
  ...{ id: 'c1041-0', version: 9, host_id: 'db-7', hostname: 'db-7.example.net' },
  ...{ at_us: now - 95 * second, detected_us: now - 94 * second, kind: 'panic', line },
  ...{ uptime_us: heard.uptime_us, kernel: heard.kernel, boot_id: '', hardware: heard.hardware },
  ...{ state: 'reported', complete: true, records: [heard, netoops, pstore], unlisted_records: 0, best: 2 },
  mismatches: [
    { what: 'kernel', said: '6.1.0-18-amd64', known: '6.1.0-17-amd64' },
    { what: 'hardware', said: heard.hardware, known: 'HPE ProLiant DL360 Gen10' },
    { what: 'address', said: '2001:db8:12::7', known: 'db-8.example.net' },
  ],
  merged: ['c1044-0'],
  ...{ read: null, reading: null, parser_version: 0 },
};
/** Of which a parser has read what happened. */
const { taint, ...told } = aReport();
const read: Crash = {
  ...crash,
  ...{ kind: 'bug', line: 'BUG: KASAN: slab-use-after-free in tun_chr_close+0x1a/0x40', parser_version: 1 },
  reading: { ...told, taint: taint.flags, unlisted_frames: 3, unlisted_modules: 0 },
  mismatches: [],
};
const doubtful: Crash = {
  ...read,
  reading: read.reading && { ...read.reading, corrupted: 'it has no stack trace' },
};
const witness: CrashRecord = {
  ...heard,
  ...{ sender: '192.0.2.77', kind: '', line: '', uptime_us: 0, kernel: '', hardware: '', holes: [] },
  ...{ revision: 0, digest: '', bytes: 0, parts: 0, duplicates: 0, lost_messages: 0, reported_us: 0 },
};
/** Only a first sign, of nobody knows whom. */
const witnessed: Crash = {
  ...crash,
  ...{ id: 'c1050-0', host_id: '', hostname: '', kind: '', line: '', uptime_us: 0, kernel: '', hardware: '' },
  ...{ state: 'witnessed', complete: false, records: [witness], best: null, mismatches: [], merged: [] },
  at_us: now - 2 * second,
  detected_us: now - 2 * second,
};
/** A text that would act on the terminal, and a host with a long name. */
const hostile: Crash = {
  ...crash,
  ...{ id: 'c980-3', hostname: '\x1b[2Ja-host-with-a-very-long-name.example.net', kind: 'lockup' },
  ...{
    line: 'watchdog: BUG: soft lockup\r\n\x1b[31m - CPU#3 stuck for 22s! [sh:77]',
    at_us: now - 4000 * second,
  },
  ...{ records: [netoops], best: 0, mismatches: [], merged: [], unlisted_records: 2 },
};

describe('crashes as text', () => {
  it.each([
    ['crashes.txt', crashList([witnessed, crash, read, doubtful, hostile], now, paper)],
    ['crash-reported.txt', crashPage(crash, now, paper)],
    ['crash-read.txt', crashPage(read, now, paper)],
    ['crash-witnessed.txt', crashPage(witnessed, now, paper)],
    ['crash-hostile.txt', crashPage(hostile, now, paper)],
  ])('%s', async (name, lines) => {
    for (const text of lines) expect([...text].length).toBeLessThanOrEqual(80);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
  });

  it('are red unless a kernel lives on after what it told of', () => {
    const colour = (part: Partial<Crash>) => {
      const [title = ''] = crashPage({ ...read, ...part }, now, { ...paper, colour: true });
      return title.startsWith('\x1b[31m') ? 'red' : title.startsWith('\x1b[33m') ? 'yellow' : title;
    };
    const warning = read.reading && { ...read.reading, type: 'warning' };
    expect(colour({ reading: warning, kind: 'panic' })).toBe('red');
    expect(colour({ reading: warning, kind: 'warning' })).toBe('yellow');
    expect(colour({ reading: null, kind: 'hung task' })).toBe('yellow');
    expect(colour({ reading: null, kind: '' })).toBe('red');
    expect(colour({ reading: warning && { ...warning, type: 'of-another-release' }, kind: 'stall' })).toBe(
      'yellow',
    );
  });

  it('says so when there are none', () => {
    expect(crashList([], now, paper)).toEqual(['No crashes.']);
  });

  it.each<[string, Partial<CrashRecord>, string, string]>([
    ['whole', { complete: true, holes: [] }, 'whole', 'whole, 12.3k bytes by netconsole'],
    [
      'with one hole',
      { holes: heard.holes.slice(1, 2) },
      '1 hole',
      '1 hole, 12.3k bytes by netconsole, 300 missing',
    ],
    [
      'with holes that are not exact',
      { holes: heard.holes.slice(0, 2) },
      '2 holes',
      '2 holes, 12.3k bytes by netconsole, ≤1.32k missing',
    ],
    [
      'with holes of unknown size',
      { unlisted_holes: 1200 },
      '1.20k holes',
      '1.20k holes, 12.3k bytes by netconsole, ~1.32k missing',
    ],
    [
      'with nothing but holes of unknown size',
      { holes: heard.holes.slice(2) },
      '1 hole',
      '1 hole, 12.3k bytes by netconsole, ? missing',
    ],
    [
      'not whole, nobody knows why',
      { holes: [] },
      'in part',
      'in part, 12.3k bytes by netconsole, ? missing',
    ],
  ])('tells of a log %s', (_name, part, short, long) => {
    const one = { ...crash, best: 0, records: [{ ...heard, ...part }] };
    const wide = { ...paper, width: 200 };
    expect(crashList([one], now, wide)[1]).toContain(`netconsole  ${short}  `);
    expect(crashPage(one, now, wide)).toContain(`log        ${long}`);
  });

  it('tells of the logs that there are besides the best', () => {
    const logs = (...records: CrashRecord[]) =>
      crashPage({ ...crash, best: 0, records }, now, paper).find((line) => line.startsWith('log '));
    expect(logs(pstore)).toBe('log        whole, 64.0k bytes by pstore');
    expect(logs(pstore, witness)).toBe('log        whole, 64.0k bytes by pstore');
    expect(logs(pstore, heard)).toBe('log        whole, 64.0k bytes by pstore; --record shows the other one');
    expect(logs(pstore, heard, netoops)).toBe(
      'log        whole, 64.0k bytes by pstore; --record shows the 2 others',
    );
  });
});

describe('a log', () => {
  const log: CrashLog = {
    ...{ crash_id: 'c1041-0', record: 0, source: 'netconsole', digest: heard.digest, bytes: 30 },
    ...{ holes: [{ at: 10, bytes: 5, exact: true }], unlisted_holes: 0, wrap_at: 0 },
    text: 'a\tb \x1b[2Jc\n[... 5 bytes are missing here ...]\n\n[... 5 bytes are missing here ...]\n',
    marks: [1],
    report: { first: 0, last: 3, guilty: 2, frames: [0, 2] },
  };

  it('is printed as it is, without what would act on a terminal', () => {
    expect(crashLogLines(log, paper, false)).toEqual([
      'a\tb c',
      '[... 5 bytes are missing here ...]',
      '',
      '[... 5 bytes are missing here ...]',
    ]);
    expect(crashLogLines({ ...log, text: '', marks: [], report: null }, paper, false)).toEqual([]);
  });

  it('has its marks set off on a terminal, and not what only looks like one', () => {
    const lines = crashLogLines(log, { ...paper, colour: true }, false);
    expect(lines[1]).toBe('\x1b[33m[... 5 bytes are missing here ...]\x1b[39m');
    expect(lines[3]).toBe('[... 5 bytes are missing here ...]');
  });

  it('has on a terminal an arrow before who is blamed', () => {
    const said = { ...log, text: 'a\n[... 5 bytes are missing here ...]\n? foo+0x1/0x2\nbar\n' };
    expect(crashLogLines(said, paper, true)).toEqual([
      '  a',
      '  [... 5 bytes are missing here ...]',
      '→ ? foo+0x1/0x2',
      '  bar',
    ]);
    const coloured = crashLogLines(said, { ...paper, colour: true }, true);
    expect(coloured[2]).toBe('\x1b[31m→ ? foo+0x1/0x2\x1b[39m');
    const nobody = { ...said, report: { ...said.report!, guilty: null } };
    expect(crashLogLines(nobody, paper, true)[2]).toBe('  ? foo+0x1/0x2');
    expect(crashLogLines({ ...said, report: null }, paper, true)[2]).toBe('  ? foo+0x1/0x2');
  });
});
