import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DropsView, drawDrops, drawSparkline } from './table.ts';
import type { DropLine } from './tally.ts';

const line = (
  reason: string,
  fn: string,
  protocol: string,
  rate: number,
  events: number,
  history: number[],
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
  everyday: (reason) => reason === 'QUEUE_PURGE' || reason === 'UNHANDLED_PROTO',
  hint: 'q quits',
};
const quiet: DropsView = { ...busy, lines: [], ledger: { seen: 0, lost: 0, hops: {} }, elapsedS: 0 };

describe('golden tables', () => {
  it.each([
    ['drops-120.txt', busy, { width: 120, height: 24, colour: false }],
    ['drops-80.txt', busy, { width: 80, height: 24, colour: false }],
    ['drops-60.txt', busy, { width: 60, height: 24, colour: false }],
    ['drops-short.txt', busy, { width: 80, height: 8, colour: false }],
    ['drops-colour.txt', busy, { width: 80, height: 24, colour: true }],
    ['drops-none.txt', quiet, { width: 80, height: 24, colour: false }],
  ] as const)('%s', async (name, view, screen) => {
    await expect(`${drawDrops(view, screen)}\n`).toMatchFileSnapshot(`./golden/${name}`);
  });
});

it('fits whatever it is drawn on', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'Z', '_', '0'), maxLength: 40 });
  const lines = fc.array(
    fc.tuple(text, text, text, fc.nat(), fc.nat(), fc.array(fc.nat(), { minLength: 1, maxLength: 60 })),
    { maxLength: 30 },
  );
  const screen = fc.record({
    width: fc.integer({ min: 1, max: 250 }),
    height: fc.integer({ min: 1, max: 40 }),
    colour: fc.boolean(),
  });
  fc.assert(
    fc.property(lines, screen, (rows, size) => {
      const drawn = drawDrops({ ...busy, lines: rows.map((row) => line(...row)) }, size).split('\n');
      expect(drawn.length).toBeLessThanOrEqual(size.height);
      for (const row of drawn) {
        expect([...stripVTControlCharacters(row)].length).toBeLessThanOrEqual(size.width);
      }
    }),
  );
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
