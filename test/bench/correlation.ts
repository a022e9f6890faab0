/**
 * How well incidents are found: all scenarios of the simulator, folded, against what really happened, beside what grouping
 * alerts by their name would have told of the same logs. `--hosts=1000,10000`, `--seeds=20`, `--from=1`, `--scenarios=…`.
 */
import { currentRules, Fold } from '@netfall/collector';
import { listScenarios, simulate } from '@netfall/simulate';
import type { IncidentRecord } from '../../collector/fold/incident.ts';
import { addRun, foundBy, newScore, pagesOf, type Score } from './correlation-score.ts';
import { failover } from './failover.ts';
import { NaiveGrouping } from './naive-grouping.ts';
import { measured, type Options, type Result } from './result.ts';

const CELL = 'default';
/** In these nothing happens. */
const QUIET: readonly string[] = ['noise-only', 'chronic-only'];

interface Tally {
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

export async function run(options: Options): Promise<readonly Result[]> {
  const sizes = String(options['hosts'] ?? '1000')
    .split(',')
    .map(Number);
  const seeds = Number(options['seeds'] ?? 20);
  const from = Number(options['from'] ?? 1);
  const names =
    typeof options['scenarios'] === 'string'
      ? options['scenarios'].split(',')
      : listScenarios().map(({ name }) => name);
  const results: Result[] = [];
  for (const hosts of sizes) {
    const tally = newTally();
    for (const name of names) {
      const before = structuredClone(tally);
      for (let seed = from; seed < from + seeds; seed++) await measure(name, hosts, seed, tally);
      say(name, hosts, before, tally);
    }
    results.push(...figures(hosts, tally));
  }
  return results;
}

function newTally(): Tally {
  return {
    ...{ ours: newScore(), naive: newScore(), alerts: 0, quietRuns: 0, quietFalse: 0, quietFalseNaive: 0 },
    ...{ lost: 0, repeated: 0 },
  };
}

/** Folds one log twice: with correlation, and without. */
async function measure(scenario: string, hosts: number, seed: number, tally: Tally): Promise<void> {
  const { truth, entries } = simulate({ scenario, hosts, seed, cell: CELL });
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
  if (scenario !== 'leader-killed') return;
  // Within the time that a message takes, and long after it.
  for (const killUs of [50_000 * (seed % 8), 2_000_000]) {
    const { lost, repeated } = failover(entries(), CELL, killUs);
    tally.lost += lost;
    tally.repeated += repeated;
  }
}

function figures(hosts: number, tally: Tally): readonly Result[] {
  const { ours, naive, alerts, quietRuns, quietFalse, quietFalseNaive, lost, repeated } = tally;
  const at = `${hosts} hosts: `;
  const seconds = (of: Score) => percentile([...of.delays.drop, ...of.delays.crash], 0.95);
  const told = ours.rightCause + ours.wrongCause;
  return [
    measured(`${at}explanation F1`, f1(ours), '>=0.95'),
    plain(`${at}explanation F1, naive`, f1(naive)),
    measured(`${at}time to detect drops and crashes, p95, s`, seconds(ours), '<=10'),
    plain(`${at}time to detect drops and crashes, p95, s, naive`, seconds(naive)),
    measured(`${at}time to detect silence, p95, s`, percentile(ours.delays.silence, 0.95), '<=40'),
    measured(`${at}incidents a cause`, ours.incidents / ours.found, '<=1.1'),
    plain(`${at}incidents a cause, naive`, naive.incidents / naive.found),
    measured(`${at}alert reduction`, 1 - ours.pages / alerts, '>=0.99'),
    plain(`${at}alert reduction, naive`, 1 - naive.pages / alerts),
    ...(quietRuns === 0
      ? []
      : [
          measured(`${at}false incidents a window`, quietFalse / quietRuns, '<=0.05'),
          plain(`${at}false incidents a window, naive`, quietFalseNaive / quietRuns),
        ]),
    measured(`${at}notifications lost on failover`, lost, '=0'),
    measured(`${at}notifications repeated on failover without cause`, repeated, '=0'),
    ...(told === 0 ? [] : [measured(`${at}direction of cause`, ours.rightCause / told, '>=0.9')]),
    plain(`${at}told as concurrent`, ours.concurrent),
    plain(`${at}causes`, ours.causes),
  ];
}

function plain(metric: string, value: number): Result {
  return { metric, value };
}

function f1({ explained, unexplained, wrong }: Score): number {
  return (2 * explained) / (2 * explained + unexplained + wrong);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A line of progress: what one scenario came to. */
function say(name: string, hosts: number, before: Tally, { ours }: Tally): void {
  const was = before.ours;
  const causes = ours.causes - was.causes;
  const right = ours.explained - was.explained;
  const wrong = ours.wrong - was.wrong;
  const incidents = ours.incidents - was.incidents;
  console.error(
    `${hosts} hosts, ${name}: ${right} of ${causes} causes explained, ${wrong} wrong, ${incidents} incidents`,
  );
}
