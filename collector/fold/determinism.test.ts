import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Folder } from '../folder.ts';
import { rowsDigest } from '../store/digest.ts';
import { Store } from '../store/store.ts';
import { EpochBarrier, Fold, type FoldEntry, type Rows, type Rules } from './fold.ts';
import { MOST_SAMPLES } from './samples.ts';
import { numbers, randomLog } from './testing/random-log.ts';
import { restored, shuffler } from './testing/restored.ts';
import { testRules } from './testing/story.ts';

/** A later release: another verdict on one signal, and rows that need a step to get there. */
const rules2: Rules = {
  ...testRules,
  version: 2,
  classify: (reason) => ({ alarm: reason === 'TCP_CSUM' ? 'never' : 50, severity: 'critical' }),
};

function migrateTo2(rows: Rows): Rows {
  return { ...rows, global: { ...rows.global, fold_version: 2 } };
}

/** A release that is upgraded where the log says so. */
class Replica {
  fold: Fold;
  #version: number;

  constructor(rows?: Rows) {
    this.#version = rows?.global.fold_version ?? 1;
    this.fold = new Fold(this.#version === 2 ? rules2 : testRules, rows);
  }

  apply(entry: FoldEntry): void {
    try {
      this.fold.apply(entry);
    } catch (error) {
      if (!(error instanceof EpochBarrier) || this.#version === 2) throw error;
      this.#version = 2;
      this.fold = new Fold(rules2, migrateTo2(restored(this.fold.rows(), (list) => list)));
      this.fold.apply(entry);
    }
  }

  digest(): string {
    return rowsDigest(this.fold.rows());
  }
}

const LENGTH = 3000;
const EVERY = 150;

/** Folds the whole log; digests at every EVERY entries, and the rows at chosen places. */
function foldLive(entries: readonly FoldEntry[], places: ReadonlySet<number>) {
  const replica = new Replica();
  const digests = new Map<number, string>();
  const rows = new Map<number, Rows>();
  for (const entry of entries) {
    replica.apply(entry);
    const { sequence } = entry;
    if (sequence % EVERY === 0) digests.set(sequence, replica.digest());
    if (places.has(sequence))
      rows.set(
        sequence,
        restored(replica.fold.rows(), (list) => list),
      );
  }
  return { digests, rows };
}

describe('a replica that starts from another one’s snapshot', () => {
  const story = randomLog({ seed: 2, entries: LENGTH, upgradeAt: 1700 });
  const draw = numbers(11);
  const places = new Set<number>();
  while (places.size < 100) places.add(1 + draw(LENGTH - 1));
  const live = foldLive(story.entries, places);

  test('the log holds all that the test is about', () => {
    const { global, incidents, hosts, crashes, notifications, changes, silences } = foldLive(
      story.entries,
      new Set([LENGTH]),
    ).rows.get(LENGTH) as Rows;
    expect([...incidents].length).toBeGreaterThan(10);
    // The history of ten closed ones is full, so older ones were forgotten: somebody was told of them.
    const known = new Set(Array.from(incidents, ({ id }) => id));
    expect([...notifications].some(({ incident_id }) => !known.has(incident_id))).toBe(true);
    expect(new Set(Array.from(incidents, ({ state }) => state)).size).toBeGreaterThan(1);
    // Some come of others, some are suppressed, acknowledged, explained by what hosts share.
    expect([...incidents].some(({ cause }) => cause !== null)).toBe(true);
    expect([...incidents].some(({ suppressed }) => suppressed !== null)).toBe(true);
    expect([...incidents].some(({ acknowledged }) => acknowledged !== null)).toBe(true);
    expect([...incidents].some(({ explanation }) => explanation !== null)).toBe(true);
    // Some show packets of as many hosts as they may.
    expect(Math.max(...Array.from(incidents, ({ samples }) => samples.length))).toBe(MOST_SAMPLES);
    const outcomes = [...notifications].flatMap(({ deliveries }) => deliveries.map(({ state }) => state));
    expect(new Set(outcomes)).toEqual(new Set(['pending', 'delivered', 'failed']));
    expect(Object.keys(global.rejected)).toEqual(['invalid', 'too_many_crash_records', 'undecodable']);
    const kept = [...crashes];
    // Of crashes older ones were forgotten as well; there are those of hosts and of nobody, joined and merged.
    expect(kept.length).toBeGreaterThan(5);
    expect(Math.min(...kept.map(({ id }) => Number(id.slice(1).split('-')[0])))).toBeGreaterThan(300);
    expect(new Set(kept.map(({ state }) => state))).toEqual(new Set(['witnessed', 'reported']));
    expect(kept.some(({ host_id }) => host_id === '')).toBe(true);
    expect(kept.some(({ host_id }) => host_id !== '')).toBe(true);
    expect(Math.max(...kept.map(({ records }) => records.length))).toBeGreaterThan(3);
    expect(kept.some(({ merged }) => merged.length > 0)).toBe(true);
    expect(kept.some(({ mismatches }) => mismatches.length > 0)).toBe(true);
    const read = kept.flatMap(({ records }) => records.map(({ parser_version }) => parser_version));
    expect(new Set(read)).toEqual(new Set([0, 1, 2, 3, 4]));
    // Of some the best log is not the one to go by.
    expect(kept.some((crash) => crash.read !== null && crash.read !== crash.best)).toBe(true);
    expect([...changes].length).toBeGreaterThan(4);
    const ended = Array.from(silences, ({ ended_us }) => ended_us > 0);
    expect(new Set(ended)).toEqual(new Set([true, false]));
    expect(global.epoch?.fold_version).toBe(2);
    expect(global.outages_us).toBeGreaterThan(0);
    expect(global.forgotten.hosts).toBeGreaterThan(0);
    expect([...hosts].some(({ state }) => state.messages_lost > 0)).toBe(true);
    expect([...hosts].some(({ state }) => state.duplicates > 0)).toBe(true);
  });

  test('at any of 100 entries, with other batches and orders, holds the same digests throughout', () => {
    for (const place of places) {
      const shuffle = shuffler(place);
      const batch = numbers(place);
      const replica = new Replica(restored(live.rows.get(place) as Rows, shuffle));
      let untilCommit = batch(50);
      for (const entry of story.entries.slice(place)) {
        replica.apply(entry);
        if (untilCommit-- === 0) {
          replica.fold.takeChanges();
          untilCommit = batch(50);
        }
        const expected = live.digests.get(entry.sequence);
        if (expected !== undefined) {
          expect(replica.digest(), `from ${place}, at ${entry.sequence}`).toBe(expected);
        }
      }
    }
  }, 120_000);

  test('would not if what is restored stayed in the order of the copy', () => {
    for (const place of places) {
      const rows = live.rows.get(place) as Rows;
      const lists = [...rows.hosts].flatMap(({ state }) => [state.signals, state.losses, state.streams]);
      const hasLists = lists.some(({ length }) => length > 1);
      // A turn of every list, since a shuffle may by chance leave it as it was.
      const turned = restored(rows, (list) => list.reverse());
      expect(rowsDigest(turned) !== rowsDigest(rows), `at ${place}`).toBe(hasLists);
      expect(new Replica(turned).digest(), `at ${place}`).toBe(rowsDigest(rows));
    }
  });
});

test('any log, cut and restored anywhere, gives the digests of one that ran through', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.nat(399), { maxLength: 5 }), (seed, cuts) => {
      const { entries } = randomLog({ seed, entries: 400, upgradeAt: 250 });
      let replica = new Replica();
      for (const entry of entries) {
        replica.apply(entry);
        if (cuts.includes(entry.sequence))
          replica = new Replica(restored(replica.fold.rows(), shuffler(seed)));
      }
      const whole = foldLive(entries, new Set([400])).rows.get(400) as Rows;
      expect(replica.digest()).toBe(rowsDigest(whole));
    }),
    { numRuns: 60 },
  );
});

test('a folder that is killed between commits and reopened ends with the digests of one that was not', () => {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-folder-'));
  try {
    const { entries } = randomLog({ seed: 3, entries: 1500 });
    const draw = numbers(5);
    const path = join(dir, 'replica.db');
    let at = 0;
    while (at < entries.length) {
      const folder = new Folder(path, 'log-1', testRules);
      expect(folder.sequence).toBeLessThanOrEqual(at);
      at = folder.sequence;
      for (let commits = draw(6); commits > 0; commits--) {
        const batch = entries.slice(at, at + draw(60));
        folder.apply(batch);
        at += batch.length;
        folder.commit(() => 0);
      }
      // What was applied and not committed is gone with the process.
      folder.apply(entries.slice(at, at + draw(60)));
      folder.close();
    }
    const through = new Fold(testRules);
    for (const entry of entries) through.apply(entry);
    const store = new Store(path);
    const loaded = store.load();
    store.close();
    expect(loaded?.checkpoint.sequence).toBe(entries.length);
    expect(rowsDigest(loaded?.rows as Rows)).toBe(rowsDigest(through.rows()));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
