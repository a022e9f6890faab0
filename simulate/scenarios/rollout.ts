/** How changes come to hosts: in waves, each larger than the one before. */
import type { Host } from '../fleet.ts';
import { type Plan, SECOND } from '../plan.ts';

/** When waves begin, s from the rollout's start, and the share of the hosts that each one takes. */
const WAVES = [
  { atS: 0, share: 0.15 },
  { atS: 25, share: 0.35 },
  { atS: 55, share: 0.5 },
];
/** How long a wave takes to reach all of its hosts. */
const WAVE_S = 15;
/** The last host is reached by then. */
export const ROLLOUT_S = 70;

/** The share of the fleet that a rollout takes, if so many can have it, and the least and the most hosts. */
const SHARE = 0.04;
const LEAST_HOSTS = 8;
const MOST_HOSTS = 1200;

/** Hosts of a group that a rollout takes, in random order. */
export function chosen(plan: Plan, hosts: readonly Host[]): readonly Host[] {
  const wanted = Math.round(SHARE * plan.fleet.hosts.length);
  return plan.random.sample(plan.ordinary(hosts), Math.min(MOST_HOSTS, Math.max(LEAST_HOSTS, wanted)));
}

/** When a rollout that begins then comes to each host, µs; in the order of time. */
export function rollOut(
  { random }: Plan,
  hosts: readonly Host[],
  fromUs: number,
): readonly { readonly host: Host; readonly atUs: number }[] {
  const order = random.shuffle(hosts);
  let taken = 0;
  const reached = WAVES.flatMap(({ atS, share }, i) => {
    const end = i === WAVES.length - 1 ? order.length : taken + Math.round(share * order.length);
    const wave = order.slice(taken, end);
    taken = end;
    return wave.map((host) => {
      return { host, atUs: fromUs + Math.round((atS + random.next() * WAVE_S) * SECOND) };
    });
  });
  return reached.sort((a, b) => a.atUs - b.atUs);
}
