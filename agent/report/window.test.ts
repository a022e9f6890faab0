import type { DropSample } from '@netfall/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DropRow } from '../source.ts';
import { Window } from './window.ts';

const SECOND = 1_000_000;
const LIMITS = { drops: 512, counters: 2048, samples: 64 };

function openWindow(): Window {
  return new Window({ jumpFactor: 4, jumpRate: 50, newSignatureEvents: 5, maxSamples: 2, nowUs: 0 });
}

function drop(reason: string, events: number, more: Partial<DropRow> = {}): DropRow {
  return {
    reason,
    function: 'f',
    offset: 1,
    module: '',
    protocol: 'IPv4',
    events,
    packets: events,
    bytes: events * 100,
    ...more,
  };
}

describe('Window', () => {
  it('gathers drops by kind, with the most packets first, and the denominator', () => {
    const window = openWindow();
    const into = window.collector('kfree-skb');
    into.drop(drop('NO_SOCKET', 2));
    into.drop(drop('NO_SOCKET', 3));
    into.drop(drop('NEIGH_FAILED', 9, { protocol: 'IPv6', module: 'ipv6' }));
    into.drop(drop('TRAP', 1, { origin: 2, trap: 'ttl_value_is_too_small' }));
    window.collector('counters').counter('received_packets', '', 1000);
    window.collector('counters').counter('sent_packets', '', 500);
    window.begin(10 * SECOND);
    expect(window.report(LIMITS).drops).toEqual({
      window_us: 10 * SECOND,
      received_packets: 1000,
      sent_packets: 500,
      drops: [
        { ...drop('NEIGH_FAILED', 9), protocol: 'IPv6', module: 'ipv6', origin: 1, trap: '' },
        { ...drop('NO_SOCKET', 5), origin: 1, trap: '' },
        { ...drop('TRAP', 1), origin: 2, trap: 'ttl_value_is_too_small' },
      ],
      other: null,
      samples: [],
    });
  });

  it('keeps everything until it is told that a message has it, and nothing after', () => {
    const window = openWindow();
    const into = window.collector('kfree-skb');
    into.drop(drop('NO_SOCKET', 2));
    into.counter('UdpNoPorts', '', 2);
    into.counter('rx_dropped', 'eth0', 4);
    into.loss('map_overflow', 1);
    window.begin(10 * SECOND);
    const first = window.report(LIMITS);
    expect(window.report(LIMITS)).toEqual(first);
    expect(first.counters).toEqual({
      window_us: 10 * SECOND,
      counters: [
        { name: 'UdpNoPorts', interface: '', delta: 2, namespace: '' },
        { name: 'rx_dropped', interface: 'eth0', delta: 4, namespace: '' },
      ],
      audit: null,
      sockets: [],
    });
    window.reported();
    window.begin(11 * SECOND);
    const second = window.report(LIMITS);
    expect(second.drops).toEqual({
      window_us: SECOND,
      received_packets: 0,
      sent_packets: 0,
      drops: [],
      other: null,
      samples: [],
    });
    expect(second.counters.counters).toEqual([]);
    expect(second.hasDrops || second.hasCounters).toBe(false);
    expect(window.losses([])).toEqual([]);
  });

  it('has the first sample of each signature, as many as fit, until a message has them', () => {
    const window = openWindow();
    const into = window.collector('kfree-skb');
    const sample = (reason: string, length: number): DropSample => ({
      observed_us: 1,
      reason,
      function: 'f',
      origin: 1,
      trap: '',
      interface: 'eth0',
      namespace: '',
      length,
      flows: [],
      header: new Uint8Array(),
      ether_type: 0,
    });
    expect(into.wantsSample('A', 'f')).toBe(true);
    into.sample(sample('A', 1));
    expect(into.wantsSample('A', 'f')).toBe(false);
    into.sample(sample('A', 2));
    into.sample(sample('B', 3));
    expect(into.wantsSample('C', 'f')).toBe(false);
    into.sample(sample('C', 4));
    expect(window.report(LIMITS).drops.samples).toEqual([sample('A', 1), sample('B', 3)]);
    expect(window.report({ ...LIMITS, samples: 1 }).drops.samples).toEqual([sample('A', 1)]);
    window.reported();
    expect(window.report(LIMITS).drops.samples).toEqual([]);
    expect(into.wantsSample('A', 'f')).toBe(true);
  });

  it('counts what cannot be as lost instead of spoiling the message', () => {
    const window = openWindow();
    const into = window.collector('odd');
    into.drop(drop('X', Number.NaN));
    into.drop(drop('X', -1));
    into.drop(drop('X', 1, { offset: 2 ** 32 }));
    into.counter('c', '', 0);
    into.counter('c', '', 0.5);
    into.counter('', '', 1);
    const report = window.report(LIMITS);
    expect(report.hasDrops || report.hasCounters).toBe(false);
    expect(window.losses([])).toEqual([{ source: 'odd', hop: 'invalid', count: 6 }]);
  });

  it('has a window of at least a microsecond when the clock is set back', () => {
    const window = openWindow();
    window.begin(-5 * SECOND);
    expect(window.report(LIMITS).drops.window_us).toBe(1);
  });

  it('refuses counters beyond what an entry may list, and says how many', () => {
    const window = openWindow();
    const into = window.collector('counters');
    for (let i = 0; i < 2050; i++) into.counter(`c${i}`, '', 1);
    expect(window.report(LIMITS).counters.counters).toHaveLength(2048);
    expect(window.losses([])).toEqual([{ source: 'counters', hop: 'report_full', count: 2 }]);
    expect(window.report({ ...LIMITS, drops: 1, counters: 48 }).cutCounters).toBe(2000);
  });

  it('audits drops against counters; what is lost but no drop event is none that was missed', () => {
    const window = openWindow();
    const into = window.collector('kfree-skb');
    into.drop(drop('UNHEARD_OF', 4, { function: 'f'.repeat(300) }));
    const hops = { map_overflow: 3, program_misses: 2, unresolved_symbols: 50, sample_ring_full: 70 };
    for (const [hop, count] of Object.entries(hops)) into.loss(hop, count);
    window.collector('drop-monitor').loss('socket_full', 90);
    expect(window.report(LIMITS).counters.audit).toBeNull();
    expect(window.report(LIMITS, 'kfree-skb').counters.audit).toEqual({
      explained: [],
      unseen: [],
      uncounted: [
        { reason: 'UNHEARD_OF', function: 'f'.repeat(256), protocol: 'IPv4', counter: '', events: 4 },
      ],
      missed_events: 5,
      unlisted: 0,
    });
    expect(window.report({ ...LIMITS, counters: 0 }, 'kfree-skb').counters.audit).toBeNull();
  });

  it('calls a new signature a change from five events on, and only until it was reported', () => {
    const window = openWindow();
    const into = window.collector('kfree-skb');
    const tick = (second: number, events: number) => {
      window.begin(second * SECOND);
      into.drop(drop('NO_SOCKET', events, { offset: second }));
      const changed = window.dropsChanged();
      window.countersChanged();
      return changed;
    };
    expect([tick(1, 4), tick(2, 1)]).toEqual([false, true]);
    window.reported();
    expect(tick(3, 40)).toBe(false);
    expect(tick(4, 400)).toBe(true);
  });

  it('forgets a signature after ten minutes without it: it is new again', () => {
    const window = openWindow();
    const into = window.collector('kfree-skb');
    const tick = (second: number) => {
      window.begin(second * SECOND);
      into.drop(drop('NO_SOCKET', 5));
      const changed = window.dropsChanged();
      window.reported();
      return changed;
    };
    expect([tick(1), tick(400)]).toEqual([true, false]);
    window.begin(1001 * SECOND);
    window.reported();
    expect(tick(1002)).toBe(true);
  });

  it('calls a jump of a counter of trouble a change, of a counter of traffic not', () => {
    const changed = (name: string) => {
      const window = openWindow();
      window.begin(SECOND);
      window.collector('counters').counter(name, '', 1000);
      return window.countersChanged();
    };
    expect(
      ['IpInReceives', 'TcpOutSegs', 'TcpExtListenDrops', 'softnet_dropped', 'UdpNoPorts'].map(changed),
    ).toEqual([false, false, true, true, true]);
  });

  it('folds the tail into "other" so that totals are exact', () => {
    const count = fc.integer({ min: 0, max: 1_000_000 });
    const row = fc.record({
      reason: fc.constantFrom('NO_SOCKET', 'NEIGH_FAILED', 'QUEUE_PURGE', ''),
      function: fc.constantFrom('a', 'b', 'c', ''),
      offset: fc.integer({ min: 0, max: 20 }),
      module: fc.constantFrom('', 'ipv6'),
      protocol: fc.constantFrom('IPv4', 'IPv6', 'ARP'),
      events: count,
      packets: count,
      bytes: count,
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(row), { maxLength: 5 }),
        fc.integer({ min: 0, max: 40 }),
        (windows, most) => {
          const window = openWindow();
          const into = window.collector('s');
          for (const rows of windows) {
            for (const one of rows) into.drop(one);
            const { drops } = window.report({ ...LIMITS, drops: most });
            expect(drops.drops.length).toBeLessThanOrEqual(most);
            const parts = [...drops.drops, ...(drops.other ? [drops.other] : [])];
            for (const field of ['events', 'packets', 'bytes'] as const) {
              const total = (list: readonly Record<typeof field, number>[]) => {
                return list.reduce((sum, one) => sum + one[field], 0);
              };
              expect(total(parts)).toBe(total(rows));
            }
            const key = (d: DropRow) => [d.reason, d.function, d.offset, d.module, d.protocol].join('/');
            const moved = rows.filter((r) => r.events + r.packets + r.bytes > 0);
            const kinds = new Set(moved.map((r) => key({ ...r, reason: r.reason || 'NOT_SPECIFIED' })));
            expect(drops.drops.length + (drops.other?.kinds ?? 0)).toBe(kinds.size);
            expect(new Set(drops.drops.map(key)).size).toBe(drops.drops.length);
            window.reported();
          }
        },
      ),
    );
  });

  it('keeps totals exact beyond the number of kinds that it can tell apart', () => {
    const window = openWindow();
    const into = window.collector('s');
    for (let i = 0; i < 20_000; i++) into.drop(drop('R', 1, { offset: i }));
    const { drops } = window.report(LIMITS);
    expect(drops.drops).toHaveLength(512);
    expect(drops.other).toEqual({ kinds: 19_488, events: 19_488, packets: 19_488, bytes: 1_948_800 });
  });
});
