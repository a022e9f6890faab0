import { expect, it } from 'vitest';
import { FAULTS, planFaults, planHosts, randomFrom } from './plan.ts';

it('hosts of a rack, a zone, a pool and an image are never the same ones', () => {
  const hosts = planHosts(16);
  const extents = ['rack', 'zone', 'pool', 'image'].flatMap((key) => {
    const values = new Set(hosts.map(({ labels }) => labels[key]));
    return [...values].map((value) => {
      return hosts
        .filter(({ labels }) => labels[key] === value)
        .map(({ name }) => name)
        .join();
    });
  });
  expect(extents).toHaveLength(4 + 2 + 3 + 2);
  expect(new Set(extents).size).toBe(extents.length);
});

it('an hour has every fault, two of them at once, and is the same for the same seed', () => {
  const plan = (seed: number) => planFaults(planHosts(16), 60, randomFrom(seed));
  for (let seed = 1; seed <= 20; seed++) {
    const faults = plan(seed);
    expect(new Set(faults.map(({ name }) => name))).toEqual(new Set(FAULTS));
    const overlaps = faults.slice(1).filter(({ start }, i) => start < faults[i]!.end);
    expect(overlaps.map(({ name }) => name)).toEqual(['rack-qdisc']);
    for (const { hosts, cause } of faults) {
      expect(hosts.length).toBeGreaterThanOrEqual(cause.attribute === 'host' ? 1 : 4);
    }
    expect(plan(seed)).toEqual(faults);
  }
  expect(plan(2)).not.toEqual(plan(1));
});
