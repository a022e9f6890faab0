import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogTime } from './log-time.ts';
import { fold, host, incidentsOf, surge } from './testing/folded.ts';
import { START_US, Story } from './testing/story.ts';

const HOUR_S = 3600;

/** What the time says after stamps, seconds from the first. */
function after(...stampsS: number[]) {
  const time = new LogTime();
  const seconds: number[] = [];
  for (const [i, at] of [0, ...stampsS].entries())
    time.advance(i + 1, START_US + at * 1_000_000, () => seconds.push((time.nowUs - START_US) / 1_000_000));
  const { nowUs, liveUs, outagesUs } = time;
  return { now: (nowUs - START_US) / 1e6, live: liveUs / 1e6, outages: outagesUs / 1e6, seconds };
}

describe('log time', () => {
  test('is the stamp, and all of it passes but for outages', () => {
    expect(after(1, 2.5, 5)).toEqual({ now: 5, live: 5, outages: 0, seconds: [1, 2, 3, 4, 5] });
    expect(after(1, 61, 62)).toEqual({ now: 62, live: 2, outages: 60, seconds: [1, 62] });
  });

  test('goes on at half speed while stamps are behind it, and is the stamp again once they have caught up', () => {
    expect(after(2, 1)).toEqual({ now: 2, live: 2, outages: 0, seconds: [1, 2] });
    expect(after(2, 0, 2)).toEqual({ now: 3, live: 4, outages: 0, seconds: [1, 2, 2.5, 3] });
    expect(after(2, 0, 2, 4, 6)).toEqual({
      now: 6,
      live: 8,
      outages: 0,
      seconds: [1, 2, 2.5, 3, 3.5, 4, 5, 6],
    });
  });

  test('neither goes back nor stands still, whatever the stamps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5_000_000, max: 5_000_000 })), (gaps) => {
        const time = new LogTime();
        let stampUs = START_US;
        time.advance(1, stampUs, () => {});
        for (const [i, gap] of gaps.entries()) {
          const { nowUs, liveUs, outagesUs } = time;
          const moments: number[] = [nowUs];
          stampUs += gap;
          time.advance(i + 2, stampUs, () => moments.push(time.nowUs));
          moments.push(time.nowUs);
          expect(moments).toEqual(moments.toSorted((a, b) => a - b));
          expect(time.nowUs).toBeGreaterThanOrEqual(Math.max(stampUs, nowUs + Math.trunc(gap / 2)));
          expect(time.liveUs + time.outagesUs - liveUs - outagesUs).toBe(Math.max(0, gap));
        }
      }),
    );
  });
});

describe('after one stamp that is a year ahead', () => {
  const year = 365 * 24 * HOUR_S;

  test('hosts fall silent in time', () => {
    const story = new Story();
    story.report(0, 'a');
    story.tick(year);
    story.ticks(1, 30);
    expect(host(fold(story), 'a').view.status).toBe('live');
    story.tick(31);
    expect(host(fold(story), 'a').view.status).toBe('silent');
  });

  test('trouble is found, and resolved', () => {
    const story = new Story();
    story.report(0, 'a');
    story.tick(year);
    story.report(1, 'a');
    surge(story, 'a', 1, 5);
    expect(incidentsOf(story)).toMatchObject([{ state: 'firing' }]);
    for (let s = 7; s <= 100; s++) story.report(s, 'a', { drops: {} });
    expect(incidentsOf(story)).toMatchObject([{ state: 'resolved' }]);
  });

  test('a claim runs out, if late', () => {
    const story = new Story();
    story.claim(0, 'one', 10);
    story.tick(year);
    story.claim(1, 'one', 10);
    story.ticks(2, 20);
    story.claim(20, 'two', 10);
    expect(fold(story).claim.holder).toBe('one');
    story.ticks(21, 22);
    story.claim(22, 'two', 10);
    expect(fold(story).claim.holder).toBe('two');
  });
});
