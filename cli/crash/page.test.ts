import { stripVTControlCharacters } from 'node:util';
import type { Report } from '@netfall/crash';
import { expect, it } from 'vitest';
import { aFrame, aReport } from '../testing/report.ts';
import { reportPage } from './page.ts';
import { stackLines } from './stack.ts';

const paper = { width: 80, colour: false };

/** Of a host that would act on the terminal, and that says as little as it can. */
const hostile = aReport({
  title: `panic: \x1b[2J${'x'.repeat(200)}`,
  alternates: [],
  type: 'panic',
  corrupted: 'it ends within\x1b[31m its stack',
  guilty: null,
  frames: [aFrame('\x1b[31mred\rname', { passed: 'because\x07' })],
  place: '',
  start: 0,
  end: 1,
  uptimeUs: 0,
  process: 'a\x1b[1mb',
  pid: null,
  cpu: null,
  kernel: '',
  taint: { flags: '', meanings: [] },
  hardware: '\tmachine',
  before: ['\x1b[0m'],
  consequences: Array.from({ length: 12 }, (_, line) => ({ title: 'again\n', type: 'other', line }) as const),
});

it.each([
  ['report-80.txt', aReport(), 80],
  ['report-50.txt', aReport(), 50],
  ['report-hostile.txt', hostile, 80],
])('%s', async (name, report, width) => {
  const lines = reportPage(report, { width, colour: false });
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
});

it('is the same in colours: who is blamed is bold, who is passed over dim', () => {
  const coloured = reportPage(aReport(), { ...paper, colour: true });
  expect(coloured.map(stripVTControlCharacters)).toEqual(reportPage(aReport(), paper));
  expect(coloured).toContain('\x1b[1m→   tun_chr_close [tun] drivers/net/tun.c:3455 (inlined)\x1b[22m');
  expect(coloured).toContain('\x1b[2m    kasan_report+0x1a  passed over: reporting\x1b[22m');
});

it('has its title in red when it, or what followed, ended the kernel', () => {
  const title = (part: Partial<Report>) =>
    reportPage(aReport({ title: 'it', ...part }), { ...paper, colour: true })[0];
  const panic = { title: 'kernel panic: panic_on_warn set', type: 'panic', line: 158 } as const;
  expect(title({ type: 'kasan', consequences: [] })).toBe('\x1b[33mit\x1b[39m');
  expect(title({ type: 'kasan', consequences: [panic] })).toBe('\x1b[31mit\x1b[39m');
  expect(title({ type: 'panic', consequences: [] })).toBe('\x1b[31mit\x1b[39m');
});

it('has the modules last, all of them, with how many they are', () => {
  const modules = Array.from({ length: 20 }, (_, i) => `module_${i}`);
  expect(reportPage(aReport({ modules }), paper).slice(-5)).toEqual([
    '',
    'MODULES (20)',
    `  ${modules.slice(0, 8).join(' ')}`,
    `  ${modules.slice(8, 16).join(' ')}`,
    `  ${modules.slice(16).join(' ')}`,
  ]);
  expect(reportPage(aReport({ modules: [] }), paper).join()).not.toContain('MODULES');
});

it('shows of a long stack what is around the place', () => {
  const frames = Array.from({ length: 60 }, (_, i) => aFrame(`f${i}`));
  const ends = (guilty: number | null) => stackLines(frames, guilty, paper).slice(-2);
  expect(ends(null)).toEqual(['    f15+0x1a', '    … and 44 more']);
  expect(ends(2)).toEqual(['    f15+0x1a', '    … and 44 more']);
  expect(ends(30)).toEqual(['    f40+0x1a', '    … and 19 more']);
  expect(ends(59)).toEqual(['    f58+0x1a', '→   f59+0x1a']);
});
