import { expect, test } from 'vitest';
import { changesOf, type Page, pageChanges } from './pages.ts';

const START_US = 1_700_000_000_000_000;
const page = (s: number, name: string, kind: Page['kind'] = 'firing'): Page => ({
  at_us: START_US + s * 1_000_000,
  kind,
  fingerprint: `drop/${name}/f@fleet`,
  title: `all hosts drop ${name}`,
});

test('pages are added, removed, moved, or as they were', () => {
  const original = [page(0, 'A'), page(5, 'B'), page(9, 'B'), page(7, 'C')];
  const changed = [page(0, 'A'), page(3, 'B'), page(8, 'D'), page(8, 'C', 'escalated')];
  const found = changesOf(original, changed);
  expect(found).toEqual({
    added: [page(8, 'D'), page(8, 'C', 'escalated')],
    removed: [page(7, 'C'), page(9, 'B')],
    moved: [{ ...page(3, 'B'), later_us: -2_000_000 }],
    same: 1,
  });
  expect(pageChanges(found, { width: 60, colour: false })).toEqual([
    'Pages: 2 added, 2 removed, 1 moved, 1 as they were',
    '+ 2023-11-14 22:13:28 UTC  all hosts drop D',
    '+ 2023-11-14 22:13:28 UTC  worse: all hosts drop C',
    '- 2023-11-14 22:13:27 UTC  all hosts drop C',
    '- 2023-11-14 22:13:29 UTC  all hosts drop B',
    '~ 2023-11-14 22:13:23 UTC  all hosts drop B (2 s sooner)',
  ]);
});

test('a replay by the same rules changes nothing', () => {
  const pages = [page(0, 'A'), page(5, 'B')];
  expect(changesOf(pages, pages)).toEqual({ added: [], removed: [], moved: [], same: 2 });
});
