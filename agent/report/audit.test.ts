import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuditCounter, type AuditDrop, audit, type Leftover, NOTHING } from './audit.ts';

const noSocket = (events: number): AuditDrop => ({
  reason: 'NO_SOCKET',
  function: '__udp4_lib_rcv',
  protocol: 'IPv4',
  events,
});
const fullBuffer = (events: number): AuditDrop => ({
  reason: 'SOCKET_RCVBUFF',
  function: 'udp_queue_rcv_one_skb',
  protocol: 'IPv4',
  events,
});
const unheardOf = (events: number): AuditDrop => ({ reason: 'NEW', function: 'f', protocol: 'IPv4', events });
const counter = (name: string, delta: number, iface = ''): AuditCounter => ({
  name,
  interface: iface,
  delta,
});

/** Audits windows one after the other; what the last one says, after an empty one. */
function story(...windows: Leftover[]) {
  let left = NOTHING;
  const said = [...windows, NOTHING].map((window) => {
    const { leftover, ...findings } = audit(window, left);
    left = leftover;
    return findings;
  });
  expect(left).toEqual(NOTHING);
  return said;
}

const nothing = { explained: [], unseen: [], uncounted: [] };

describe('audit', () => {
  test('drops that a counter counted are explained by it', () => {
    expect(story({ drops: [noSocket(7)], counters: [counter('UdpNoPorts', 7)] })).toEqual([
      { ...nothing, explained: [{ ...noSocket(7), counter: 'UdpNoPorts' }] },
      nothing,
    ]);
  });

  test('what is read late is matched by the next window, in either order', () => {
    expect(
      story(
        { drops: [noSocket(7)], counters: [counter('UdpNoPorts', 10)] },
        { drops: [noSocket(9)], counters: [counter('UdpNoPorts', 4)] },
        { drops: [], counters: [counter('UdpNoPorts', 2)] },
      ),
    ).toEqual([
      { ...nothing, explained: [{ ...noSocket(7), counter: 'UdpNoPorts' }] },
      { ...nothing, explained: [{ ...noSocket(7), counter: 'UdpNoPorts' }] },
      { ...nothing, explained: [{ ...noSocket(2), counter: 'UdpNoPorts' }] },
      nothing,
    ]);
  });

  test('what only a counter shows is unseen, by interface, one window later', () => {
    const counters = [counter('rx_missed_errors', 5, 'eth0'), counter('rx_missed_errors', 6, 'eth1')];
    expect(story({ drops: [], counters })).toEqual([
      nothing,
      {
        ...nothing,
        unseen: [
          { counter: 'rx_missed_errors', interface: 'eth1', count: 6, possible: false },
          { counter: 'rx_missed_errors', interface: 'eth0', count: 5, possible: false },
        ],
      },
    ]);
  });

  test('drops that no counter can count are said at once, others after a window', () => {
    expect(story({ drops: [unheardOf(3), noSocket(2)], counters: [] })).toEqual([
      { ...nothing, uncounted: [{ ...unheardOf(3), counter: '' }] },
      { ...nothing, uncounted: [{ ...noSocket(2), counter: '' }] },
    ]);
  });

  test('drops that one counter or another counts are all explained', () => {
    const drop = {
      reason: 'UNHANDLED_PROTO',
      function: '__netif_receive_skb_core',
      protocol: 'other',
      events: 10,
    };
    const counters = [counter('rx_dropped', 6, 'eth0'), counter('rx_nohandler', 4, 'bond0')];
    expect(story({ drops: [drop], counters })).toEqual([
      {
        ...nothing,
        explained: [
          { ...drop, events: 6, counter: 'rx_dropped' },
          { ...drop, events: 4, counter: 'rx_nohandler' },
        ],
      },
      nothing,
    ]);
  });

  test('a sum is held to what its parts leave', () => {
    const counters = [counter('UdpInErrors', 12), counter('UdpRcvbufErrors', 10)];
    expect(story({ drops: [fullBuffer(10)], counters })).toEqual([
      { ...nothing, explained: [{ ...fullBuffer(10), counter: 'UdpRcvbufErrors' }] },
      { ...nothing, unseen: [{ counter: 'UdpInErrors', interface: '', count: 2, possible: false }] },
    ]);
  });

  test('counters that count no losses, or that nobody knows, are no losses', () => {
    const counters = [counter('IpInReceives', 9), counter('NobodyKnows', 9), counter('TcpCurrEstab', 9)];
    expect(story({ drops: [], counters })).toEqual([nothing, nothing]);
  });

  test('whatever comes, every event and every count is said once', () => {
    const events = fc.nat(9);
    const window = fc.record({
      drops: fc.tuple(events, events, events).map(([a, b, c]) => [noSocket(a), fullBuffer(b), unheardOf(c)]),
      counters: fc
        .tuple(events, events, events)
        .map(([ports, full, other]) => [
          counter('UdpNoPorts', ports),
          counter('UdpRcvbufErrors', full),
          counter('UdpInErrors', full + other),
        ]),
    });
    fc.assert(
      fc.property(fc.array(window, { maxLength: 8 }), (windows) => {
        const said = story(...windows);
        const given = windows.flatMap(({ drops }) => drops).reduce((sum, drop) => sum + drop.events, 0);
        const drops = said.flatMap(({ explained, uncounted }) => [...explained, ...uncounted]);
        expect(drops.reduce((sum, drop) => sum + drop.events, 0)).toBe(given);
        for (const name of ['UdpNoPorts', 'UdpRcvbufErrors']) {
          const counted = windows.flatMap(({ counters }) => counters).filter((row) => row.name === name);
          const explained = said.flatMap((row) => row.explained).filter((row) => row.counter === name);
          const unseen = said.flatMap((row) => row.unseen).filter((row) => row.counter === name);
          expect(
            explained.reduce((sum, row) => sum + row.events, 0) +
              unseen.reduce((sum, row) => sum + row.count, 0),
          ).toBe(counted.reduce((sum, row) => sum + row.delta, 0));
        }
      }),
    );
  });
});
