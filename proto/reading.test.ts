import type { Report } from '@netfall/crash';
import { expect, test } from 'vitest';
import { LIMITS } from './check.ts';
import { readingOf } from './reading.ts';

const frame = {
  ...{ function: 'nvme_queue_rq', offset: 16, module: 'nvme', source: 'nvme.c:1' },
  ...{ reliable: true, inline: false, line: 7, passed: '' },
};
const report: Report = {
  ...{ title: 'kernel BUG in nvme_queue_rq', alternates: ['bug in x'], type: 'bug', bug: 'bug in x' },
  ...{ corrupted: '', signature: '1:0123456789abcdef', place: 'x', start: 5, end: 9, uptimeUs: 7 },
  frames: [frame, { ...frame, offset: null, passed: 'locking' }],
  ...{ guilty: 1, process: 'sh', pid: 77, cpu: 0, kernel: '6.1', hardware: 'V' },
  taint: { flags: 'GW', meanings: ['a warning'] },
  modules: ['nvme'],
  ...{ registers: { RIP: '0' }, code: '90', before: ['x'], earlier: [], consequences: [] },
};

test('a reading has of a report what entries carry', () => {
  expect(readingOf(report)).toEqual({
    ...{ title: 'kernel BUG in nvme_queue_rq', alternates: ['bug in x'], type: 'bug', bug: 'bug in x' },
    ...{ corrupted: '', signature: '1:0123456789abcdef', place: 'x' },
    frames: [
      { function: 'nvme_queue_rq', offset: 16, module: 'nvme', reliable: true, inline: false, passed: '' },
      {
        ...{ function: 'nvme_queue_rq', offset: null, module: 'nvme', reliable: true, inline: false },
        passed: 'locking',
      },
    ],
    ...{ unlisted_frames: 0, guilty: 1, process: 'sh', pid: 77, cpu: 0, taint: 'GW' },
    ...{ modules: ['nvme'], unlisted_modules: 0 },
  });
});

test('what has no room is cut or counted', () => {
  const long = `${'x'.repeat(255)}😀`;
  const reading = readingOf({
    ...report,
    ...{ title: long, alternates: new Array(9).fill(long), pid: 2 ** 32, cpu: -1, guilty: 32 },
    frames: new Array(40).fill({ ...frame, function: long, module: long, offset: 1.5 }),
    modules: new Array(300).fill(long),
  });
  const cut = `${'x'.repeat(255)}\ufffd`;
  expect(reading).toMatchObject({
    ...{ title: cut, alternates: new Array(8).fill(cut), pid: null, cpu: null, guilty: null },
    ...{ unlisted_frames: 8, unlisted_modules: 44 },
  });
  expect(reading.frames).toEqual(
    new Array(32).fill({
      ...{ function: cut, offset: null, module: 'x'.repeat(LIMITS.moduleName) },
      ...{ reliable: true, inline: false, passed: '' },
    }),
  );
  expect(reading.modules).toEqual(new Array(256).fill('x'.repeat(64)));
});
