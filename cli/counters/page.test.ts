import { stripVTControlCharacters } from 'node:util';
import { explain } from '@netfall/catalog/explain';
import { describe, expect, it } from 'vitest';
import { type CountersView, countersPage } from './page.ts';

const kind = { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', protocol: 'IPv4' };
const busy: CountersView = {
  host: 'web-1\x1b[2J',
  elapsedS: 5.04,
  why: '',
  findings: {
    explained: [
      { ...kind, counter: 'FireInErrors', events: 4000 },
      {
        reason: 'CPU_BACKLOG',
        function: 'enqueue_to_backlog',
        protocol: 'IPv6',
        counter: 'softnet_dropped',
        events: 3,
      },
    ],
    unseen: [
      { counter: 'rx_burnt_errors', interface: 'eth0', count: 12_345, possible: false },
      { counter: 'FireInDiscards', interface: '', count: 1, possible: true },
    ],
    uncounted: [
      {
        reason: 'ON_FIRE',
        function: '__netif_receive_skb_core.constprop.0',
        protocol: 'LLDP',
        counter: '',
        events: 2,
      },
    ],
  },
  counters: [
    { name: 'FireInErrors', interface: '', delta: 4000, namespace: '', lost: 'always' },
    { name: 'FireInErrors', interface: '', delta: 7, namespace: 'netns blue', lost: 'always' },
    { name: 'class_burnt', interface: 'eth0 1:20', delta: 3, namespace: '', lost: 'always' },
    { name: 'BrandNew', interface: 'eth0', delta: 9, namespace: 'pod shop/web-1', lost: 'unknown' },
  ],
  sockets: [
    {
      protocol: 'UDP',
      local_address: '0.0.0.0',
      local_port: 53,
      pid: 812,
      process: 'named',
      owner: 'named.service',
      drops: 70,
    },
    {
      protocol: 'UDP',
      local_address: '::',
      local_port: 5353,
      pid: 0,
      process: '',
      owner: '',
      drops: 2,
    },
  ],
  losses: { map_overflow: 2, namespaces_full: 1 },
};
const nothing = { explained: [], unseen: [], uncounted: [] };

describe('golden pages', () => {
  it.each([
    ['busy-80.txt', busy, 80],
    ['busy-140.txt', busy, 140],
    [
      'not-audited.txt',
      {
        ...busy,
        findings: null,
        why: 'drops cannot be counted: CAP_BPF and CAP_PERFMON not held: run it as root',
        sockets: [],
        losses: {},
      },
      80,
    ],
    ['nothing.txt', { ...busy, findings: nothing, counters: [], sockets: [], losses: {} }, 80],
  ] as const)('%s', async (name, view, width) => {
    const page = countersPage(view, { width, colour: false });
    for (const line of page) expect([...line].length).toBeLessThanOrEqual(width);
    await expect(`${page.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
  });

  it('say what a counter of the catalog means, as far as there is room', () => {
    const counters = [
      { name: 'UdpNoPorts', interface: '', delta: 1, namespace: '', lost: 'always' },
    ] as const;
    const page = countersPage({ ...busy, counters }, { width: 80, colour: false });
    const line = page.find((text) => / UdpNoPorts /.test(text)) ?? '';
    const means = line.slice(line.indexOf('always') + 'always  '.length).replace('…', '');
    expect(means.length).toBeGreaterThan(20);
    expect(explain('UdpNoPorts')?.means.startsWith(means)).toBe(true);
  });

  it('are the same in colours', () => {
    const coloured = countersPage(busy, { width: 80, colour: true }).map(stripVTControlCharacters);
    expect(coloured).toEqual(countersPage(busy, { width: 80, colour: false }));
  });
});
