import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kernelReport, kernelReportsIn } from './kernel-reports.ts';

it.each([
  [
    'TITLE: BUG: bad page\r\nALT: bad-access in f\r\nTYPE: BUG\r\nCORRUPTED: Y\r\n\r\nTITLE: one\r\n\r\ntwo\r\n',
    { titles: ['BUG: bad page', 'bad-access in f'], corrupted: true, log: 'TITLE: one\n\ntwo\n' },
  ],
  [
    'TITLE:\n# nothing\n\none\nREPORT:\ntwo\n\nREPORT:\nthree\n',
    { titles: [], corrupted: false, log: 'one\nREPORT:\ntwo\n' },
  ],
  ['\nTITLE: in the log\n\n', { titles: [], corrupted: false, log: 'TITLE: in the log\n\n' }],
])('reads %j', (content, expected) => {
  expect(kernelReport('1', content)).toEqual({ file: '1', ...expected });
});

it('reads a folder in the order of the numbers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'netfall-reports-'));
  try {
    for (const file of ['10', '9', '100']) writeFileSync(join(folder, file), `TITLE: ${file}\n\n`);
    expect(kernelReportsIn(folder).map(({ titles }) => titles)).toEqual([['9'], ['10'], ['100']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
