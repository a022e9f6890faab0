import { describe, expect, test } from 'vitest';
import { fold, host, incidentsOf, SURGE, surge } from './testing/folded.ts';
import { START_US, Story } from './testing/story.ts';

describe('surges', () => {
  test('a sustained surge fires once it has lasted three seconds', () => {
    const story = new Story();
    story.report(0, 'a');
    story.report(10, 'a');
    surge(story, 'a', 10, 2);
    expect(incidentsOf(story)).toEqual([]);
    story.report(13, 'a', { drops: { [SURGE]: 1000 } });
    story.tick(14);
    expect(incidentsOf(story)).toEqual([
      {
        id: 'i6-0',
        fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv@host=a',
        version: 5,
        state: 'firing',
        severity: 'warning',
        title: 'a drops NO_SOCKET in __udp4_lib_rcv',
        signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
        symptoms: [
          {
            signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
            severity: 'warning',
            first_us: START_US + 10_000_000,
            hosts_total: 1,
          },
        ],
        started_us: START_US + 10_000_000,
        detected_us: START_US + 14_000_000,
        last_us: START_US + 13_000_000,
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
            crashes: 0,
          },
        ],
        hosts_total: 1,
        fleet: 1,
        explanation: null,
        unexplained: { total: 0, hosts: [] },
        changes: [],
        rollout: null,
        loops: [],
        cause: null,
        consequences: [],
        acknowledged: null,
        suppressed: null,
        regression_of: '',
        merged_into: '',
        late: { reports: 0, events: 0 },
        runbook: '',
        audit: [{ at_us: START_US + 14_000_000, event: 'fired', by: '', detail: 'by a' }],
        due_us: 0,
        notified: true,
        escalated: [],
        owed: [],
        returns: 0,
        samples: [],
        crashes: [],
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
    story.tick(13);
    expect(incidentsOf(story)).toMatchObject([
      { started_us: START_US + 9_000_000, detected_us: START_US + 13_000_000 },
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

  test.each([
    ['an hour without the log', 3600, 3600],
    ['a stamp that is a year ahead', 365 * 86_400, 11],
  ])('what is usual stays so over %s', (_what, stamp, next) => {
    const story = new Story();
    for (let s = 0; s < 10; s++) story.report(s, 'a', { drops: { [SURGE]: 500 } });
    story.tick(stamp);
    for (let s = next; s < next + 20; s++) story.report(s, 'a', { drops: { [SURGE]: 500 } });
    expect(incidentsOf(story)).toEqual([]);
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
    for (const story of [one, both]) story.tick(4);
    expect(incidentsOf(one)).toEqual([]);
    expect(incidentsOf(both)).toMatchObject([{ hosts: [{ events: 180, peak_rate: 60 }] }]);
  });

  test('a report of ten minutes ago opens nothing', () => {
    const story = new Story();
    story.report(0, 'a');
    story.ticks(1, 700);
    for (let s = 0; s < 10; s++) story.report(701 + s, 'a', { drops: { [SURGE]: 1000 }, clockS: -650 });
    const folded = fold(story);
    expect(Array.from(folded.incidents(), ({ signal }) => signal.kind)).toEqual(['silence', 'backlog']);
    expect(host(folded, 'a').record.late).toBe(10);
  });

  test('a clock that is an hour wrong delays nothing', () => {
    const story = new Story();
    story.report(0, 'a', { clockS: -3600 });
    for (let s = 1; s < 10; s++) story.report(s, 'a', { drops: { [SURGE]: 1000 }, clockS: -3600 });
    expect(incidentsOf(story)).toHaveLength(1);
  });
});
