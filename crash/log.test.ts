import { expect, it } from 'vitest';
import { lastBeginning, markedText } from './index.ts';

const hole = (at: number) => ({ at, bytes: 1024, exact: false });

it('has no line that goes across a hole, and an empty one for each', () => {
  const line = '[    1.000000] BUG: unable to handle page fault for add';
  const bytes = Buffer.from(`${line}ress: ä\nlast`);
  const log = { bytes, holes: [hole(0), hole(line.length), hole(bytes.length - 4)], wrapAt: 0 };
  const { text, marks } = markedText(log);
  expect(text).toBe(`\n${line}\n\nress: ä\n\nlast`);
  expect(marks).toEqual([0, 2, 4]);
  expect(lastBeginning(text)?.text).toBe('BUG: unable to handle page fault for add');
  expect(markedText({ bytes: new Uint8Array(), holes: [], wrapAt: 0 })).toEqual({ text: '', marks: [] });
});
