import { stripVTControlCharacters } from 'node:util';
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
  expect(coloured[0]).toBe('\x1b[33mKASAN: use-after-free Read in tun_chr_close\x1b[39m');
  expect(coloured).toContain('\x1b[1m→   tun_chr_close [tun] drivers/net/tun.c:3455 (inlined)\x1b[22m');
  expect(coloured).toContain('\x1b[2m    kasan_report+0x1a  passed over: reporting\x1b[22m');
  const panic = aReport({ type: 'panic', title: 'kernel panic' });
  expect(reportPage(panic, { ...paper, colour: true })[0]).toBe('\x1b[31mkernel panic\x1b[39m');
});

it('shows of a long stack what is around the place', () => {
  const frames = Array.from({ length: 60 }, (_, i) => aFrame(`f${i}`));
  const ends = (guilty: number | null) => stackLines(frames, guilty, paper).slice(-2);
  expect(ends(null)).toEqual(['    f15+0x1a', '    … and 44 more']);
  expect(ends(2)).toEqual(['    f15+0x1a', '    … and 44 more']);
  expect(ends(30)).toEqual(['    f40+0x1a', '    … and 19 more']);
  expect(ends(59)).toEqual(['    f58+0x1a', '→   f59+0x1a']);
});
