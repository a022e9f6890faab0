import type { SignaturePreview } from '@netfall/collector';
import { expect, it } from 'vitest';
import { aGroup } from '../testing/report.ts';
import { groupList, previewPage } from './signatures.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };

const count = (signature: string, title: string, crashes: number) => ({ signature, title, crashes });
const preview: SignaturePreview = {
  ...{ version: 2, current_version: 1, meaning: 'what happened, where, and two callers', crashes: 1234 },
  ...{ groups_before: 5, groups_after: 6, unlisted_changes: 4 },
  changes: [
    {
      what: 'split',
      before: [count('1:a', 'bad \x1b[2Jaccess in a', 5)],
      after: [count('2:a', 'bad access in a', 3), count('2:b', 'bad access in a', 2)],
    },
    {
      what: 'merge',
      before: [count('1:b', 'b', 1), count('1:c', 'c'.repeat(99), 1)],
      after: [count('2:c', 'c', 2)],
    },
    { what: 'regroup', before: [count('1:d', 'd', 1)], after: [count('2:d', 'd', 1)] },
  ],
};

it.each([
  [
    'signatures.txt',
    groupList(
      [
        aGroup(),
        aGroup({
          title: 'cut \x1b[31mshort',
          corrupted: true,
          kernels: [],
          hosts_total: 1200,
          crashes: 12_000,
        }),
        aGroup({ kernels: ['6.12', '6.1', '5.10'].map((name) => ({ name, crashes: 1 })) }),
      ],
      now,
      paper,
    ),
  ],
  ['preview.txt', previewPage(preview, paper)],
])('%s', async (name, lines) => {
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
});

it('says when there is nothing', () => {
  expect(groupList([], now, paper)).toEqual(['No crashes of which it is known what they were.']);
  const none = { ...preview, changes: [], unlisted_changes: 0, crashes: 1 };
  const same = previewPage(none, { ...paper, width: 200 });
  expect(same).toEqual([
    'Signatures of version 2 would be the same for crashes that share what happened, where, and two callers: 6 of them instead of 5 of version 1, over 1 crash.',
    '',
    'None would be merged, and none split.',
  ]);
});
