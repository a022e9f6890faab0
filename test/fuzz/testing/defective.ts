/** A target with a defect for each of the first bytes 1 to 4. */
import { must, type Target } from '../target.ts';

const MOST = 100;

export const corpus = () => [new Uint8Array(300)];

export function open(input: Uint8Array): Target {
  let differing = 0;
  let held = 0;
  return {
    run(length) {
      if (length < 4) return 0;
      must(input[0] !== 1, 'it throws');
      if (input[0] === 2) return input[length]!;
      if (input[0] === 3) differing++;
      if (input[0] === 4) held = MOST + 1;
      return 0;
    },
    settle: () => must(differing === 0, 'sums differ'),
    bounds: () => [{ name: 'things', value: held, most: MOST }],
    counts: () => ({ differing }),
  };
}
