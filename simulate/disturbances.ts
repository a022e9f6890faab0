/** Troubles that mean nothing: noise, and hosts that have always dropped much. Must not know faults. */
import type { Trouble, Usual } from './agent.ts';
import type { Fleet, Host } from './fleet.ts';
import { SECOND } from './plan.ts';
import type { Random } from './random.ts';
import { CHRONIC, EVERYDAY, NOISE } from './signals.ts';

/** Noise lasts this long in the mean: mostly some seconds, now and then up to a minute. */
const NOISE_SHORT_S = 8;
const NOISE_LONG_S = 25;
const NOISE_LONG_SHARE = 0.15;
const NOISE_MEAN_S = NOISE_SHORT_S + NOISE_LONG_SHARE * (NOISE_LONG_S - NOISE_SHORT_S);
const NOISE_LEAST_S = 1;
const NOISE_MOST_S = 60;

/** Spurious troubles of random hosts, one after the other. */
export class Noise {
  readonly #random: Random;
  readonly #fleet: Fleet;
  /** Between two of them, s, in the mean. */
  readonly #gapS: number;

  /** `share` of the hosts have one at any moment. */
  constructor(random: Random, fleet: Fleet, share: number) {
    this.#random = random;
    this.#fleet = fleet;
    this.#gapS = NOISE_MEAN_S / (share * fleet.hosts.length);
  }

  /** The one that begins next after `nowUs`, or null when there is no noise. */
  next(nowUs: number): { readonly host: Host; readonly trouble: Trouble } | null {
    if (!Number.isFinite(this.#gapS)) return null;
    const random = this.#random;
    const fromUs = Math.round(nowUs + random.exponential(this.#gapS) * SECOND);
    const mean = random.chance(NOISE_LONG_SHARE) ? NOISE_LONG_S : NOISE_SHORT_S;
    const seconds = Math.min(NOISE_MOST_S, Math.max(NOISE_LEAST_S, random.exponential(mean)));
    const signal = random.pick(NOISE);
    const [least, most] = signal.trouble;
    const trouble = { signal, rate: random.logUniform(least, most), fromUs, towards: [] };
    return {
      host: random.pick(this.#fleet.hosts),
      trouble: { ...trouble, untilUs: Math.round(fromUs + seconds * SECOND) },
    };
  }
}

/** Of hosts that drop much, so many do so on and off, and this is how long it takes. */
const PERIODIC_SHARE = 0.15;
const PERIOD_S = [120, 360] as const;
/** The service that has most of them: up to so many of its hosts. */
const CHRONIC_IN_POOL = 0.4;

export interface Habits {
  /** What is usual on each host, by index. */
  readonly usual: readonly (readonly Usual[])[];
  /** What begins, on and off, on some. */
  readonly periodic: readonly { readonly host: Host; readonly trouble: Trouble }[];
}

/** What is usual in a fleet, of which `chronic` is the share of hosts that drop much. Times are µs up to `endUs`. */
export function habitsOf(fleet: Fleet, random: Random, chronic: number, endUs: number): Habits {
  const usual: Usual[][] = fleet.hosts.map(() =>
    random.sample(EVERYDAY, 3).map(({ signal, median, sigma }) => {
      // Not alarming, however far out.
      const rate = Math.min(random.logNormal(median, sigma), median * 8);
      return { signal, rate, swing: 0.4 };
    }),
  );
  const periodic: { host: Host; trouble: Trouble }[] = [];
  for (const host of chronicHosts(fleet, random, chronic)) {
    const signal = random.pick(CHRONIC);
    const rate = random.logUniform(...signal.trouble);
    if (!random.chance(PERIODIC_SHARE)) {
      usual[host.index] = [
        ...usual[host.index]!.filter((one) => one.signal !== signal),
        { signal, rate, swing: 0.6 },
      ];
      continue;
    }
    const periodUs = Math.round(random.between(...PERIOD_S) * SECOND);
    const onUs = Math.round(periodUs * random.between(0.2, 0.7));
    for (let fromUs = -random.below(periodUs); fromUs < endUs; fromUs += periodUs) {
      periodic.push({ host, trouble: { signal, rate, fromUs, untilUs: fromUs + onUs, towards: [] } });
    }
  }
  return { usual, periodic };
}

/** More of them in one service than elsewhere. */
function chronicHosts({ hosts }: Fleet, random: Random, share: number): readonly Host[] {
  const count = Math.round(share * hosts.length);
  // As likely a small one, of which it is a good part.
  const pool = random.pick([...new Set(hosts.map(({ values }) => values.pool))]);
  const inside = hosts.filter(({ values }) => values.pool === pool);
  const outside = hosts.filter(({ values }) => values.pool !== pool);
  const most = Math.min(Math.round(count / 2), Math.round(inside.length * CHRONIC_IN_POOL));
  return [...random.sample(inside, most), ...random.sample(outside, count - most)];
}
