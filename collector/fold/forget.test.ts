import { hostSubject } from '@netfall/proto';
import { describe, expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { INITIAL_CONFIG } from './config.ts';
import { Fold } from './fold.ts';
import { fold, host, incidentsOf, SURGE, surge } from './testing/folded.ts';
import { CELL, START_US, Story, testRules } from './testing/story.ts';

/** A story whose hosts are forgotten after 100 s. */
function forgetful(limits: Partial<typeof INITIAL_CONFIG.limits> = {}): Story {
  const story = new Story();
  story.epoch(0, { limits: { ...INITIAL_CONFIG.limits, forget_host_s: 100, ...limits } });
  return story;
}

function ids(story: Story): string[] {
  return Array.from(fold(story).rows().hosts, ({ id }) => id);
}

describe('a host is forgotten', () => {
  test('when it has been silent for long enough since its last message', () => {
    const story = forgetful();
    story.report(0, 'a');
    story.ticks(1, 99);
    expect(ids(story)).toEqual(['a']);
    story.tick(100);
    expect(ids(story)).toEqual([]);
  });

  test('when it has been stopped for as long', () => {
    const story = forgetful();
    story.report(0, 'a', { items: [{ goodbye: { reason: 'SIGTERM' } }] });
    story.ticks(1, 99);
    expect(ids(story)).toEqual(['a']);
    story.tick(100);
    expect(ids(story)).toEqual([]);
  });

  test('when it never said when it would speak again', () => {
    const story = forgetful();
    const envelope = { cell: CELL, host_id: 'a', incarnation: '0001', seq: 1, oldest_seq: 1, boot_id: '' };
    story.say(0, hostSubject(CELL, 'a'), {
      envelope: { ...envelope, observed_us: START_US, items: [], losses: [] },
    });
    story.ticks(1, 99);
    expect(host(fold(story), 'a').view.status).toBe('live');
    story.tick(100);
    expect(ids(story)).toEqual([]);
  });

  test('not as long as it speaks, nor while it is expected to', () => {
    const story = forgetful();
    story.report(0, 'a');
    story.report(0, 'seldom', { intervalMs: 60_000 });
    for (let s = 1; s <= 150; s++) {
      if (s % 90 === 0) story.report(s, 'a');
      else story.tick(s);
    }
    expect(ids(story)).toEqual(['a', 'seldom']);
    story.ticks(151, 179);
    expect(host(fold(story), 'seldom').view.status).toBe('live');
    // Silent after three of its minutes, which is longer than it would be remembered.
    story.tick(180);
    expect(host(fold(story), 'seldom').view.status).toBe('silent');
    story.tick(181);
    expect(ids(story)).toEqual(['a']);
  });

  test('later by the length of an outage of the log', () => {
    const story = forgetful();
    story.report(0, 'a');
    story.ticks(1, 50);
    story.ticks(5000, 5049);
    expect(ids(story)).toEqual(['a']);
    story.tick(5050);
    expect(ids(story)).toEqual([]);
  });

  test('with its row; and is another one when it comes back', () => {
    const story = forgetful({ hosts: 1 });
    story.report(0, 'a', { drops: { [SURGE]: 500 } });
    const folded = fold(story);
    folded.takeChanges();
    const before = story.entries.length;
    story.ticks(1, 100);
    for (const entry of story.entries.slice(before)) folded.apply(entry);
    expect(folded.takeChanges()).toMatchObject({ hosts: [], removedHosts: ['a'] });
    expect(folded.takeChanges().removedHosts).toEqual([]);
    // What it drops now is usual again, and there is room for it.
    story.report(101, 'a', { drops: { [SURGE]: 5000 } });
    for (let s = 102; s < 110; s++) story.report(s, 'a', { drops: { [SURGE]: 5000 } });
    expect(host(fold(story), 'a').view.first_seen_us).toBe(START_US + 101_000_000);
    expect(incidentsOf(story)).toMatchObject([{ signal: { kind: 'silence' }, state: 'resolving' }]);
    expect(fold(story).rows().global.rejected).toEqual({});
  });

  test('gone and back between two commits, as a row that is removed and a new one', () => {
    const story = forgetful();
    story.report(0, 'a');
    story.ticks(1, 100);
    story.report(101, 'a');
    const { hosts, hostFacts, removedHosts } = fold(story).takeChanges();
    expect({ hosts: Array.from(hosts, ({ id }) => id), hostFacts, removedHosts }).toEqual({
      hosts: ['a'],
      hostFacts: new Set(['a']),
      removedHosts: ['a'],
    });
  });

  test('incidents keep what they say of it, and what it lost stays counted', () => {
    const story = forgetful();
    story.report(0, 'a', { losses: [{ source: 's', hop: 'h', count: 5 }] });
    surge(story, 'a', 0, 5);
    story.report(6, 'a', { seq: 10, oldestSeq: 9 });
    story.report(6, 'b', { losses: [{ source: 's', hop: 'h', count: 2 }] });
    story.ticks(7, 200);
    expect(ids(story)).toEqual([]);
    expect(incidentsOf(story)).toMatchObject([
      { signal: { kind: 'drop' }, state: 'resolved', hosts: [{ hostname: 'a' }] },
      { signal: { kind: 'silence' }, state: 'resolved', hosts: [{ hostname: 'a' }, { hostname: 'b' }] },
    ]);
    expect(fold(story).rows().global.forgotten).toEqual({
      hosts: 2,
      messages_lost: 2,
      losses: [{ source: 's', hop: 'h', count: 7 }],
    });
  });
});

test('an epoch may bring it forward or put it off, for a replica that was restored before or after it alike', () => {
  const sooner = { limits: { ...INITIAL_CONFIG.limits, forget_host_s: 60 } };
  const later = { limits: { ...INITIAL_CONFIG.limits, forget_host_s: 150 } };
  const story = forgetful();
  story.report(0, 'put-off');
  story.report(0.5, 'overdue');
  for (let s = 1; s <= 50; s++) story.report(s, 'put-off');
  story.ticks(51, 79);
  story.epoch(79.5, sooner);
  // Within the same second as the epoch: nothing is due yet.
  story.tick(79.75);
  expect(ids(story)).toEqual(['overdue', 'put-off']);
  story.tick(80);
  expect(ids(story)).toEqual(['put-off']);
  story.epoch(80.5, later);
  story.ticks(81, 199);
  expect(ids(story)).toEqual(['put-off']);
  story.tick(200);
  expect(ids(story)).toEqual([]);

  const digests = (cut: number) => {
    let folded = new Fold(testRules);
    return story.entries.map((entry) => {
      folded.apply(entry);
      if (entry.sequence === cut) {
        const { global, hosts, incidents, notifications } = folded.rows();
        const rows = {
          global,
          hosts: [...hosts],
          incidents: [...incidents],
          notifications: [...notifications],
        };
        folded = new Fold(testRules, JSON.parse(JSON.stringify(rows)));
      }
      return rowsDigest(folded.rows());
    });
  };
  const through = digests(0);
  for (let cut = 1; cut <= story.entries.length; cut++)
    expect(digests(cut), `cut at ${cut}`).toEqual(through);
});
