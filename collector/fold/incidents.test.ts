import { describe, expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { INITIAL_CONFIG } from './config.ts';
import { Fold } from './fold.ts';
import { fold, host, incidentsOf, rest, SURGE, surge } from './testing/folded.ts';
import { START_US, Story, testRules } from './testing/story.ts';
import { nameOf } from './words.ts';

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
    rest(story, 'a', 66, 123);
    expect(states(story)).toEqual(['resolving']);
    rest(story, 'a', 124, 126);
    expect(states(story)).toEqual(['resolved']);
    const [incident] = incidentsOf(story);
    expect(incident?.resolved_us).toBe(START_US + 124_000_000);
    // The end of the trouble, without the quiet and the hold-down.
    expect(incident?.last_us).toBe(START_US + 5_000_000);
    expect(incident?.hosts).toMatchObject([{ last_us: START_US + 5_000_000, active: false }]);
    expect(incident?.audit.map(({ event }) => event)).toEqual(['fired', 'resolving', 'resolved']);
    const notifications = [...fold(story).rows().notifications].map(({ id, deliveries }) => [
      id,
      deliveries[0]?.state,
    ]);
    expect(notifications).toEqual([
      ['i6-0/firing', 'pending'],
      ['i6-0/resolved', 'pending'],
    ]);
    rest(story, 'a', 127, 127 + 86_400);
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
      ['i6-0', 'resolved', ''],
      ['i106-0', 'firing', 'i6-0'],
    ]);
  });

  test('hosts with the same trouble join one incident', () => {
    const story = firing();
    for (const id of ['c', 'b']) story.report(5, id);
    for (const id of ['c', 'b']) surge(story, id, 5, 5);
    const [incident, ...others] = incidentsOf(story);
    expect(others).toEqual([]);
    expect(incident?.title).toBe('All 3 hosts drop NO_SOCKET in __udp4_lib_rcv');
    expect(incident?.hosts.map(({ host_id }) => host_id)).toEqual(['a', 'b', 'c']);
    // Who joined, not who was there before.
    const joined = incident?.audit.filter(({ event }) => event === 'joined').map(({ detail }) => detail);
    expect(joined).toEqual(['c', 'b']);
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
    for (let s = 201; s <= 235; s++) for (const id of ids) story.report(s, id, { drops: {} });
    expect(incidentsOf(story)).toMatchObject([{ state: 'resolving', last_us: START_US + 200_000_000 }]);
  });

  test('its trouble ends with that of the host that had it last, whichever is known to be well first', () => {
    const story = firing();
    story.report(5, 'b', { intervalMs: 30_000 });
    for (let s = 6; s <= 10; s++) {
      story.report(s, 'a', { drops: {} });
      story.report(s, 'b', { drops: { [SURGE]: 1000 }, intervalMs: 30_000 });
    }
    for (let s = 11; s <= 15; s++) story.report(s, 'a', { drops: { [SURGE]: 1000 } });
    // What is quiet for a while, and back, is the same trouble.
    for (let s = 16; s <= 30; s++) story.report(s, 'a', { drops: {} });
    story.report(31, 'a', { drops: { [SURGE]: 1000 } });
    for (let s = 32; s <= 63; s++) story.report(s, 'a', { drops: {} });
    expect(incidentsOf(story)).toMatchObject([
      {
        state: 'firing',
        last_us: START_US + 31_000_000,
        hosts: [
          { host_id: 'a', last_us: START_US + 31_000_000, active: false },
          { host_id: 'b', last_us: START_US + 8_000_000, active: true },
        ],
      },
    ]);
    rest(story, 'a', 64, 100);
    // The other one says goodbye to it all: it falls silent, of which its own incident tells.
    expect(incidentsOf(story)).toMatchObject([
      {
        state: 'resolving',
        last_us: START_US + 31_000_000,
        hosts: [{}, { last_us: START_US + 10_000_000, active: false }],
      },
      { signal: { kind: 'silence' }, hosts: [{ host_id: 'b' }] },
    ]);
  });

  test('a host that is quiet makes no news until it counts as well', () => {
    const story = firing();
    const [before] = incidentsOf(story);
    for (let s = 6; s <= 34; s++) story.report(s, 'a', { drops: {} });
    expect(incidentsOf(story)).toEqual([before]);
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

  test('a signal that has no room beside those of the same report is not followed at all, but counted', () => {
    const story = new Story();
    story.epoch(0, { limits: { ...INITIAL_CONFIG.limits, signals_per_host: 2 } });
    story.report(0, 'a');
    for (const s of [10, 13]) {
      story.report(s, 'a', { windowS: 3, drops: { 'A/f': 1000, 'B/f': 900, 'C/f': 800 } });
    }
    story.tick(14);
    // Of one host at once, they are one trouble.
    expect(incidentsOf(story).map(({ symptoms }) => symptoms.map(({ signal }) => nameOf(signal)))).toEqual([
      ['A in f', 'B in f'],
    ]);
    expect(fold(story).rows().global.rejected).toEqual({ too_many_signals: 2 });
    for (let s = 11; s <= 45; s++) story.report(s, 'a', { drops: {} });
    expect(states(story)).toEqual(['resolving']);
  });

  test('a host whose drops nobody counts any more ends its part after five minutes', () => {
    const story = firing();
    for (let s = 6; s < 310; s++) {
      if (s % 10 === 0) story.report(s, 'a');
      else story.tick(s);
    }
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
    // Nobody is silent here.
    const calm = { intervalMs: 60_000 };
    story.report(1, 'a', calm);
    // The first to open is the last to be over.
    for (const s of [10, 13]) story.report(s, 'long', { windowS: 3, drops: { 'LONG/f': 1000 } });
    for (let i = 0; i < 12; i++) {
      for (const s of [17, 20])
        story.report(s + 70 * i, 'a', { ...calm, windowS: 3, drops: { [`R${i}/f`]: 1000 } });
      story.tick(21 + 70 * i);
      story.report(50 + 70 * i, 'a', { ...calm, windowS: 30, drops: {} });
      for (let s = 51 + 70 * i; s < 90 + 70 * i; s++) story.report(s, 'long', { drops: { 'LONG/f': 1000 } });
    }
    expect(incidentsOf(story).map(({ signal }) => nameOf(signal))).toEqual([
      'LONG in f',
      ...Array.from({ length: 10 }, (_, i) => `R${i + 2} in f`),
    ]);
    story.report(900, 'long', { windowS: 30, drops: {} });
    story.ticks(901, 903);
    expect(incidentsOf(story).map(({ signal }) => nameOf(signal))).toEqual([
      'LONG in f',
      ...Array.from({ length: 9 }, (_, i) => `R${i + 3} in f`),
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
    story.delivered(6, 'i6-0/firing', 'chat');
    story.delivered(7, 'i6-0/firing', 'chat', 'too late');
    story.delivered(7, 'i6-0/firing', 'nobody');
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
