/**
 * When hosts in trouble that have nothing in common, or nothing to speak of, are more than chance: many at once, or one for
 * long. Pure functions.
 */
import { type Active, classKey, type SignalClass, signalOf } from './classes.ts';
import type { FoldConfig } from './config.ts';
import { likelihood } from './explain/likelihood.ts';
import { ln } from './explain/ln.ts';
import type { Group } from './groups.ts';
import type { Moment } from './log-time.ts';

/** Hosts report in turns: how long it takes until all those have been missed that fell silent at once. */
const NEIGHBOURS_US = 10_000_000;
/** How long a host is known before it is believed alone, µs for each e-fold of the fleet, until its baseline has settled. */
const KNOWN_US = 120_000_000;
/** Trouble of one host that it had before has to last so many times as long. */
const HABIT_TIMES = 2;
/**
 * Hosts of which so many at once are no chance: by likelihood, nats, and against what chance expects. With ten classes, each of
 * which has other hosts a thousand times a day, 8 nats would be chance three times a day, 12 once in two weeks.
 */
const CROWD_NATS = 12;
const CROWD_TIMES = 2;
/** While hosts join a crowd that has just begun, the next one may show what they have in common: for so long, and at most. */
const GROWING_US = 6_000_000;
const GROWN_US = 9_000_000;
/**
 * Trouble on a smaller share of the hosts that have something in common is believed less soon: more of one service's hosts may
 * have their habits than of others', of which likelihood makes much in a large fleet.
 */
const COMMON_SHARE = 0.05;

type Config = Pick<FoldConfig, 'correlate' | 'detect'>;

/** Whether so many hosts of a fleet at once are more than chance. */
export function isCrowd(count: number, fleet: number, { correlate }: Config): boolean {
  const chance = correlate.chance_ppm / 1_000_000;
  if (count < 3 || count < CROWD_TIMES * fleet * chance) return false;
  return likelihood(fleet, count, chance) >= CROWD_NATS;
}

/** Whether a crowd has just begun, and hosts still join it. */
export function isGrowing(crowd: readonly Active[], { nowUs }: Moment): boolean {
  const since = crowd.map(({ spell }) => spell.since_us);
  return nowUs - Math.max(...since) < GROWING_US && nowUs - Math.min(...since) < GROWN_US;
}

/**
 * Whether trouble of one host lasts longer than the longest that chance brings in a fleet of this size, and than it ever did
 * on that host. Of a host that is new nobody knows what is usual there.
 */
export function hasLasted(
  { signal, key }: SignalClass,
  { host, spell }: Active,
  { nowUs }: Moment,
  fleet: number,
  { correlate, detect }: Config,
): boolean {
  const luck = ln(Math.max(1, fleet / correlate.small_fleet));
  if (luck === 0) return true;
  // Silence is no chance, but hosts behind one switch are noticed one after the other.
  if (signal.kind === 'silence') return nowUs - spell.last_us >= NEIGHBOURS_US;
  const known = Math.min(detect.learn_s * 1_000_000, KNOWN_US * luck);
  if (nowUs - host.state.first_seen_us < known) return false;
  const habit = host.state.signals.find((one) => classKey(signalOf(one)) === key)?.habit_us ?? 0;
  const least = Math.max(correlate.alone_s * 1_000_000 * luck, HABIT_TIMES * habit);
  return spell.last_us - spell.since_us >= least;
}

/**
 * Whether what hosts have in common explains their trouble at once: where few of those that have it are in trouble, it may be
 * what some have now and then, and they are to be a crowd in the fleet, or one is to be in trouble for long, as hosts alone.
 */
export function isBeyondHabit(
  of: SignalClass,
  { hosts, explanation }: Group,
  moment: Moment,
  fleet: number,
  config: Config,
): boolean {
  if (!explanation || explanation.affected >= COMMON_SHARE * explanation.covered) return true;
  if (isCrowd(explanation.affected, fleet, config)) return true;
  return hosts.some((id) => {
    const active = of.active.get(id);
    return active !== undefined && hasLasted(of, active, moment, fleet, config);
  });
}
