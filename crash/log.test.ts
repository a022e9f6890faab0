import { expect, it } from 'vitest';
import { lastBeginning, textOf } from './index.ts';

it('has no line that goes across a hole', () => {
  const hole = (at: number) => ({ at, bytes: 1024, exact: false });
  const line = '[    1.000000] BUG: unable to handle page fault for add';
  const log = { bytes: Buffer.from(`${line}ress: ä\nlast`), holes: [hole(0), hole(line.length)], wrapAt: 0 };
  expect(textOf(log)).toBe(`\n${line}\nress: ä\nlast`);
  expect(lastBeginning(textOf(log))?.text).toBe('BUG: unable to handle page fault for add');
  expect(textOf({ bytes: new Uint8Array(), holes: [], wrapAt: 0 })).toBe('');
});
