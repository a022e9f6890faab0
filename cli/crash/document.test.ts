import { expect, it } from 'vitest';
import { aReport } from '../testing/report.ts';
import { crashDocument } from './document.ts';

it('has all that a report tells, by the names that JSON has here', () => {
  const report = aReport();
  const document = crashDocument('a.log', report);
  const { uptimeUs, ...same } = report;
  expect(document).toEqual({ ...same, file: 'a.log', crash: true, corrupted: false, uptime_us: uptimeUs });
  expect(Object.keys(document).slice(0, 10)).toEqual([
    ...[
      'file',
      'crash',
      'title',
      'alternates',
      'type',
      'signature',
      'corrupted',
      'kernel',
      'taint',
      'frames',
    ],
  ]);
});

it('says why a report is not to be trusted, and that a log tells of no crash', () => {
  expect(crashDocument('a.log', aReport({ corrupted: 'it is cut' }))).toMatchObject({
    corrupted: 'it is cut',
  });
  expect(crashDocument('a.log', null)).toEqual({ file: 'a.log', crash: false });
});
