import { describe, expect, it } from 'vitest';
import { Trend } from './trend.ts';

const RULES = { jumpFactor: 4, jumpRate: 50 };
const SECOND = 1_000_000;

/** Feeds one tick of a second; returns whether it was a jump. */
function second(trend: Trend, at: number, events: number): boolean {
  trend.add(events);
  return trend.tick(at * SECOND, SECOND, RULES);
}

describe('Trend', () => {
  it('jumps above 50/s when nothing was reported before, and not at 50/s', () => {
    expect(second(new Trend(), 1, 50)).toBe(false);
    expect(second(new Trend(), 1, 51)).toBe(true);
  });

  it('jumps at four times what the last message told', () => {
    const trend = new Trend();
    second(trend, 1, 100);
    trend.reported(1 * SECOND);
    expect(second(trend, 1, 399)).toBe(false);
    expect(second(trend, 1, 400)).toBe(true);
  });

  it('compares with messages, not with ticks: a steep ramp is a jump although no step is fourfold', () => {
    const trend = new Trend();
    second(trend, 1, 20);
    trend.reported(1 * SECOND);
    expect([30, 55, 100].map((events, i) => second(trend, 2 + i, events))).toEqual([false, false, true]);
  });

  it('takes a burst that comes back soon for no news, and one that was away for long for news', () => {
    const trend = new Trend();
    second(trend, 0, 200);
    trend.reported(0);
    expect(second(trend, 30, 200)).toBe(false);
    // Two minutes later the reference has halved twice.
    expect(second(trend, 120, 200)).toBe(true);
  });

  it('does not take a few events in a very short tick for a high rate', () => {
    const trend = new Trend();
    trend.add(20);
    expect(trend.tick(SECOND, 2000, RULES)).toBe(false);
  });

  it('does not grow its reference when the clock is set back', () => {
    const trend = new Trend();
    second(trend, 1000, 100);
    trend.reported(1000 * SECOND);
    expect(second(trend, 0, 400)).toBe(true);
  });
});
