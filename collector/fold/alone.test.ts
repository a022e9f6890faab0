import { expect, test } from 'vitest';
import { isCrowd } from './alone.ts';
import { INITIAL_CONFIG } from './config.ts';

test.each([
  [20, 4],
  [100, 6],
  [1000, 13],
  [10_000, 46],
  // Twice what chance expects.
  [100_000, 400],
])('of %d hosts at least %d are a crowd', (fleet, least) => {
  const config = { ...INITIAL_CONFIG, correlate: { ...INITIAL_CONFIG.correlate, chance_ppm: 2000 } };
  expect([least - 1, least, fleet].map((count) => isCrowd(count, fleet, config))).toEqual([
    false,
    true,
    true,
  ]);
});
