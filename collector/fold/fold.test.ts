import { describe, expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { INITIAL_CONFIG } from './config.ts';
import { EpochBarrier } from './fold.ts';
import { fold, incidentsOf, surge } from './testing/folded.ts';
import { CELL, START_US, Story } from './testing/story.ts';

describe('entries that cannot be folded', () => {
  test('are counted by why and change nothing else', () => {
    const story = new Story();
    story.report(0, 'a');
    const before = fold(story);
    const subject = `netfall.${CELL}.host.a`;
    story.say(0, subject, new Uint8Array([0xff, 0xff, 0xff]));
    story.say(0, subject, new Uint8Array(600_000));
    story.say(0, subject, {});
    story.say(0, `netfall.${CELL}.host.b`, story.entries[0]?.data ?? new Uint8Array());
    story.say(0, 'netfall.other.host.a', story.entries[0]?.data ?? new Uint8Array());
    const after = fold(story);
    expect(after.rows().global.rejected).toEqual({ invalid: 2, other_cell: 1, too_large: 1, undecodable: 1 });
    expect(after.rows().hosts).toEqual(before.rows().hosts);
    expect(after.sequence).toBe(6);
  });

  test('too many hosts', () => {
    const story = new Story();
    story.epoch(0, { limits: { ...INITIAL_CONFIG.limits, hosts: 1 } });
    story.report(0, 'a');
    story.report(0, 'b');
    story.report(1, 'a');
    expect(fold(story).rows().global.rejected).toEqual({ too_many_hosts: 1 });
  });
});

describe('claims', () => {
  const holder = (story: Story) => fold(story).claim;

  test('the newest claim holds until its lease has passed', () => {
    const story = new Story();
    story.claim(0, 'one', 10);
    story.claim(5, 'two', 10);
    expect(holder(story)).toEqual({ holder: 'one', until_us: START_US + 10_000_000 });
    story.claim(6, 'one', 10);
    story.claim(15, 'two', 10);
    expect(holder(story).holder).toBe('one');
    story.claim(16, 'two', 10);
    expect(holder(story)).toEqual({ holder: 'two', until_us: START_US + 26_000_000 });
    story.claim(17, 'two', 0);
    story.claim(17, 'one', 10);
    expect(holder(story).holder).toBe('one');
  });
});

describe('epochs', () => {
  test('a configuration takes effect at its epoch', () => {
    const story = new Story();
    story.report(0, 'a');
    surge(story, 'a', 0, 2);
    story.epoch(2, { detect: { ...INITIAL_CONFIG.detect, floor_per_s: 5000 } });
    surge(story, 'a', 2, 10);
    expect(incidentsOf(story)).toEqual([]);
  });

  test('one without a sink gives up what waits for it', () => {
    const story = new Story();
    story.epoch(0, { sinks: ['chat', 'pager'] });
    story.report(0, 'a');
    surge(story, 'a', 0, 5);
    story.epoch(6, { sinks: ['pager'] });
    const folded = fold(story);
    expect([...folded.takeChanges().notifications]).toMatchObject([
      {
        id: 'i6-0/firing',
        deliveries: [
          { sink: 'chat', state: 'failed', at_us: START_US + 6_000_000 },
          { sink: 'pager', state: 'pending' },
        ],
      },
    ]);
  });

  test('rules that this fold lacks stop it before the entry, which stays unapplied', () => {
    for (const [version, catalog] of [
      [2, 'catalog-1'],
      [1, 'catalog-2'],
    ] as const) {
      const story = new Story();
      story.report(0, 'a');
      const folded = fold(story);
      const before = rowsDigest(folded.rows());
      const barrier = story.epoch(5, {}, version, catalog);
      expect(() => folded.apply(barrier)).toThrow(EpochBarrier);
      expect(folded.sequence).toBe(1);
      expect(rowsDigest(folded.rows())).toBe(before);
    }
  });

  test('an entry out of turn is a defect of the reader', () => {
    const story = new Story();
    story.report(0, 'a');
    const folded = fold(story);
    expect(() => folded.apply(story.entries[0] as (typeof story.entries)[0])).toThrow('entry 1 after 1');
  });
});
