import type { Item } from '@netfall/proto';
import { describe, expect, test } from 'vitest';
import { fold, host, incidentsOf, SURGE } from './testing/folded.ts';
import { Story } from './testing/story.ts';

describe('hosts', () => {
  test('silence is three intervals without a message', () => {
    const story = new Story();
    story.report(0, 'a');
    story.ticks(1, 29);
    expect(host(fold(story), 'a').view.status).toBe('live');
    story.tick(30);
    expect(host(fold(story), 'a').view.status).toBe('silent');
    story.report(31, 'a');
    expect(host(fold(story), 'a').view.status).toBe('live');
  });

  test('an outage of the log defers silence by its length', () => {
    const story = new Story();
    story.report(0, 'a');
    story.ticks(1, 5);
    story.ticks(305, 329);
    expect(host(fold(story), 'a').view.status).toBe('live');
    expect(fold(story).rows().global.outages_us).toBe(300_000_000);
    story.tick(330);
    expect(host(fold(story), 'a').view.status).toBe('silent');
  });

  test('a deadline that came forward is kept, before and after a restore', () => {
    const story = new Story();
    story.report(0, 'a', { intervalMs: 60_000 });
    story.report(1, 'a', { intervalMs: 1000 });
    story.ticks(2, 21);
    expect(host(fold(story), 'a').view.status).toBe('silent');
  });

  test('messages are folded once, in whatever order they come', () => {
    const story = new Story();
    const losses = [{ source: 's', hop: 'h', count: 5 }];
    for (const seq of [1, 3, 2, 3, 1, 5, 4, 5]) story.report(seq / 10 + 10, 'a', { seq, losses });
    const { record, view } = host(fold(story), 'a');
    expect(view.losses).toEqual([{ source: 's', hop: 'h', count: 25 }]);
    expect(record.duplicates).toBe(3);
    expect(view.messages_lost).toBe(0);
    expect(record.streams).toMatchObject([{ low: 5, ahead: [] }]);
  });

  test('what a host can no longer send is lost, and so is what it left far behind', () => {
    const story = new Story();
    story.report(0, 'a', { seq: 1 });
    story.report(1, 'a', { seq: 6, oldestSeq: 4 });
    expect(host(fold(story), 'a').view.messages_lost).toBe(2);
    story.report(2, 'a', { seq: 300, oldestSeq: 4 });
    // 4 and 5, and 7 to 44: the window of 256 ends at 300.
    expect(host(fold(story), 'a').view.messages_lost).toBe(2 + 2 + 38);
    story.report(3, 'a', { seq: 7, oldestSeq: 4 });
    expect(host(fold(story), 'a').record.duplicates).toBe(1);
  });

  test('a wiped spool is a new incarnation; its numbers start anew', () => {
    const story = new Story();
    for (let seq = 1; seq <= 5; seq++) story.report(seq, 'a', { seq, incarnation: '0001' });
    for (let seq = 1; seq <= 5; seq++) story.report(5 + seq, 'a', { seq, incarnation: '0002' });
    const { record, view } = host(fold(story), 'a');
    expect(view.incarnation).toBe('0002');
    expect(view.status).toBe('live');
    expect(record.streams.map(({ incarnation, low }) => [incarnation, low])).toEqual([
      ['0002', 5],
      ['0001', 5],
    ]);
  });

  test('what a wiped spool had not sent is lost', () => {
    const story = new Story();
    for (const seq of [1, 2, 5, 6, 9]) story.report(seq, 'a', { seq, incarnation: '0001' });
    expect(host(fold(story), 'a').view.messages_lost).toBe(0);
    story.report(10, 'a', { seq: 1, incarnation: '0002' });
    expect(host(fold(story), 'a').view.messages_lost).toBe(4);
  });

  test('what comes late within a spool does not take the place of what is newer', () => {
    const inventory = (kernel: string): Item => ({
      inventory: {
        hostname: 'a',
        addresses: [],
        gateway: '',
        gateway_mac: '',
        subnet: '',
        kernel,
        image: '',
        cmdline_digest: '',
        vendor: '',
        product: '',
        cpu: '',
        microcode: '',
        nics: [],
        labels: [],
      },
    });
    const story = new Story();
    story.report(1, 'a', { seq: 1 });
    story.report(2, 'a', { seq: 3, items: [inventory('6.18')] });
    story.report(3, 'a', { seq: 2, items: [inventory('6.12')] });
    expect(host(fold(story), 'a').view.attributes).toEqual({ kernel: '6.18' });
    story.report(4, 'a', { seq: 6, items: [{ goodbye: { reason: 'SIGTERM' } }] });
    story.report(5, 'a', { seq: 5, windowS: 10, drops: { [SURGE]: 1000 } });
    story.ticks(6, 60);
    const folded = fold(story);
    expect(host(folded, 'a').view.status).toBe('stopped');
    expect([...folded.incidents()]).toEqual([]);
    story.report(61, 'a', { seq: 7 });
    expect(host(fold(story), 'a').view.status).toBe('live');
  });

  test('a spool older than the four that are known is told from its own repetitions', () => {
    const story = new Story();
    for (const incarnation of ['0005', '0006', '0007', '0008']) story.report(1, 'a', { incarnation });
    for (const at of [2, 3]) story.report(at, 'a', { incarnation: '0001', seq: 1 });
    const { record } = host(fold(story), 'a');
    expect(record.duplicates).toBe(1);
    expect(record.streams.map(({ incarnation }) => incarnation)).toEqual(['0008', '0007', '0006', '0001']);
  });

  test('a clock that was set back by hours makes its host late for a quarter of an hour, not for good', () => {
    const story = new Story();
    story.report(0, 'a', { clockS: 7200 });
    for (let s = 1; s <= 1000; s++) {
      if (s % 10 === 0) story.report(s, 'a');
      else story.tick(s);
    }
    expect(host(fold(story), 'a').record.late).toBe(90);
    for (let s = 1001; s < 1010; s++) story.report(s, 'a', { drops: { [SURGE]: 1000 } });
    // What was taken for a backlog is told of as one.
    expect(incidentsOf(story).map(({ signal }) => signal.kind)).toEqual(['backlog', 'drop']);
  });

  test('two agents that claim one host are shown', () => {
    const story = new Story();
    for (let s = 1; s <= 60; s++) {
      story.report(s, 'a', { incarnation: '0001' });
      if (s > 20) story.report(s, 'a', { incarnation: '0002' });
      // They take turns since second 22: not yet for long, then for long enough.
      if (s === 51) expect(host(fold(story), 'a').view.status).toBe('live');
      if (s === 52) expect(host(fold(story), 'a').view.status).toBe('conflict');
    }
    for (let s = 61; s <= 119; s++) story.report(s, 'a', { incarnation: '0002' });
    expect(host(fold(story), 'a').view.status).toBe('conflict');
    story.report(121, 'a', { incarnation: '0002' });
    expect(host(fold(story), 'a').view.status).toBe('live');
  });

  test('repetitions of an older spool are no second agent', () => {
    const story = new Story();
    for (let s = 1; s <= 20; s++) story.report(s, 'a', { incarnation: '0001' });
    for (let s = 21; s <= 120; s++) {
      story.report(s, 'a', { incarnation: '0002' });
      story.report(s, 'a', { incarnation: '0001', seq: 1 + (s % 20) });
    }
    expect(host(fold(story), 'a').view).toMatchObject({ status: 'live', incarnation: '0002' });
  });

  // Incarnations begin with the time at which they were minted, so the order of their names depends on the clock too.
  test.each([
    ['0001', '0002'],
    ['0002', '0001'],
  ])('a spool %s that is replaced by %s when a clock is set right is no second agent', (before, after) => {
    const story = new Story();
    for (let s = 1; s <= 60; s++) story.report(s, 'a', { incarnation: before, clockS: 45 });
    story.report(61, 'a', { incarnation: after });
    // What was under way by then, at last.
    for (let s = 62; s <= 70; s++) {
      story.report(s, 'a', { incarnation: before, clockS: 45 });
      story.report(s, 'a', { incarnation: after });
      expect(host(fold(story), 'a').view.status).toBe('live');
    }
    for (let s = 71; s <= 300; s++) {
      story.report(s, 'a', { incarnation: after });
      if (s % 10 === 0) expect(host(fold(story), 'a').view.status).toBe('live');
    }
    expect(host(fold(story), 'a').view.incarnation).toBe(after);
  });
});
