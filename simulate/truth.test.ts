import { decodeEntry } from '@netfall/proto';
import { describe, expect, test } from 'vitest';
import { ATTRIBUTES, Fleet, type Host } from './fleet.ts';
import { listScenarios, simulate } from './index.ts';
import { Random } from './random.ts';
import { equivalentsOf, fits } from './truth.ts';

/** All sets of one or two attributes that fit exactly the same hosts, by trying each of them. */
function tried(hosts: readonly Host[], cause: Parameters<typeof fits>[0]): string[] {
  const inside = hosts.filter(({ values }) => fits(cause, values));
  const model = inside[0]!.values;
  const isExact = (keys: readonly (typeof ATTRIBUTES)[number][]) =>
    hosts.every((host) => keys.every((key) => host.values[key] === model[key]) === inside.includes(host));
  const ones = ATTRIBUTES.filter((key) => isExact([key]));
  const rest = ATTRIBUTES.filter((key) => !ones.includes(key));
  const twos = rest.flatMap((a, i) =>
    rest.slice(i + 1).flatMap((b) => (isExact([a, b]) ? [`${a}+${b}`] : [])),
  );
  return [...ones, ...twos].filter((keys) => keys !== cause.map(({ attribute }) => attribute).join('+'));
}

describe('equivalents of a cause', () => {
  test.each([1, 2, 3, 4, 5, 6])('are those that trying finds, in fleet %i', (seed) => {
    const { hosts } = new Fleet(150, new Random(`fleet ${seed}`));
    for (const attribute of ['gateway_mac', 'pool', 'firmware', 'rack'] as const) {
      const cause = [{ attribute, value: hosts[seed * 20]!.values[attribute] }];
      const found = equivalentsOf(cause, hosts, ({ values }) => values)
        .filter((set) => set.length < 3)
        .map((set) => set.map((pair) => pair.attribute).join('+'));
      expect(found.sort(), attribute).toEqual(tried(hosts, cause).sort());
    }
  });
});

describe('the truth', () => {
  test.each(listScenarios())(
    'of $name is about hosts that have its cause, a third of them at least',
    ({ name }) => {
      for (const seed of [1, 2, 3, 4]) {
        const { truth } = simulate({ scenario: name, hosts: 300, seed });
        const caused = truth.incidents.filter(({ consequence_of }) => consequence_of === null);
        expect(caused.length).toBe(name.endsWith('-only') ? 0 : name === 'overlapping' ? 2 : 1);
        for (const { start, end, hosts, extent, onsets } of caused) {
          expect(start).toBeGreaterThan(truth.start);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(truth.end);
          expect(hosts.length / extent).toBeGreaterThanOrEqual(0.29);
          expect(hosts.length).toBeLessThanOrEqual(extent);
          expect(Math.min(...onsets)).toBe(start);
        }
      }
    },
  );

  test('of a combination takes both: either is had by twice as many hosts', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { truth } = simulate({ scenario: 'combination', hosts: 1000, seed });
      const { hosts } = new Fleet(1000, new Random(`combination/1000/${seed}`).fork('fleet'));
      const [{ cause, extent } = { cause: [], extent: 0 }] = truth.incidents;
      expect(cause.length).toBe(2);
      expect(extent).toBeGreaterThanOrEqual(40);
      expect(hosts.filter(({ values }) => fits(cause, values)).length).toBe(extent);
      for (const one of cause) {
        const having = hosts.filter(({ values }) => fits([one], values)).length;
        expect(having).toBeGreaterThanOrEqual(2 * extent);
      }
    }
  });

  test('of hosts that drop is what they report', () => {
    const disturbances = { noise: 0, chronic: 0, skew_s: 0, late: 0, duplicated: 0 };
    const { truth, entries } = simulate({
      scenario: 'conntrack-exhaustion',
      hosts: 200,
      seed: 2,
      disturbances,
    });
    const loud = new Set<string>();
    for (const { data } of entries()) {
      const { envelope } = decodeEntry(data);
      for (const { drop_report } of envelope?.items ?? []) {
        if (!drop_report) continue;
        const { drops, window_us } = drop_report;
        const events = drops.find(({ reason }) => reason === 'NETFILTER_DROP')?.events ?? 0;
        if ((events * 1_000_000) / window_us > 200) loud.add(envelope!.host_id);
      }
    }
    expect([...loud].sort()).toEqual(truth.incidents[0]?.hosts);
  });
});
