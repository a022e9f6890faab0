import { expect, test } from 'vitest';
import { habitsOf, Noise } from './disturbances.ts';
import { Fleet } from './fleet.ts';
import { SECOND } from './plan.ts';
import { Random } from './random.ts';
import { CHRONIC } from './signals.ts';

const fleet = new Fleet(1000, new Random('fleet'));

test('the share of hosts with a spurious trouble is what was asked for', () => {
  const endUs = 20_000 * SECOND;
  const noise = new Noise(new Random('noise'), fleet, 0.01);
  let troubledUs = 0;
  let nowUs = 0;
  for (let next = noise.next(0); next && next.trouble.fromUs < endUs; next = noise.next(nowUs)) {
    const { fromUs, untilUs } = next.trouble;
    expect(untilUs - fromUs).toBeGreaterThanOrEqual(SECOND);
    expect(untilUs - fromUs).toBeLessThanOrEqual(60 * SECOND);
    troubledUs += untilUs - fromUs;
    nowUs = fromUs;
  }
  const share = troubledUs / endUs / fleet.hosts.length;
  // The longest ones are cut short.
  expect(share).toBeGreaterThan(0.009);
  expect(share).toBeLessThan(0.0105);
});

test('there may be no noise', () => {
  expect(new Noise(new Random('noise'), fleet, 0).next(0)).toBeNull();
});

test('a share of the hosts drops much, always or on and off, and in one service more do', () => {
  const endUs = 600 * SECOND;
  const { usual, periodic } = habitsOf(fleet, new Random('habits'), 0.05, endUs);
  const always = fleet.hosts.filter(({ index }) =>
    usual[index]!.some(
      ({ signal, rate }) => CHRONIC.some((one) => one === signal) && rate >= signal.trouble[0],
    ),
  );
  const onAndOff = [...new Set(periodic.map(({ host }) => host))];
  expect(always.length + onAndOff.length).toBe(50);
  expect(onAndOff.length).toBeGreaterThan(0);
  const pools = Map.groupBy([...always, ...onAndOff], ({ values }) => values.pool);
  const shares = Array.from(pools, ([pool, hosts]) => hosts.length / fleet.by('pool').get(pool)!.length);
  const [most = 0, next = 1] = shares.sort((a, b) => b - a);
  expect(most).toBeGreaterThan(2 * next);
  for (const host of onAndOff) {
    const spans = periodic.filter((one) => one.host === host).map(({ trouble }) => trouble);
    expect(spans.length).toBeGreaterThan(1);
    expect(spans.every(({ untilUs }, i) => i === spans.length - 1 || untilUs < spans[i + 1]!.fromUs)).toBe(
      true,
    );
  }
});
