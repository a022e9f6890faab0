import { describe, expect, test } from 'vitest';
import { Fold } from './fold.ts';
import { fold, host, incidentsOf, SURGE } from './testing/folded.ts';
import { START_US, Story, testRules } from './testing/story.ts';

const ON = { 'kfree-skb': 1, counters: 1 };
const OFF = { 'kfree-skb': 4, counters: 1 };
const switches = (story: Story) => fold(story).rows().global.switches;

describe('switches', () => {
  test('are those of the newest entry, until they end by log time', () => {
    const story = new Story();
    expect(switches(story)).toEqual({ sequence: 0, by: '', switches: [] });
    story.switches(1, { a: 10, b: 20 });
    story.switches(2, { b: 5, c: 10 });
    expect(switches(story)).toMatchObject({ sequence: 2, by: 'ann' });
    expect(switches(story).switches).toEqual([
      { source: 'b', until_us: START_US + 7_000_000, hosts: [], labels: [], why: 'test', by: 'ann' },
      { source: 'c', until_us: START_US + 12_000_000, hosts: [], labels: [], why: 'test', by: 'ann' },
    ]);
    story.tick(7);
    expect(switches(story).switches.map(({ source }) => source)).toEqual(['c']);
    story.tick(12);
    expect(switches(story)).toEqual({ sequence: 2, by: 'ann', switches: [] });
  });

  test('end after two weeks, whatever they say', () => {
    const story = new Story();
    story.switches(0, { a: 100 * 86_400 });
    expect(switches(story).switches[0]?.until_us).toBe(START_US + 14 * 86_400_000_000);
  });

  test('are rows: a fold that goes on from them has them', () => {
    const story = new Story();
    story.switches(1, { a: 10, b: 20 });
    const restored = new Fold(testRules, structuredClone(fold(story).rows()));
    const later = story.tick(11);
    restored.apply(later);
    expect(restored.rows().global).toEqual(fold(story).rows().global);
    expect(switches(story).switches.map(({ source }) => source)).toEqual(['b']);
  });
});

describe('a source of drops that is switched off', () => {
  function firing(): Story {
    const story = new Story();
    story.report(0, 'a', { sources: ON, drops: {} });
    for (let s = 10; s < 14; s++) story.report(s, 'a', { sources: ON, drops: { [SURGE]: 1000 } });
    expect(incidentsOf(story)).toMatchObject([{ state: 'firing' }]);
    return story;
  }

  test('ends what its host suffers, and says why; it is no recovery', () => {
    const story = firing();
    story.switches(15, { 'kfree-skb': 600 });
    story.report(15.1, 'a', { sources: OFF });
    expect(incidentsOf(story)).toMatchObject([
      {
        state: 'resolving',
        hosts: [{ host_id: 'a', active: false }],
        audit: [
          { event: 'fired' },
          {
            event: 'resolving',
            detail: 'a counts no drops any more: kfree-skb is switched off by ann',
          },
        ],
      },
    ]);
    // What others add does not bring it back.
    for (let s = 16; s < 40; s++) story.report(s, 'a', { sources: OFF, drops: {} });
    expect(incidentsOf(story)).toHaveLength(1);
  });

  test('is not what ends it while drops are counted all the same', () => {
    const story = firing();
    story.report(15, 'a', { sources: { 'kfree-skb': 1, counters: 4 }, drops: { [SURGE]: 1000 } });
    expect(incidentsOf(story)).toMatchObject([{ state: 'firing' }]);
  });

  test.each([
    ['nobody counts meanwhile', undefined],
    ['another source reports drops of other kinds meanwhile', {}],
  ])('leaves what is usual as it was: %s', (_, meanwhile) => {
    const hour = (switched: boolean) => {
      const story = new Story();
      const usual = { sources: ON, drops: { [SURGE]: 300 }, windowS: 10 };
      for (let s = 0; s < 60; s += 10) story.report(s, 'a', usual);
      if (switched) story.switches(60, { 'kfree-skb': 3600 });
      const off = { sources: OFF, ...(meanwhile && { drops: meanwhile, windowS: 10 }) };
      for (let s = 60; s < 3660; s += 2) {
        if (s % 10 === 0) story.report(s, 'a', off);
        else story.tick(s);
      }
      for (let s = 3660; s < 3700; s += 2) {
        if (s % 10 === 0) story.report(s, 'a', usual);
        else story.tick(s);
      }
      return story;
    };
    expect(incidentsOf(hour(true))).toEqual([]);
    expect(host(fold(hour(true)), 'a').record.signals[0]?.baseline).toBe(300_000);
    // Without the operator's word it would be silence, in which what is usual is forgotten.
    expect(incidentsOf(hour(false))).toHaveLength(1);
  });
});
