import { describe, expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { Fold } from './fold.ts';
import { fold } from './testing/folded.ts';
import { START_US, Story, testRules } from './testing/story.ts';

const changes = (folded: Fold) => [...folded.rows().changes];
const ids = (folded: Fold) => changes(folded).map(({ id }) => id);

test('a change is kept as it was announced, and replaced by what comes under its id', () => {
  const story = new Story();
  const told = {
    kind: 'firmware',
    summary: 'NICs of r12 to 16.36',
    at_us: START_US + 500_000,
    attributes: [{ key: 'rack', value: 'r12' }],
    hosts: ['web-1', 'web-2'],
    by: 'ann',
    url: 'https://ci.example/7',
  };
  story.change(1, 'c1', told);
  const folded = fold(story);
  expect(changes(folded)).toEqual([{ id: 'c1', ...told, announced_us: START_US + 1_000_000 }]);
  folded.takeChanges();
  folded.apply(story.change(2, 'c1', { summary: 'called off' }));
  const replaced = {
    ...{ id: 'c1', kind: 'deployment', summary: 'called off', at_us: START_US + 2_000_000 },
    ...{ announced_us: START_US + 2_000_000, attributes: [], hosts: [], by: 'ci', url: '' },
  };
  expect(changes(folded)).toEqual([replaced]);
  expect(folded.takeChanges()).toMatchObject({ changes: [replaced], removedChanges: [] });
  expect(folded.takeChanges().changes).toEqual([]);
});

describe('when it began', () => {
  const day = 86_400_000_000;
  test.each([
    ['at log time where it does not say', 0, START_US + 1_000_000],
    ['before', 5, 5],
    ['up to a day ahead', START_US + 1_000_000 + day, START_US + 1_000_000 + day],
    ['no further ahead', START_US + 1_000_001 + day, START_US + 1_000_000 + day],
  ])('%s', (_name, at_us, expected) => {
    const story = new Story();
    story.change(1, 'c1', { at_us });
    expect(changes(fold(story))[0]?.at_us).toBe(expected);
  });
});

describe('a thousand are kept', () => {
  /** c1000 began first, c1 last; the two oldest at one moment. */
  function full(): Story {
    const story = new Story();
    for (let n = 1; n <= 1000; n++) story.change(0, `c${n}`, { at_us: 5000 - Math.min(n, 999) });
    return story;
  }

  test('those that began last, and of one moment those with the later id', () => {
    const story = full();
    const folded = fold(story);
    expect(ids(folded)).toHaveLength(1000);
    folded.takeChanges();
    folded.apply(story.change(1, 'd1', { at_us: 6000 }));
    expect(folded.takeChanges()).toMatchObject({ changes: [{ id: 'd1' }], removedChanges: ['c1000'] });
    folded.apply(story.change(1, 'd2', { at_us: 6000 }));
    expect(folded.takeChanges()).toMatchObject({ changes: [{ id: 'd2' }], removedChanges: ['c999'] });
    // One that began before all of them is not kept itself.
    folded.apply(story.change(1, 'd3', { at_us: 1 }));
    expect(folded.takeChanges()).toMatchObject({ changes: [], removedChanges: ['d3'] });
    // What replaces another one takes nobody's place.
    folded.apply(story.change(1, 'c1', { at_us: 1 }));
    expect(folded.takeChanges()).toMatchObject({ changes: [{ id: 'c1' }], removedChanges: [] });
    expect(ids(folded)).toHaveLength(1000);
  });

  test('the same ones whether the register was restored or not, in any order', () => {
    const story = full();
    const through = fold(story);
    const rows = structuredClone(through.rows());
    const restored = new Fold(testRules, { ...rows, changes: [...rows.changes].reverse() });
    for (const id of ['d1', 'd2', 'd3']) {
      const entry = story.change(1, id, { at_us: 6000 });
      through.apply(entry);
      restored.apply(entry);
    }
    expect(rowsDigest(restored.rows())).toBe(rowsDigest(through.rows()));
  });
});
