import { beforeEach, describe, expect, it } from 'vitest';
import { Suspended } from '../../source.ts';
import { CpuCeiling } from './ceiling.ts';

describe('CpuCeiling', () => {
  let nowUs: number;
  let runTime: { ns: number; runs: number };
  let measuring: number;
  beforeEach(() => {
    nowUs = 0;
    runTime = { ns: 0, runs: 0 };
    measuring = 0;
  });

  const ceiling = (allowed = true) =>
    new CpuCeiling({
      maxPercent: 10,
      nowUs: () => nowUs,
      runTime: () => runTime,
      measure: () => {
        if (!allowed) throw new Error('EPERM');
        measuring++;
        return { [Symbol.dispose]: () => void measuring-- };
      },
    });

  /** One second with so many drops, of which each takes `ns` while that is measured. */
  function second(tested: CpuCeiling, events: number, ns = 0): void {
    nowUs += 1_000_000;
    if (measuring > 0) runTime = { ns: runTime.ns + events * ns, runs: runTime.runs + events };
    tested.check(events);
  }

  it('lets a program be that stays under it, by what its runs were measured to take', () => {
    const tested = ceiling();
    for (let i = 0; i < 60; i++) second(tested, 900_000, 100);
  });

  it('suspends one that is over it for five readings on end, and says what it took', () => {
    const tested = ceiling();
    for (let i = 0; i < 4; i++) second(tested, 1_100_000, 100);
    // One calmer second in between begins anew.
    second(tested, 900_000, 100);
    for (let i = 0; i < 4; i++) second(tested, 1_100_000, 100);
    expect(() => second(tested, 1_100_000, 100)).toThrow(
      new Suspended(
        'detached itself for a minute: 1100000 drops a second took 11.0 % of a processor, its ceiling is 10 %',
        'raise sources.kfree-skb.max_cpu_percent if the machine can spare it',
      ),
    );
  });

  it('measures one reading in ten', () => {
    const tested = ceiling();
    const measured: number[] = [];
    for (let i = 0; i < 30; i++) {
      second(tested, 1000, 100);
      measured.push(measuring);
    }
    expect(measured.filter((count) => count === 1)).toHaveLength(3);
    tested.close();
    expect(measuring).toBe(0);
  });

  it('stops measuring when it is closed', () => {
    const tested = ceiling();
    second(tested, 0);
    expect(measuring).toBe(1);
    tested.close();
    tested.close();
    expect(measuring).toBe(0);
  });

  it('assumes the worst where it must not measure', () => {
    const tested = ceiling(false);
    for (let i = 0; i < 20; i++) second(tested, 390_000);
    expect(() => {
      for (let i = 0; i < 5; i++) second(tested, 410_000);
    }).toThrow(Suspended);
  });

  it('judges by rates, however long a reading took', () => {
    const tested = ceiling(false);
    for (let i = 0; i < 20; i++) {
      nowUs += 4_000_000;
      tested.check(1_500_000);
    }
    tested.check(1_000_000_000);
  });
});
