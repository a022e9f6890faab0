import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aFlow, aSample } from '../testing/samples.ts';
import { type Audited, auditLines } from './audit.ts';
import { type DropsView, drawDrops, drawSparkline } from './table.ts';
import type { DropLine } from './tally.ts';

const line = (
  reason: string,
  fn: string,
  protocol: string,
  rate: number,
  events: number,
  history: number[],
  sample: DropLine['sample'] = null,
) =>
  ({
    reason,
    function: fn,
    protocol,
    rate,
    events,
    packets: events,
    bytes: 64 * events,
    history,
    sample,
  }) satisfies DropLine;

const wave = Array.from({ length: 60 }, (_, i) => 500 + Math.round(450 * Math.sin(i / 6)));
const busy: DropsView = {
  host: 'web-1',
  elapsedS: 83,
  lines: [
    line('NO_SOCKET', '__udp4_lib_rcv', 'IPv4', 12_034, 1_204_334, wave),
    line('NEIGH_FAILED', 'neigh_timer_handler', 'IPv6', 41.4, 812, [0, 0, 0, 40, 44, 39, 42, 42]),
    line('UNHANDLED_PROTO', '__netif_receive_skb_core.constprop.0', 'other', 0.5, 62, [1, 0, 1, 0]),
    line('QUEUE_PURGE', 'unix_sock_destructor', 'none', 0, 3, [3, 0, 0, 0, 0, 0, 0]),
  ],
  ledger: { seen: 1_205_214, lost: 3, hops: { map_overflow: 2, program_misses: 1 } },
  audit: null,
  everyday: (reason) => reason === 'QUEUE_PURGE' || reason === 'UNHANDLED_PROTO',
  hint: 'q quits',
};
const [udp, neighbour, unhandled, unix] = busy.lines as [DropLine, DropLine, DropLine, DropLine];
const sampled: DropsView = {
  ...busy,
  lines: [
    { ...udp, sample: aSample({ interface: 'eth0', namespace: 'pod shop/web-1' }) },
    {
      ...neighbour,
      sample: aSample({
        flows: [
          aFlow({
            source: '2001:db8:0:12::a1',
            destination: '2001:db8:0:12::b2',
            protocol: 'TCP',
            source_port: 443,
            destination_port: 50_122,
            detail: 'SYN ACK',
            vlans: [12],
          }),
        ],
      }),
    },
    {
      ...unhandled,
      sample: aSample({
        interface: 'bond0',
        namespace: 'pod 6d0a1fc2-5b44-4f6a-9d5e-0d9f52e1c7aa container 0123456789ab',
        flows: [
          aFlow({ source: '10.0.0.1', destination: '10.0.0.2', protocol: 'VXLAN', tunnel_id: 42 }),
          aFlow({
            source: '192.168.7.1',
            destination: '192.168.7.9',
            protocol: 'ICMP',
            detail: 'echo request',
          }),
        ],
      }),
    },
    unix,
  ],
};
const audit: Audited = {
  matched: 1_205_149,
  explained: [
    {
      reason: 'NO_SOCKET',
      function: '__udp4_lib_rcv',
      protocol: 'IPv4',
      counter: 'UdpNoPorts',
      events: 1_204_337,
    },
    {
      reason: 'NEIGH_FAILED',
      function: 'neigh_timer_handler',
      protocol: 'IPv6',
      counter: 'ndisc_cache_unresolved_discards',
      events: 812,
    },
  ],
  unseen: [
    { counter: 'rx_missed_errors', interface: 'eth0', count: 12, possible: false },
    { counter: 'IpInDiscards', interface: '', count: 9, possible: true },
  ],
  uncounted: [
    {
      reason: 'UNHANDLED_PROTO',
      function: '__netif_receive_skb_core',
      protocol: 'other',
      counter: '',
      events: 62,
    },
  ],
};
const audited: DropsView = { ...busy, audit };
const quiet: DropsView = { ...busy, lines: [], ledger: { seen: 0, lost: 0, hops: {} }, elapsedS: 0 };

describe('golden tables', () => {
  it.each([
    ['drops-120.txt', busy, { width: 120, height: 24, colour: false }],
    ['drops-80.txt', busy, { width: 80, height: 24, colour: false }],
    ['drops-60.txt', busy, { width: 60, height: 24, colour: false }],
    ['drops-short.txt', busy, { width: 80, height: 8, colour: false }],
    ['drops-colour.txt', busy, { width: 80, height: 24, colour: true }],
    ['drops-samples-160.txt', sampled, { width: 160, height: 24, colour: false }],
    ['drops-samples-80.txt', sampled, { width: 80, height: 24, colour: false }],
    ['drops-samples-short.txt', sampled, { width: 80, height: 12, colour: false }],
    ['drops-samples-colour.txt', sampled, { width: 80, height: 24, colour: true }],
    ['drops-audit-160.txt', audited, { width: 160, height: 24, colour: false }],
    ['drops-audit-80.txt', audited, { width: 80, height: 24, colour: false }],
    ['drops-none.txt', quiet, { width: 80, height: 24, colour: false }],
  ] as const)('%s', async (name, view, screen) => {
    await expect(`${drawDrops(view, screen)}\n`).toMatchFileSnapshot(`./golden/${name}`);
  });
});

