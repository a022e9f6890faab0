import { checkEntry, decodeEntry } from '@netfall/proto';
import { describe, expect, test } from 'vitest';
import { liveMessage, simulate } from './index.ts';

const YEAR_US = 31_536_000_000_000;

describe('a simulated log as messages for a real one', () => {
  const { entries } = simulate({ scenario: 'host-crash', hosts: 30, seed: 1 });
  const { entries: withClaims } = simulate({ scenario: 'leader-killed', hosts: 30, seed: 1 });
  const { entries: withChange } = simulate({ scenario: 'firmware-rollout', hosts: 30, seed: 1 });

  test('has all its times moved, and another incarnation', () => {
    for (const entry of entries()) {
      const message = liveMessage(entry, entry.timeUs + YEAR_US, 'run1');
      if (!message) continue;
      const before = decodeEntry(entry.data).envelope!;
      const after = decodeEntry(message.data);
      expect(checkEntry(after, message.subject)).toBeNull();
      expect(message.id).toBe(`h/${before.host_id}/run1/${before.seq}`);
      const timesOf = ({ observed_us, items }: typeof before) => [
        observed_us,
        ...items.flatMap(({ drop_report }) => drop_report?.samples.map((sample) => sample.observed_us) ?? []),
        ...items.flatMap(({ crash_witness: witness }) => (witness ? [witness.first_us] : [])),
        ...items.flatMap(({ crash_report: report }) =>
          report ? [report.witness!.first_us, report.last_us] : [],
        ),
      ];
      expect(timesOf(after.envelope!)).toEqual(timesOf(before).map((us) => us + YEAR_US));
    }
  });

  test('leaves to collectors what collectors append', () => {
    const kinds = [...withClaims()]
      .filter((entry) => liveMessage(entry, entry.timeUs, 'run1') === null)
      .map(({ subject }) => subject.split('.')[2]);
    expect([...new Set(kinds)].sort()).toEqual(['claim', 'tick']);
  });

  test('announces changes', () => {
    const entry = [...withChange()].find(({ subject }) => subject.endsWith('.change'))!;
    const message = liveMessage(entry, entry.timeUs + YEAR_US, 'run1')!;
    expect(message.id).toBe(`c/run1/change/${entry.sequence}`);
    expect(decodeEntry(message.data).change?.at_us).toBe(decodeEntry(entry.data).change!.at_us + YEAR_US);
  });
});
