import { stripVTControlCharacters } from 'node:util';
import { PARSER_VERSION, SIGNATURE_VERSION, signatureVersions } from '@netfall/crash';
import { expect, it } from 'vitest';
import { aGroup, aReport } from '../testing/report.ts';
import { type Near, nearest } from './near.ts';
import { type Why, whyDocument, whyPage } from './why.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };
const report = aReport();
const other = aGroup({
  ...{ signature: '1:b', title: 'memory leak in tun_chr_close', bug: 'leak in tun_chr_close' },
  ...{
    crashes: 1,
    hosts_total: 1,
    kernels: ['6.1', '6.6', '6.8', '6.10'].map((name) => ({ name, crashes: 1 })),
  },
});
const stack = new Map([[aGroup().signature, { frames: report.frames, guilty: report.guilty }]]);
const near = nearest(report, [aGroup(), other], stack);

const whole: Why = {
  report,
  beginning: '[ 4012.345678] BUG: KASAN: slab-use-after-free in tun_chr_close+0x1a/0x40',
  known: { near: [...near, { ...near[1]!, by: 'stack', functions: 8, shared: 5 }] },
  collector: { title: 'BUG: KASAN: use-after-free in tun_chr_close', parser_version: 0 },
};
const little: Why = {
  report: aReport({
    ...{
      title: 'kernel panic: \x1b[2Jno init',
      type: 'panic',
      bug: 'panic: no init',
      guilty: null,
      frames: [],
    },
    ...{ place: '', corrupted: 'it is cut short' },
  }),
  beginning: '\x1b[31mKernel panic - not syncing: No working init found.',
  known: { unknown: 'no collector answers at http://127.0.0.1:7070 (ECONNREFUSED): start one' },
  collector: null,
};

it.each([
  ['why-whole.txt', whole],
  ['why-little.txt', little],
])('%s', async (name, why) => {
  const lines = whyPage(why, now, paper);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
  const coloured = whyPage(why, now, { ...paper, colour: true });
  expect(coloured.map(stripVTControlCharacters)).toEqual(lines);
  expect(coloured).not.toEqual(lines);
});

it('names the place where no frame is blamed, says that none is near, and cuts what is many', () => {
  const device = { ...little.report, place: 'eth0', corrupted: '' };
  const lines = whyPage({ ...little, report: device, known: { near: [] } }, now, paper);
  expect(lines).toContain('  No frame is blamed; the place is eth0, by what the report says.');
  expect(lines.at(-1)).toBe('  None: nothing of this place or kind is known.');
  const many: Near[] = Array.from({ length: 10 }, () => near[0]!);
  expect(whyPage({ ...whole, known: { near: many } }, now, paper).at(-1)).toBe('  … and 2 more');
});

it('says that the collector has another title, and of whose parser if that is another one', () => {
  const told = (parser_version: number) => {
    const collector = { title: 'another', parser_version };
    return whyPage({ ...whole, collector }, now, paper).filter((line) => line.includes('The collector has'));
  };
  expect(told(PARSER_VERSION)).toEqual(['  The collector has it as "another".']);
  expect(told(PARSER_VERSION + 1)).toEqual([
    '  The collector has it as "another", by another release\'s parser.',
  ]);
});

it('says of which known crashes no report is to be trusted', () => {
  const group = { ...near[0]!.group, corrupted: true };
  const lines = whyPage({ ...whole, known: { near: [{ ...near[0]!, group }, near[1]!] } }, now, paper);
  expect(lines.filter((line) => line.includes('trusted'))).toEqual([
    '    No report of these is to be trusted.',
  ]);
});

it('is a document', () => {
  const document = whyDocument({ file: 'a.log' }, whole);
  expect(document).toMatchObject({
    ...{ file: 'a.log', crash: true, title: report.title, type: 'kasan', corrupted: false },
    beginning: { line: 108, text: whole.beginning },
    collector: whole.collector,
    passed: report.frames.slice(0, 3),
    guilty: report.frames[3],
    ...{
      place: 'tun_chr_close',
      signature: report.signature,
      near: 'near' in whole.known && whole.known.near,
    },
  });
  expect(document).not.toHaveProperty('near_unknown');
  expect(document).toHaveProperty(
    'signatures',
    signatureVersions.map(({ version, meaning, parts }) => ({
      ...{ version, meaning, parts: parts(report), current: version === SIGNATURE_VERSION },
      signature: expect.stringMatching(new RegExp(`^${version}:[0-9a-f]{16}$`)),
    })),
  );
  expect(whyDocument({ crash_id: 'c1-0' }, little)).toMatchObject({
    ...{ crash_id: 'c1-0', corrupted: 'it is cut short', guilty: null, near: null },
    near_unknown: expect.stringContaining('ECONNREFUSED'),
  });
});
