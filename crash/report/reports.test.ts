/** Real trouble of many kinds, on two of Debian's kernels: each is read as people who know kernels would read it. */

import { describe, expect, it } from 'vitest';
import { readReport, reportNames } from '../../test/vm/reports.ts';
import { troubles } from '../../test/vm/troubles.ts';
import { readCrash } from '../index.ts';

it('there is one of each trouble on each kernel that can have it', async () => {
  const names = troubles.flatMap(({ name, kernels }) => kernels.map((kernel) => `${kernel}-${name}`));
  expect(await reportNames()).toEqual(names.sort());
});

it('they are all different bugs', async () => {
  // Whether the kernel lives on without memory is for its administrator to say.
  const others = troubles.filter(({ name }) => name !== 'out-of-memory-panic');
  const kept = await Promise.all(others.map(({ name }) => readReport(`6.12-${name}`)));
  expect(new Set(kept.map(({ expected }) => expected.signature)).size).toBe(others.length);
});

describe.each(troubles)('$name', ({ name, kernels }) => {
  for (const kernel of kernels) {
    it(`is read as what it is on Linux ${kernel}`, async () => {
      const { expected, log } = await readReport(`${kernel}-${name}`);
      const { title, type, place, signature, corrupted } = readCrash(log) ?? {};
      expect({ title, type, place, signature, corrupted }).toEqual({ ...expected, corrupted: '' });
    });
  }

  it('is the same bug on all kernels', async () => {
    const kept = await Promise.all(kernels.map((kernel) => readReport(`${kernel}-${name}`)));
    expect(new Set(kept.map(({ expected }) => expected.signature)).size).toBe(1);
  });
});
