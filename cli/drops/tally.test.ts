import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aSample } from '../testing/samples.ts';
import { type DropCount, DropTally, HISTORY_S } from './tally.ts';

const drop = (reason: string, events: number, fn = 'f', protocol = 'IPv4'): DropCount => ({
  reason,
  function: fn,
  protocol,
  events,
  packets: events * 2,
  bytes: events * 100,
});

function reasons(tally: DropTally): string[] {
  return tally.lines().map(({ reason }) => reason);
}

describe('a line', () => {
  it('adds up what is alike in reason, function and protocol', () => {
    const tally = new DropTally();
    for (const row of [drop('A', 1), drop('A', 2), drop('A', 4, 'g'), drop('A', 8, 'f', 'IPv6')])
      tally.add(row);
    tally.tick(1);
    expect(tally.lines().map((line) => [line.function, line.protocol, line.events])).toEqual([
      ['f', 'IPv6', 8],
      ['g', 'IPv4', 4],
      ['f', 'IPv4', 3],
    ]);
    expect(tally.lines()[2]).toMatchObject({ packets: 6, bytes: 300, rate: 3, history: [3] });
  });

  it('has the mean of five seconds for its rate, and a bounded history', () => {
    const tally = new DropTally();
    for (let second = 1; second <= HISTORY_S + 10; second++) {
      tally.add(drop('A', second));
      tally.tick(1);
    }
    const [line] = tally.lines();
    expect(line?.history).toEqual(Array.from({ length: HISTORY_S }, (_, i) => i + 11));
    expect(line?.rate).toBe(68);
    tally.tick(1);
    expect(line?.rate).toBe((67 + 68 + 69 + 70) / 5);
  });

  it('has the newest sample of its kind, one an interval', () => {
    const tally = new DropTally();
    const samples = [1, 2].map((length) => aSample({ length }));
    for (const sample of samples) {
      expect(tally.wantsSample(drop('A', 0))).toBe(true);
      tally.sample(sample, drop('A', 0));
      expect(tally.wantsSample(drop('A', 0))).toBe(false);
      expect(tally.wantsSample(drop('A', 0, 'f', 'IPv6'))).toBe(true);
      tally.add(drop('A', 1));
      tally.tick(1);
    }
    tally.add(drop('A', 1, 'f', 'IPv6'));
    tally.tick(1);
    expect(tally.lines().map(({ protocol, sample }) => [protocol, sample])).toEqual([
      ['IPv6', null],
      ['IPv4', samples[1]],
    ]);
  });

  it('is not made by a sample of what has no name in the counts', () => {
    const tally = new DropTally();
    tally.sample(aSample(), drop('A', 0));
    tally.tick(1);
    expect(tally.lines()).toEqual([]);
    tally.add(drop('A', 1));
    tally.tick(1);
    expect(tally.lines()).toMatchObject([{ reason: 'A', sample: null }]);
  });

  it('counts a short interval by its length', () => {
    const tally = new DropTally();
    tally.add(drop('A', 10));
    tally.tick(0.5);
    expect(tally.lines()[0]?.rate).toBe(20);
  });
});

describe('the order', () => {
  it('is by rate, and rows that are about as fast stay', () => {
    const tally = new DropTally();
    tally.add(drop('slow', 10));
    tally.add(drop('fast', 100));
    tally.tick(1);
    expect(reasons(tally)).toEqual(['fast', 'slow']);
    // After four more seconds "slow" has the higher mean, by less than it takes to pass.
    for (let i = 0; i < 4; i++) {
      tally.add(drop('slow', 130));
      tally.add(drop('fast', 100));
      tally.tick(1);
    }
    expect(tally.lines().map(({ rate }) => rate)).toEqual([100, 106]);
    tally.add(drop('slow', 200));
    tally.tick(1);
    expect(reasons(tally)).toEqual(['slow', 'fast']);
  });

  it('never puts a silent row above one that moves', () => {
    const events = fc.array(fc.tuple(fc.constantFrom('A', 'B', 'C', 'D'), fc.nat(1000)), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(events, { maxLength: 20 }), (seconds) => {
        const tally = new DropTally();
        for (const rows of seconds) {
          for (const [reason, count] of rows) tally.add(drop(reason, count));
          tally.tick(1);
        }
        const rates = tally.lines().map(({ rate }) => rate > 0);
        expect(rates).toEqual([...rates].sort((a, b) => Number(b) - Number(a)));
      }),
    );
  });
});

describe('the ledger', () => {
  it('counts as seen what was lost as well, by hop', () => {
    const tally = new DropTally();
    tally.add(drop('A', 7));
    tally.lost('program_misses', 0);
    tally.lost('map_overflow', 2);
    tally.lost('map_overflow', 3);
    expect(tally.ledger()).toEqual({ seen: 10, lost: 3, hops: { map_overflow: 3 } });
  });
});
