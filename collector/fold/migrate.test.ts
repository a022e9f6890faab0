import { expect, test } from 'vitest';
import { currentRules } from '../rules.ts';
import { canonicalJson, INITIAL_CONFIG } from './config.ts';
import { shownCrash } from './crash.ts';
import { Fold } from './fold.ts';
import { migrateRows } from './migrate.ts';
import type { Rows } from './rows.ts';
import { FOLD_VERSION } from './rules.ts';
import { aReading, aReport, aWitness } from './testing/crash-items.ts';
import { fold, SURGE, surge } from './testing/folded.ts';
import { aSample, CELL, Story, testRules } from './testing/story.ts';

const rules = { ...testRules, version: FOLD_VERSION };

/** What version 1 left of a host in trouble: the same, without samples and crashes. */
function rowsOf1(story: Story): Rows {
  const { global, hosts, incidents, notifications } = fold(story).rows();
  const before = Array.from(incidents, ({ samples: _, ...incident }) => incident);
  const rows = { global: { ...global, fold_version: 1 }, hosts: [...hosts], incidents: before };
  return JSON.parse(JSON.stringify({ ...rows, notifications: [...notifications] }));
}

/** What version 2 left: the same, without crashes, and with a configuration that says nothing of them. */
function rowsOf2(story: Story): Rows {
  const { global, hosts, incidents, notifications } = fold(story).rows();
  const { crashes: _, ...config } = JSON.parse(global.epoch?.config ?? '{}');
  const epoch = global.epoch && { ...global.epoch, config: canonicalJson(config) };
  const rows = {
    global: { ...global, fold_version: 2, epoch },
    hosts: [...hosts],
    incidents: [...incidents],
  };
  return JSON.parse(JSON.stringify({ ...rows, notifications: [...notifications] }));
}

test('rows of version 1 go on as this version’s, and show what is sampled from here on', () => {
  const story = new Story();
  story.report(0, 'a');
  surge(story, 'a', 0, 5);
  const migrated = migrateRows(rowsOf1(story), 1) as Rows;
  expect([...migrated.incidents]).toMatchObject([{ id: 'i4-0', state: 'firing', samples: [] }]);
  expect(migrated.crashes).toEqual([]);
  const folded = new Fold(rules, migrated);
  folded.apply(story.report(12, 'a', { drops: { [SURGE]: 1000 }, samples: [aSample(SURGE)] }));
  expect([...folded.rows().incidents]).toMatchObject([{ samples: [{ host_id: 'a', length: 70 }] }]);
});

test('rows of version 2 go on as this version’s by their own configuration, and with crashes from here on', () => {
  const story = new Story();
  story.epoch(0, { sinks: ['chat'] });
  story.report(0, 'a');
  surge(story, 'a', 0, 5);
  const before = rowsOf2(story);
  const migrated = migrateRows(before, 2) as Rows;
  expect([...migrated.incidents]).toEqual([...before.incidents]);
  expect(migrated.global.epoch).toEqual({
    ...before.global.epoch,
    config: canonicalJson({ ...INITIAL_CONFIG, sinks: ['chat'] }),
  });
  // With rules that take no configuration that is not complete.
  const folded = new Fold(currentRules(CELL), migrated);
  folded.apply(story.report(12, 'a', { items: [{ crash_witness: aWitness() }] }));
  expect([...folded.rows().crashes]).toMatchObject([{ id: 'c8-0', records: [{ host_id: 'a' }] }]);
});

test('rows of version 3 go on with crashes that nobody has read', () => {
  const story = new Story();
  story.epoch(0, { sinks: ['chat'] });
  story.report(10, 'a', { items: [{ crash_report: aReport() }] });
  const { global, hosts, incidents, crashes, notifications } = fold(story).rows();
  const before: Rows = JSON.parse(
    JSON.stringify({
      global: { ...global, fold_version: 3 },
      ...{ hosts: [...hosts], incidents: [...incidents], notifications: [...notifications] },
      crashes: Array.from(crashes, ({ read: _, records, ...crash }) => {
        return { ...crash, records: records.map(({ reading, parser_version, ...record }) => record) };
      }),
    }),
  );
  const migrated = migrateRows(before, 3) as Rows;
  expect(migrated.crashes).toEqual([...crashes]);
  expect(migrated.global).toEqual({ ...before.global, fold_version: FOLD_VERSION });
  const folded = new Fold(rules, migrated);
  folded.apply(story.read(20, { digest: 'a'.repeat(64), parser_version: 1, reading: aReading() }));
  expect(Array.from(folded.rows().crashes, shownCrash)).toMatchObject([
    { id: 'c2-0', version: 2, parser_version: 1, reading: { title: aReading().title } },
  ]);
});

test('rows of version 4 go on, with changes and silences from here on', () => {
  const story = new Story();
  story.report(10, 'a', { items: [{ crash_report: aReport() }] });
  const { changes: _, silences: __, ...rows } = fold(story).rows();
  const before = { ...rows, global: { ...rows.global, fold_version: 4 } } as Rows;
  const migrated = migrateRows(before, 4) as Rows;
  expect(migrated).toEqual({
    ...{ ...rows, changes: [], silences: [] },
    global: { ...rows.global, fold_version: FOLD_VERSION },
  });
  const folded = new Fold(rules, migrated);
  folded.apply(story.change(11, 'd1'));
  folded.apply(story.silence(12, 's1', 60));
  expect(folded.rows()).toMatchObject({ changes: [{ id: 'd1' }], silences: [{ id: 's1' }] });
});

test.each([0, FOLD_VERSION, FOLD_VERSION + 1])('rows of version %i are not', (from) => {
  expect(migrateRows(fold(new Story()).rows(), from)).toBe(null);
});
