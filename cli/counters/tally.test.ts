import { describe, expect, it } from 'vitest';
import { CounterTally } from './tally.ts';

const drop = (reason: string, fn: string, events: number, protocol = 'IPv4') => ({
  reason,
  function: fn,
  protocol,
  events,
  packets: events,
  bytes: 100 * events,
});

describe('what moved', () => {
  it('is added up by counter, interface and namespace, losses first', () => {
    const tally = new CounterTally();
    tally.counter('IpInReceives', '', 1000);
    tally.counter('UdpNoPorts', '', 2);
    tally.counter('UdpNoPorts', '', 3);
    tally.counter('UdpNoPorts', '', 7, 'netns blue');
    tally.counter('rx_missed_errors', 'eth0', 4);
    tally.counter('rx_missed_errors', 'eth1', 6);
    tally.counter('NotInTheCatalog', '', 50);
    expect(
      tally.counters().map((row) => [row.name, row.interface, row.namespace, row.delta, row.lost]),
    ).toEqual([
      ['UdpNoPorts', '', 'netns blue', 7, 'always'],
      ['rx_missed_errors', 'eth1', '', 6, 'always'],
      ['UdpNoPorts', '', '', 5, 'always'],
      ['rx_missed_errors', 'eth0', '', 4, 'always'],
      ['NotInTheCatalog', '', '', 50, 'unknown'],
      ['IpInReceives', '', '', 1000, 'never'],
    ]);
  });

  it('of sockets and of what was missed is added up, too', () => {
    const tally = new CounterTally();
    const socket = {
      protocol: 'UDP',
      local_address: '0.0.0.0',
      local_port: 53,
      pid: 7,
      process: 'named',
      owner: '',
      drops: 3,
    };
    tally.socket(socket);
    tally.socket({ ...socket, local_port: 5353, drops: 9 });
    tally.socket({ ...socket, drops: 4 });
    expect(tally.sockets().map(({ local_port, drops }) => [local_port, drops])).toEqual([
      [5353, 9],
      [53, 7],
    ]);
    tally.lost('map_overflow', 0);
    tally.lost('map_overflow', 5);
    tally.lost('map_overflow', 6);
    tally.missed('malformed', 1);
    tally.missed('malformed', 1);
    expect(tally.losses()).toEqual({ map_overflow: 6, malformed: 2 });
  });
});

describe('the audit of the whole time', () => {
  it('matches, and leaves nothing for later', () => {
    const tally = new CounterTally();
    tally.drop(drop('NO_SOCKET', '__udp4_lib_rcv', 60));
    tally.drop(drop('NO_SOCKET', '__udp4_lib_rcv', 40));
    tally.counter('UdpNoPorts', '', 90);
    tally.counter('rx_missed_errors', 'eth0', 12);
    const findings = tally.findings();
    const kind = { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', protocol: 'IPv4' };
    expect(findings).toEqual({
      explained: [{ ...kind, counter: 'UdpNoPorts', events: 90 }],
      unseen: [{ counter: 'rx_missed_errors', interface: 'eth0', count: 12, possible: false }],
      uncounted: [{ ...kind, counter: '', events: 10 }],
    });
    expect(tally.matched(findings)).toBe(90);
  });

  it('takes a drop that two counters counted for one', () => {
    const tally = new CounterTally();
    tally.drop(drop('CPU_BACKLOG', 'enqueue_to_backlog', 8));
    tally.counter('softnet_dropped', '', 8);
    tally.counter('rx_dropped', 'eth0', 8);
    const findings = tally.findings();
    expect(findings.explained.map(({ counter, events }) => [counter, events])).toEqual([
      ['rx_dropped', 8],
      ['softnet_dropped', 8],
    ]);
    expect(tally.matched(findings)).toBe(8);
  });

  it('leaves out what comes with healthy traffic, counted or not', () => {
    const tally = new CounterTally();
    tally.drop(drop('TCP_OLD_DATA', 'tcp_rcv_established', 8));
    tally.counter('TcpExtDelayedACKLost', '', 8);
    const findings = tally.findings();
    expect(findings.explained.map(({ counter, events }) => [counter, events])).toEqual([
      ['TcpExtDelayedACKLost', 8],
    ]);
    expect([findings.uncounted, tally.matched(findings)]).toEqual([[], 0]);
  });
});

describe('drops while counters were being read', () => {
  const noSocket = (events: number) => drop('NO_SOCKET', '__udp4_lib_rcv', events);

  it('match what a counter counted beyond those that were seen', () => {
    const tally = new CounterTally();
    tally.drop(noSocket(90));
    tally.counter('UdpNoPorts', '', 97);
    tally.slack(noSocket(20));
    expect(tally.findings()).toEqual({
      explained: [
        {
          reason: 'NO_SOCKET',
          function: '__udp4_lib_rcv',
          protocol: 'IPv4',
          events: 97,
          counter: 'UdpNoPorts',
        },
      ],
      unseen: [],
      uncounted: [],
    });
  });

  it('are no fault of their own', () => {
    const tally = new CounterTally();
    tally.slack(noSocket(20));
    tally.slack(drop('NETFILTER_DROP', 'nf_hook_slow', 3));
    expect(tally.findings()).toEqual({ explained: [], unseen: [], uncounted: [] });
  });
});
