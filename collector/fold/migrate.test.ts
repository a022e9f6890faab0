import { expect, test } from 'vitest';
import { Fold } from './fold.ts';
import { migrateRows } from './migrate.ts';
import type { Rows } from './rows.ts';
import { FOLD_VERSION } from './rules.ts';
import { fold, SURGE, surge } from './testing/folded.ts';
import { aSample, Story, testRules } from './testing/story.ts';

const rules = { ...testRules, version: FOLD_VERSION };

/** What version 1 left of a host in trouble: the same, without samples. */
function rowsOf1(story: Story): Rows {
  const { global, hosts, incidents, notifications } = fold(story).rows();
  const before = Array.from(incidents, ({ samples: _, ...incident }) => incident);
  const rows = { global: { ...global, fold_version: 1 }, hosts: [...hosts], incidents: before };
  return JSON.parse(JSON.stringify({ ...rows, notifications: [...notifications] }));
}

test('rows of version 1 go on as this version’s, and show what is sampled from here on', () => {
  const story = new Story();
  story.report(0, 'a');
  surge(story, 'a', 0, 5);
  const migrated = migrateRows(rowsOf1(story), 1) as Rows;
  expect([...migrated.incidents]).toMatchObject([{ id: 'i4-0', state: 'firing', samples: [] }]);
  const folded = new Fold(rules, migrated);
  folded.apply(story.report(12, 'a', { drops: { [SURGE]: 1000 }, samples: [aSample(SURGE)] }));
  expect([...folded.rows().incidents]).toMatchObject([{ samples: [{ host_id: 'a', length: 70 }] }]);
});

test.each([0, FOLD_VERSION, FOLD_VERSION + 1])('rows of version %i are not', (from) => {
  expect(migrateRows(fold(new Story()).rows(), from)).toBe(null);
});
