/** One scenario, folded twice: with correlation, and grouped by name; and what both came to. */
import { currentRules, Fold } from '@netfall/collector';
import { simulate } from '@netfall/simulate';
import type { IncidentRecord } from '../../collector/fold/incident.ts';
import { addRun, addScore, foundBy, newScore, pagesOf, type Score } from './correlation-score.ts';
import { failover } from './failover.ts';
import { NaiveGrouping } from './naive-grouping.ts';

const CELL = 'default';
/** In these nothing happens. */
const QUIET: readonly string[] = ['noise-only', 'chronic-only'];

/** What is simulated. */
export interface Task {
  readonly scenario: string;
  readonly hosts: number;
  readonly seed: number;
  readonly known_s: number;
}

/** What runs came to. Counts add up over runs. */
export interface Tally {
  readonly ours: Score;
  readonly naive: Score;
  /** Alerts of one signal on one host each, that the naive thresholds gave. */
  alerts: number;
  quietRuns: number;
  quietFalse: number;
  quietFalseNaive: number;
  lost: number;
  repeated: number;
}

export function newTally(): Tally {
  return {
    ...{ ours: newScore(), naive: newScore(), alerts: 0, quietRuns: 0, quietFalse: 0, quietFalseNaive: 0 },
    ...{ lost: 0, repeated: 0 },
  };
}

/** @throws RangeError for a scenario that there is not */
export function measure({ scenario, hosts, seed, known_s }: Task): Tally {
  const tally = newTally();
  const { truth, entries } = simulate({ scenario, hosts, seed, known_s, cell: CELL });
  const fold = new Fold(currentRules(CELL));
  const naive = new NaiveGrouping();
  let count = 0;
  for (const entry of entries()) {
    fold.apply(entry);
    naive.take(entry);
    // Otherwise the list of what changed would grow with the log.
    if (++count % 5000 === 0) fold.takeChanges();
  }
  const { incidents, notifications } = fold.rows();
  const found = foundBy(incidents as Iterable<IncidentRecord>);
  const groups = naive.found();
  addRun(tally.ours, truth, found, pagesOf(notifications));
  addRun(tally.naive, truth, groups, groups.length);
  tally.alerts += naive.alerts;
  if (QUIET.includes(scenario)) {
    tally.quietRuns++;
    tally.quietFalse += found.length;
    tally.quietFalseNaive += groups.length;
  }
  if (scenario !== 'leader-killed') return tally;
  // Within the time that a message takes, and long after it.
  for (const killUs of [50_000 * (seed % 8), 2_000_000]) {
    const { lost, repeated } = failover(entries(), CELL, killUs);
    tally.lost += lost;
    tally.repeated += repeated;
  }
  return tally;
}

/** Adds what other runs came to. */
export function addTally(sum: Tally, { ours, naive, ...counts }: Tally): void {
  addScore(sum.ours, ours);
  addScore(sum.naive, naive);
  for (const key of ['alerts', 'quietRuns', 'quietFalse', 'quietFalseNaive', 'lost', 'repeated'] as const)
    sum[key] += counts[key];
}
