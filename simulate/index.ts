/**
 * A synthetic fleet and the truth about it: what its log would hold while something goes wrong, the same for the same seed.
 * Knows the language of the log and nothing of those who really write or read it.
 */
import type { EventLine } from '@netfall/proto';
import { Fleet } from './fleet.ts';
import { Plan } from './plan.ts';
import { Random } from './random.ts';
import { scenarios } from './scenarios/index.ts';
import { run } from './simulation.ts';
import type { Disturbances, Truth } from './truth.ts';

export { type LiveMessage, liveMessage } from './live.ts';
export type { Disturbances, TrueIncident, Truth } from './truth.ts';

export interface SimulateOptions {
  /** One of {@link listScenarios}. */
  readonly scenario: string;
  /** From 20 to 100 000. */
  readonly hosts: number;
  readonly seed: number;
  /** `default` unless said. */
  readonly cell?: string;
  /** What is not said is as usual; the noise is thrown, from 0.02 to 1 % of the hosts. */
  readonly disturbances?: Partial<Disturbances>;
  /** How long everyday life has gone on when the scenario begins, s; 0 unless said. A fleet is new to a log without. */
  readonly known_s?: number;
}

export interface Simulated {
  readonly truth: Truth;
  /** The log from its first entry on, made as it is read. Sequences are contiguous from 1, stamps never go back. */
  entries(): Iterable<EventLine>;
}

/** When every simulation begins: 2026-01-05 10:00 UTC, in microseconds since the epoch. */
const START_US = 1_767_607_200_000_000;
const LEAST_HOSTS = 20;
const MOST_HOSTS = 100_000;
/** Between two messages of a host at rest. */
const INTERVAL_MS = 10_000;
const USUAL: Omit<Disturbances, 'noise'> = {
  manifestation: [0.3, 1],
  chronic: 0.05,
  skew_s: 2,
  late: 0.05,
  duplicated: 0.01,
};
const NOISE = [0.0002, 0.01] as const;

/** All scenarios, with a line about each. */
export function listScenarios(): readonly { readonly name: string; readonly summary: string }[] {
  return scenarios.map(({ name, summary }) => ({ name, summary }));
}

/** Plans a scenario on a fleet. Throws RangeError when there is no such scenario, or too many or too few hosts. */
export function simulate(options: SimulateOptions): Simulated {
  const { hosts, seed, cell = 'default', known_s = 0 } = options;
  const scenario = scenarios.find(({ name }) => name === options.scenario);
  if (!scenario) throw new RangeError(`no scenario ${JSON.stringify(options.scenario)}`);
  if (!Number.isInteger(hosts) || hosts < LEAST_HOSTS || hosts > MOST_HOSTS)
    throw new RangeError(`${hosts} hosts: give a number from ${LEAST_HOSTS} to ${MOST_HOSTS}`);
  const random = new Random(`${scenario.name}/${hosts}/${seed}`);
  const disturbances: Disturbances = {
    ...USUAL,
    noise: random.fork('noise-share').logUniform(...NOISE),
    ...scenario.disturbances,
    ...options.disturbances,
  };
  const fleet = new Fleet(hosts, random.fork('fleet'));
  const plan = new Plan({
    ...{ fleet, random, cell, disturbances },
    startUs: START_US,
    intervalUs: INTERVAL_MS * 1000,
  });
  if (known_s > 0) plan.window('known', known_s);
  scenario.plan(plan);
  const truth = {
    ...{ scenario: scenario.name, seed, hosts, cell, interval_ms: INTERVAL_MS },
    start: START_US,
    end: START_US + plan.endUs,
    windows: plan.windows,
    disturbances,
    incidents: plan.incidents(),
  };
  return { truth, entries: () => run({ plan, random, cell, startUs: START_US, disturbances }) };
}
