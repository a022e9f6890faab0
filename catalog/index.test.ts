import { expect, test } from 'vitest';
import { dropMeanings } from './drops.ts';
import { catalogDigest, dropMeaning } from './index.ts';

test('a row for the function wins over the row for the reason', () => {
  expect(dropMeaning('NOT_SPECIFIED', 'skb_release_data').everyday).toBe(true);
  expect(dropMeaning('NOT_SPECIFIED', 'some_driver_rx').everyday).toBe(false);
  expect(dropMeaning('NO_SOCKET', '__udp4_lib_rcv')).toMatchObject({ everyday: false, severity: 'warning' });
});

test('what the catalog does not know counts as trouble and says its name', () => {
  expect(dropMeaning('BRAND_NEW', 'f')).toEqual({
    reason: 'BRAND_NEW',
    everyday: false,
    severity: 'warning',
    meaning: 'The kernel dropped packets for BRAND_NEW.',
  });
});

test('no two rows are for the same reason and function, and every meaning is a sentence', () => {
  const keys = dropMeanings.map(({ reason, function: fn = '' }) => `${reason}/${fn}`);
  expect(new Set(keys).size).toBe(keys.length);
  for (const { reason, meaning } of dropMeanings) {
    expect(reason).toMatch(/^[A-Z0-9_]+$/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
  }
  expect(catalogDigest).toMatch(/^[0-9a-f]{64}$/);
});