it('fits whatever it is drawn on', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'Z', '_', '0'), maxLength: 40 });
  const lines = fc.array(
    fc.tuple(
      text,
      text,
      text,
      fc.nat(),
      fc.nat(),
      fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
      fc.option(text.map((namespace) => aSample({ namespace }))),
    ),
    { maxLength: 30 },
  );
  const screen = fc.record({
    width: fc.integer({ min: 1, max: 250 }),
    height: fc.integer({ min: 1, max: 40 }),
    colour: fc.boolean(),
  });
  fc.assert(
    fc.property(lines, screen, (rows, size) => {
      const drawn = drawDrops({ ...audited, lines: rows.map((row) => line(...row)) }, size).split('\n');
      expect(drawn.length).toBeLessThanOrEqual(size.height);
      for (const row of drawn) {
        expect([...stripVTControlCharacters(row)].length).toBeLessThanOrEqual(size.width);
      }
    }),
  );
});

it('gives to samples only what rows leave of the height, from the top down', () => {
  const lines = Array.from({ length: 4 }, (_, i) => line(`R${i}`, 'f', 'IPv4', 4 - i, 4, [1], aSample()));
  const drawn = (height: number) =>
    drawDrops({ ...busy, lines }, { width: 80, height, colour: false })
      .split('\n')
      .slice(3, -4)
      .map((text) => text.slice(0, 4).trim());
  const sample = '10';
  expect(drawn(10)).toEqual(['R0', 'R1', '… an']);
  expect(drawn(11)).toEqual(['R0', 'R1', 'R2', 'R3']);
  expect(drawn(12)).toEqual(['R0', sample, 'R1', 'R2', 'R3']);
  expect(drawn(40)).toEqual(['R0', sample, 'R1', sample, 'R2', sample, 'R3', sample]);
});

it('keeps the ledger in sight however many rows there are', () => {
  const lines = Array.from({ length: 50 }, (_, i) => line(`R${i}`, 'f', 'IPv4', 50 - i, 50, [1]));
  const drawn = drawDrops({ ...busy, lines }, { width: 80, height: 10, colour: false }).split('\n');
  expect(drawn).toHaveLength(10);
  expect(drawn.slice(-4)).toEqual([
    '',
    'seen 1.21M   lost 3   complete > 99.99 %',
    'lost at: map_overflow 2, program_misses 1',
    'q quits',
  ]);
});

it('shortens the history before the name of a function', () => {
  const lines = [line('QUEUE_PURGE', 'sk_stream_kill_queues', 'IPv4', 1, 1, [1])];
  for (const width of [80, 100, 120]) {
    const drawn = drawDrops({ ...busy, lines }, { width, height: 10, colour: false });
    expect(drawn).toContain(' sk_stream_kill_queues ');
    expect(drawn).toContain('LAST 60 s');
  }
});

describe("the audit's line", () => {
  const nothing: Audited = { matched: 0, explained: [], unseen: [], uncounted: [] };

  it.each([
    ['nothing at all', nothing, []],
    [
      'losses that may be none',
      { ...nothing, unseen: [{ counter: 'IpInDiscards', interface: '', count: 9, possible: true }] },
      [],
    ],
    [
      'nothing amiss',
      { ...nothing, matched: 4 },
      ["audit: 100 % of losses counted by the kernel's counters too"],
    ],
    [
      'several counters',
      {
        ...nothing,
        unseen: [
          { counter: 'rx_missed_errors', interface: 'eth0', count: 12, possible: false },
          { counter: 'UdpMemErrors', interface: '', count: 3, possible: false },
        ],
      },
      ['audit: 15 counted and not seen (rx_missed_errors eth0 …)'],
    ],
    [
      'drops without a counter',
      {
        ...nothing,
        matched: 1,
        uncounted: [{ reason: 'R', function: '', protocol: 'IPv4', counter: '', events: 3 }],
      },
      ["audit: 25.00 % of losses counted by the kernel's counters too; 3 seen and counted nowhere (R)"],
    ],
  ])('of %s', (_, found, lines) => {
    expect(auditLines(found, 120)).toEqual(lines);
  });
});

describe('a sparkline', () => {
  it.each([
    [[], 10, '          '],
    [[0], 10, '         ·'],
    [[0, 1, 9], 60, `${' '.repeat(57)}·▁█`],
    [[1e6, 1], 60, `${' '.repeat(58)}█▁`],
    // Four seconds a column, the oldest of which has one.
    [[7, 0, 0, 0, 0, 0, 0, 0, 4], 15, `${' '.repeat(12)}█·▂`],
    [[1, 2, 3], 0, ''],
    [[Number.MIN_VALUE, Number.MAX_VALUE], 60, `${' '.repeat(58)}▁█`],
  ])('of %j in %i columns', (history, width, expected) => {
    expect(drawSparkline(history, width)).toBe(expected);
  });
});
