/** A target that never ends an input which begins with a 7. */
import type { Target } from '../target.ts';

export const corpus = () => [new Uint8Array(8), Uint8Array.of(7, 1, 2, 3)];

export function open(input: Uint8Array): Target {
  return {
    run(length) {
      while (length > 0 && input[0] === 7);
      return 0;
    },
    bounds: () => [],
    counts: () => ({}),
  };
}
