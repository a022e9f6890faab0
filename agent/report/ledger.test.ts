import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

const SECOND = 1_000_000;

describe('Ledger', () => {
  it('adds up losses by source and hop, and forgets them once reported', () => {
    const ledger = new Ledger();
    ledger.add('kfree-skb', 'map_overflow', 3, 0);
    ledger.add('kfree-skb', 'map_overflow', 4, 0);
    ledger.add('counters', 'malformed', 1, 0);
    expect(ledger.losses([])).toEqual([
      { source: 'kfree-skb', hop: 'map_overflow', count: 7 },
      { source: 'counters', hop: 'malformed', count: 1 },
    ]);
    ledger.reported();
    expect(ledger.losses([])).toEqual([]);
  });

  it('merges what evicted messages had carried', () => {
    const ledger = new Ledger();
    ledger.add('kfree-skb', 'map_overflow', 3, 0);
    const carried = [
      { source: 'spool', hop: 'evicted', count: 2 },
      { source: 'kfree-skb', hop: 'map_overflow', count: 10 },
    ];
    expect(ledger.losses(carried)).toEqual([
      { source: 'kfree-skb', hop: 'map_overflow', count: 13 },
      { source: 'spool', hop: 'evicted', count: 2 },
    ]);
  });

  it('is news when a hop begins to lose, or begins again after a minute', () => {
    const ledger = new Ledger();
    const news = [0, 30, 89, 150].map((second) => {
      ledger.add('kfree-skb', 'map_overflow', 1, second * SECOND);
      return ledger.takeNews();
    });
    expect(news).toEqual([true, false, false, true]);
    expect(ledger.takeNews()).toBe(false);
  });

  it('takes a number that cannot be for one loss', () => {
    const ledger = new Ledger();
    for (const count of [Number.NaN, -5, 0, 0.5, Number.POSITIVE_INFINITY]) ledger.add('a', 'b', count, 0);
    expect(ledger.losses([])).toEqual([{ source: 'a', hop: 'b', count: 5 }]);
  });

  it('loses no loss however many hops there are, and never lists more than an entry may', () => {
    const loss = fc.record({
      source: fc.string({ maxLength: 2 }),
      hop: fc.string({ maxLength: 2 }),
      count: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(fc.array(loss, { maxLength: 200 }), fc.array(loss, { maxLength: 80 }), (own, carried) => {
        const ledger = new Ledger();
        for (const { source, hop, count } of own) ledger.add(source, hop, count, 0);
        const losses = ledger.losses(carried);
        const total = (list: readonly { count: number }[]) => list.reduce((sum, { count }) => sum + count, 0);
        expect(total(losses)).toBe(total(own) + total(carried));
        expect(losses.length).toBeLessThanOrEqual(64);
        expect(new Set(losses.map(({ source, hop }) => `${source}\0${hop}`)).size).toBe(losses.length);
      }),
    );
  });
});
