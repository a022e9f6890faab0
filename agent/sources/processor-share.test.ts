import { describe, expect, it } from 'vitest';
import { ProcessorShare } from './processor-share.ts';

describe('ProcessorShare', () => {
  let nowUs: number;

  /** What each of these readings, one a second, said; in microseconds of processor time. */
  function readings(...spent: readonly number[]): { share: ProcessorShare; said: boolean[] } {
    nowUs = 1_000_000;
    const share = new ProcessorShare(10, () => nowUs);
    const said = spent.map((us) => {
      nowUs += 1_000_000;
      return share.read(us);
    });
    return { share, said };
  }

  it('is too much from the fifth reading on end over the ceiling, and not at the ceiling', () => {
    const over = 100_001;
    expect(readings(over, over, over, over, over, over).said).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(readings(over, over, over, over, 100_000, over).said).not.toContain(true);
  });

  it('tells what was taken since the reading before', () => {
    const { share } = readings(1000, 250_000);
    expect([share.percent, share.elapsedUs]).toEqual([25, 1_000_000]);
  });

  it('passes over a reading in which no time has passed, or a clock was set back', () => {
    const { share } = readings(200_000, 200_000, 200_000, 200_000);
    expect(share.read(500_000)).toBe(false);
    nowUs -= 5_000_000;
    expect(share.read(500_000)).toBe(false);
    expect(share.percent).toBe(20);
    nowUs += 1_000_000;
    expect(share.read(200_000)).toBe(true);
  });
});
