import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

const SECOND = 1_000_000;
const START = 1_000 * SECOND;

/** A pace, and the seconds after the start at which it sealed when asked once a second until `until`. */
function run(until: number, at: (second: number, pace: Pace) => void = () => {}): number[] {
  const pace = new Pace({ intervalUs: 10 * SECOND, wideIntervalUs: 30 * SECOND, startUs: START });
  const sealed: number[] = [];
  for (let second = 0; second <= until; second++) {
    const nowUs = START + second * SECOND;
    at(second, pace);
    if (!pace.isDue(nowUs)) continue;
    sealed.push(second);
    pace.sealed(nowUs);
  }
  return sealed;
}

describe('Pace', () => {
  it('seals first after 2 s and then every 10 s', () => {
    expect(run(45)).toEqual([2, 12, 22, 32, 42]);
  });

  it('seals at once when something changes, every second for 30 s, then every 10 s again', () => {
    const sealed = run(70, (second, pace) => {
      if (second === 15) pace.changed(START + second * SECOND);
    });
    const everySecond = Array.from({ length: 31 }, (_, i) => 15 + i);
    expect(sealed).toEqual([2, 12, ...everySecond, 55, 65]);
  });

  it('goes on for 30 s after the last of several changes', () => {
    const sealed = run(60, (second, pace) => {
      if (second === 15 || second === 20) pace.changed(START + second * SECOND);
    });
    expect(sealed.filter((second) => second > 15).slice(0, 35)).toEqual(
      Array.from({ length: 35 }, (_, i) => 16 + i),
    );
    expect(sealed.at(-1)).toBe(60);
  });

  it('is not hurried by what flowed before the first message', () => {
    const sealed = run(15, (second, pace) => {
      if (second <= 2) pace.changed(START + second * SECOND);
    });
    expect(sealed).toEqual([2, 12]);
  });

  it('widens to 30 s when acknowledgements are slow, from the message after the one that was promised', () => {
    const sealed = run(110, (second, pace) => {
      if (second >= 5 && second < 80) pace.load(6 * SECOND, 0);
      if (second >= 80) pace.load(1 * SECOND, 0);
    });
    expect(sealed).toEqual([2, 12, 42, 72, 102]);
  });

  it('widens when the spool is over half full, until it is under a quarter', () => {
    const pace = new Pace({ intervalUs: 10 * SECOND, wideIntervalUs: 30 * SECOND, startUs: START });
    const promise = (fill: number) => {
      pace.load(0, fill);
      return pace.promiseUs() / SECOND;
    };
    expect([0.5, 0.51, 0.3, 0.25, 0.24].map(promise)).toEqual([10, 30, 30, 30, 10]);
  });

  it('does not hurry under pressure', () => {
    const sealed = run(60, (second, pace) => {
      pace.load(6 * SECOND, 0);
      if (second === 15) pace.changed(START + second * SECOND);
    });
    expect(sealed).toEqual([2, 32]);
  });

  it('seals at once when the clock was set back, instead of being silent until time has caught up', () => {
    const pace = new Pace({ intervalUs: 10 * SECOND, wideIntervalUs: 30 * SECOND, startUs: START });
    pace.sealed(START);
    const back = START - 3600 * SECOND;
    expect(pace.isDue(back)).toBe(true);
    pace.sealed(back);
    expect(pace.isDue(back + 9 * SECOND)).toBe(false);
    expect(pace.isDue(back + 10 * SECOND)).toBe(true);
  });
});
