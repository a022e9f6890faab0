import type { Item } from '@netfall/proto';
import { describe, expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { INITIAL_CONFIG } from './config.ts';
import { EpochBarrier, Fold } from './fold.ts';
import { hostView } from './host-view.ts';
import type { Incident } from './model.ts';
import { CELL, START_US, Story, testRules } from './testing/story.ts';

const SURGE = 'NO_SOCKET/__udp4_lib_rcv';

function fold(story: Story): Fold {
  const folded = new Fold(testRules);
  for (const entry of story.entries) folded.apply(entry);
  return folded;
}

function incidentsOf(story: Story): Incident[] {
  return [...fold(story).incidents()];
}

function host(folded: Fold, id: string) {
  const { global, hosts } = folded.rows();
  const record = [...hosts].find((candidate) => candidate.id === id);
  if (!record) throw new Error(`no host ${id}`);
  return { record: record.state, view: hostView(record, global.live_us) };
}

/** A host at rest for ten seconds, then a surge for `seconds`. */
function surge(story: Story, id: string, from: number, seconds: number, rate = 1000): void {
  for (let s = 1; s <= seconds; s++) story.report(from + s, id, { drops: { [SURGE]: rate } });
}

describe('surges', () => {
  test('a sustained surge fires once it has lasted three seconds', () => {
    const story = new Story();
    story.report(0, 'a');
    story.report(10, 'a');
    surge(story, 'a', 10, 2);
    expect(incidentsOf(story)).toEqual([]);
    story.report(13, 'a', { drops: { [SURGE]: 1000 } });
    expect(incidentsOf(story)).toEqual([
      {
        id: 'i5-0',
        fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv',
        version: 1,
        state: 'firing',
        severity: 'warning',
        title: 'a drops NO_SOCKET in __udp4_lib_rcv',
        signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
        started_us: START_US + 10_000_000,
        detected_us: START_US + 13_000_000,
        resolved_us: 0,
        hosts: [
          {
            host_id: 'a',
            hostname: 'a',
            first_us: START_US + 10_000_000,
            last_us: START_US + 13_000_000,
            active: true,
            events: 3000,
            peak_rate: 1000,
            baseline_rate: 0,
          },
        ],
        hosts_total: 1,
        regression_of: '',
        due_us: 0,
        unlisted: 0,
        audit: [{ at_us: START_US + 13_000_000, event: 'fired', detail: 'by a' }],
      },
    ]);
  });

  test('a blip is none, however long the window that it ends', () => {
    for (const windowS of [1, 5, 10]) {
      const story = new Story();
      story.report(0, 'a');
      story.report(20, 'a', { windowS, drops: { [SURGE]: 20_000 / windowS } });
      story.report(21, 'a', { drops: {} });
      story.report(31, 'a', { windowS: 10, drops: {} });
      expect(incidentsOf(story), `${windowS} s`).toEqual([]);
    }
  });

  test('trouble that ends a long window began at its end', () => {
    const story = new Story();
    story.report(0, 'a');
    story.report(10, 'a', { windowS: 10, drops: { [SURGE]: 1000 } });
    for (const s of [11, 12]) story.report(s, 'a', { drops: { [SURGE]: 10_000 } });
    expect(incidentsOf(story)).toMatchObject([
      { started_us: START_US + 9_000_000, detected_us: START_US + 12_000_000 },
    ]);
  });

  test('an everyday reason never fires, however much of it there is', () => {
    const story = new Story();
    story.report(0, 'a');
    for (let s = 1; s < 60; s++) story.report(s, 'a', { drops: { 'QUEUE_PURGE/skb_queue_purge': 2000 } });
    expect(incidentsOf(story)).toEqual([]);
  });

  test('what a host drops in its first report is usual there', () => {
    const story = new Story();
    for (let s = 0; s < 60; s++) story.report(s, 'a', { drops: { [SURGE]: 500 } });
    expect(incidentsOf(story)).toEqual([]);
    for (let s = 60; s < 70; s++) story.report(s, 'a', { drops: { [SURGE]: 5000 } });
    expect(incidentsOf(story)[0]?.hosts).toMatchObject([{ baseline_rate: 500, peak_rate: 5000 }]);
  });

  test('traffic that grows tenfold may drop ten times as much', () => {
    const story = new Story();
    for (let s = 0; s < 10; s++) story.report(s, 'a', { drops: { [SURGE]: 500 }, traffic: 10_000 });
    for (let s = 10; s < 20; s++) story.report(s, 'a', { drops: { [SURGE]: 5000 }, traffic: 100_000 });
    expect(incidentsOf(story)).toEqual([]);
  });

  test('drops of several protocols in one function are one signal', () => {
    const one = new Story();
    const both = new Story();
    one.report(0, 'a');
    both.report(0, 'a');
    for (let s = 1; s <= 3; s++) {
      one.report(s, 'a', { drops: { [SURGE]: 30 } });
      both.report(s, 'a', { drops: { [SURGE]: 30, [`${SURGE}/IPv6`]: 30 } });
    }
    expect(incidentsOf(one)).toEqual([]);
    expect(incidentsOf(both)).toMatchObject([{ hosts: [{ events: 180, peak_rate: 60 }] }]);
  });

  test('a report of ten minutes ago opens nothing', () => {
    const story = new Story();
    story.report(0, 'a');
    story.ticks(1, 700);
    for (let s = 0; s < 10; s++) story.report(701 + s, 'a', { drops: { [SURGE]: 1000 }, clockS: -650 });
    const folded = fold(story);
    expect([...folded.incidents()]).toEqual([]);
    expect(host(folded, 'a').record.late).toBe(10);
  });

  test('a clock that is an hour wrong delays nothing', () => {
    const story = new Story();
    story.report(0, 'a', { clockS: -3600 });
    for (let s = 1; s < 10; s++) story.report(s, 'a', { drops: { [SURGE]: 1000 }, clockS: -3600 });
    expect(incidentsOf(story)).toHaveLength(1);
  });
});

describe('the life of an incident', () => {
  const firing = () => {
    const story = new Story();
    story.epoch(0, { sinks: ['chat'] });
    story.report(0, 'a');
    surge(story, 'a', 0, 5);
    return story;
  };
  const states = (story: Story) => incidentsOf(story).map(({ state }) => state);

  test('recovery, hold-down, resolution, closure', () => {
    const story = firing();
    for (let s = 6; s <= 34; s++) story.report(s, 'a');
    expect(states(story)).toEqual(['firing']);
    // Reports without a drop report say nothing of drops: 30 s of quiet need reports that do.
    for (let s = 35; s <= 65; s++) story.report(s, 'a', { drops: {} });
    expect(states(story)).toEqual(['resolving']);
    story.ticks(66, 123);
    expect(states(story)).toEqual(['resolving']);
    story.ticks(124, 126);
    expect(states(story)).toEqual(['resolved']);
    const [incident] = incidentsOf(story);
    expect(incident?.resolved_us).toBe(START_US + 124_000_000);
    expect(incident?.audit.map(({ event }) => event)).toEqual(['fired', 'resolving', 'resolved']);
    const notifications = [...fold(story).rows().notifications].map(({ id, deliveries }) => [
      id,
      deliveries[0]?.state,
    ]);
    expect(notifications).toEqual([
      ['i5-0/firing', 'pending'],
      ['i5-0/resolved', 'pending'],
    ]);
    story.ticks(127, 127 + 86_400);
    expect(states(story)).toEqual(['closed']);
  });

  test('a flap within the hold-down is the same incident and tells nobody again', () => {
    const story = firing();
    for (let s = 6; s <= 40; s++) story.report(s, 'a', { drops: {} });
    expect(states(story)).toEqual(['resolving']);
    surge(story, 'a', 40, 5);
    expect(states(story)).toEqual(['firing']);
    expect([...fold(story).rows().notifications]).toHaveLength(1);
    expect(incidentsOf(story)[0]?.hosts).toMatchObject([{ active: true, events: 8000 }]);
  });

  test('the same trouble after its resolution is a regression that names its past', () => {
    const story = firing();
    for (let s = 6; s <= 100; s++) story.report(s, 'a', { drops: {} });
    surge(story, 'a', 100, 5);
    expect(incidentsOf(story).map(({ id, state, regression_of }) => [id, state, regression_of])).toEqual([
      ['i5-0', 'resolved', ''],
      ['i105-0', 'firing', 'i5-0'],
    ]);
  });

  test('hosts with the same trouble join one incident', () => {
    const story = firing();
    for (const id of ['c', 'b']) story.report(5, id);
    for (const id of ['c', 'b']) surge(story, id, 5, 5);
    const [incident, ...others] = incidentsOf(story);
    expect(others).toEqual([]);
    expect(incident?.title).toBe('3 hosts drop NO_SOCKET in __udp4_lib_rcv');
    expect(incident?.hosts.map(({ host_id }) => host_id)).toEqual(['a', 'b', 'c']);
  });

  test('only so many hosts are listed, all are counted', () => {
    const story = new Story();
    story.epoch(0, { incident: { ...INITIAL_CONFIG.incident, max_hosts: 2 } });
    for (const id of ['a', 'b', 'c']) story.report(0, id);
    for (const id of ['a', 'b', 'c']) surge(story, id, 0, 5);
    expect(incidentsOf(story)).toMatchObject([
      { hosts: [{ host_id: 'a' }, { host_id: 'b' }], hosts_total: 3 },
    ]);
  });

  test('lasts as long as a host is affected that it has no room to list', () => {
    const story = new Story();
    const ids = ['a', 'b', 'c'];
    story.epoch(0, { incident: { ...INITIAL_CONFIG.incident, max_hosts: 1 } });
    for (const id of ids) story.report(0, id);
    for (const id of ids) surge(story, id, 0, 5);
    for (let s = 6; s <= 200; s++) {
      for (const id of ['a', 'b']) story.report(s, id, { drops: {} });
      story.report(s, 'c', { drops: { [SURGE]: 1000 } });
    }
    expect(incidentsOf(story)).toMatchObject([{ state: 'firing', hosts: [{ host_id: 'a', active: false }] }]);
    for (let s = 201; s <= 235; s++) story.report(s, 'c', { drops: {} });
    expect(states(story)).toEqual(['resolving']);
  });

  test('one that found no room opens once there is some', () => {
    const story = new Story();
    story.epoch(0, { limits: { ...INITIAL_CONFIG.limits, open_incidents: 1 } });
    for (const id of ['a', 'b']) story.report(0, id);
    surge(story, 'a', 0, 5);
    const other = (from: number, to: number) => {
      for (let s = from; s <= to; s++) {
        story.report(s, 'a', { drops: {} });
        story.report(s, 'b', { drops: { 'TCP_CSUM/tcp_v4_rcv': 1000 } });
      }
    };
    other(6, 90);
    expect(incidentsOf(story)).toMatchObject([{ state: 'resolving', signal: { reason: 'NO_SOCKET' } }]);
    expect(fold(story).rows().global.rejected['too_many_incidents']).toBeGreaterThan(1);
    other(91, 110);
    expect(incidentsOf(story)).toMatchObject([
      { state: 'resolved' },
      { state: 'firing', signal: { reason: 'TCP_CSUM' } },
    ]);
    for (let s = 111; s < 150; s++) story.report(s, 'b', { drops: {} });
    expect(states(story)).toEqual(['resolved', 'resolving']);
  });

  test('a signal that has no room beside those of the same report is not followed at all', () => {
    const story = new Story();
    story.epoch(0, { limits: { ...INITIAL_CONFIG.limits, signals_per_host: 2 } });
    story.report(0, 'a');
    for (const s of [10, 13]) {
      story.report(s, 'a', { windowS: 3, drops: { 'A/f': 1000, 'B/f': 900, 'C/f': 800 } });
    }
    expect(incidentsOf(story).map(({ signal }) => signal.reason)).toEqual(['A', 'B']);
    for (let s = 11; s <= 45; s++) story.report(s, 'a', { drops: {} });
    expect(states(story)).toEqual(['resolving', 'resolving']);
  });

  test('a host whose drops nobody counts any more ends its part after five minutes', () => {
    const story = firing();
    for (let s = 10; s <= 300; s += 10) story.report(s, 'a');
    expect(states(story)).toEqual(['firing']);
    story.report(310, 'a');
    expect(incidentsOf(story)).toMatchObject([
      { state: 'resolving', audit: [{}, { event: 'resolving', detail: 'a reports no drops any more' }] },
    ]);
  });

  test('only so many that are over are kept, and the one resolved longest ago goes first', () => {
    const story = new Story();
    story.epoch(0, { incident: { ...INITIAL_CONFIG.incident, hold_down_s: 1, history: 10 } });
    for (const id of ['long', 'a']) story.report(0, id);
    // The first to open is the last to be over.
    for (const s of [10, 13]) story.report(s, 'long', { windowS: 3, drops: { 'LONG/f': 1000 } });
    for (let i = 0; i < 12; i++) {
      for (const s of [17, 20]) story.report(s + 70 * i, 'a', { windowS: 3, drops: { [`R${i}/f`]: 1000 } });
      story.report(50 + 70 * i, 'a', { windowS: 30, drops: {} });
      for (let s = 51 + 70 * i; s < 90 + 70 * i; s++) story.report(s, 'long', { drops: { 'LONG/f': 1000 } });
    }
    expect(incidentsOf(story).map(({ signal }) => signal.reason)).toEqual([
      'LONG',
      ...Array.from({ length: 10 }, (_, i) => `R${i + 2}`),
    ]);
    story.report(900, 'long', { windowS: 30, drops: {} });
    story.ticks(901, 903);
    expect(incidentsOf(story).map(({ signal }) => signal.reason)).toEqual([
      'LONG',
      ...Array.from({ length: 9 }, (_, i) => `R${i + 3}`),
    ]);
  });

  test('a regression is told alike by a replica that was restored, whatever history has forgotten', () => {
    const story = new Story();
    const quick = { ...INITIAL_CONFIG.incident, hold_down_s: 1, history: 10 };
    story.epoch(0, { incident: quick });
    story.report(0, 'a');
    const life = (at: number, kind: string) => {
      story.report(at, 'a', { windowS: 10, drops: { [`${kind}/f`]: 1000 } });
      story.report(at + 1, 'a', { windowS: 30, drops: {} });
      story.ticks(at + 2, at + 8);
    };
    life(10, 'AGAIN');
    // From here on what is resolved is closed at once, but for the first.
    story.epoch(20, { incident: { ...quick, close_after_s: 1 } });
    life(30, 'AGAIN');
    for (let i = 0; i < 10; i++) life(50 + 20 * i, `R${i}`);
    const through = fold(story);
    const { global, hosts, incidents, notifications } = through.rows();
    const rows = { global, hosts: [...hosts], incidents: [...incidents], notifications: [...notifications] };
    const restored = new Fold(testRules, JSON.parse(JSON.stringify(rows)));
    const before = story.entries.length;
    life(300, 'AGAIN');
    for (const entry of story.entries.slice(before)) for (const one of [through, restored]) one.apply(entry);
    expect(rowsDigest(restored.rows())).toBe(rowsDigest(through.rows()));
  });

  test('a host that says goodbye ends its part', () => {
    const story = firing();
    story.report(6, 'a', { items: [{ goodbye: { reason: 'SIGTERM' } }] });
    const folded = fold(story);
    expect(host(folded, 'a').view.status).toBe('stopped');
    expect([...folded.incidents()]).toMatchObject([{ state: 'resolving', hosts: [{ active: false }] }]);
  });

  test('what was delivered is settled once, whoever says so again', () => {
    const story = firing();
    story.delivered(6, 'i5-0/firing', 'chat');
    story.delivered(7, 'i5-0/firing', 'chat', 'too late');
    story.delivered(7, 'i5-0/firing', 'nobody');
    story.delivered(7, 'none/firing', 'chat');
    expect([...fold(story).rows().notifications]).toMatchObject([
      {
        deliveries: [
          { sink: 'chat', state: 'delivered', attempts: 1, at_us: START_US + 6_000_000, error: '' },
        ],
      },
    ]);
  });
});

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
    expect(incidentsOf(story)).toHaveLength(1);
  });

  test('two agents that claim one host are shown', () => {
    const story = new Story();
    for (let s = 1; s <= 60; s++) {
      story.report(s, 'a', { incarnation: '0001' });
      if (s > 20) story.report(s, 'a', { incarnation: '0002' });
    }
    expect(host(fold(story), 'a').view.status).toBe('conflict');
    for (let s = 61; s <= 125; s++) story.report(s, 'a', { incarnation: '0002' });
    expect(host(fold(story), 'a').view.status).toBe('live');
  });
});

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
