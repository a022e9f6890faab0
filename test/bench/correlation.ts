/**
 * How well incidents are found: all scenarios of the simulator, folded, against what really happened, beside what grouping
 * alerts by their name would have told of the same logs. `--hosts=1000,10000`, `--seeds=20`, `--from=1`, `--scenarios=…`,
 * `--known=0`: for how long the fleet has been known, s. As many run side by side as there are processors.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { listScenarios } from '@netfall/simulate';
import { addTally, newTally, type Tally, type Task } from './correlation-run.ts';
import type { Score } from './correlation-score.ts';
import { measured, type Options, type Result } from './result.ts';

export async function run(options: Options): Promise<readonly Result[]> {
  const sizes = String(options['hosts'] ?? '1000')
    .split(',')
    .map(Number);
  const seeds = Number(options['seeds'] ?? 20);
  const from = Number(options['from'] ?? 1);
  const known_s = Number(options['known'] ?? 0);
  const names =
    typeof options['scenarios'] === 'string'
      ? options['scenarios'].split(',')
      : listScenarios().map(({ name }) => name);
  const results: Result[] = [];
  for (const hosts of sizes) {
    const tallies = new Map(names.map((name) => [name, newTally()]));
    const tasks = names.flatMap((scenario) => {
      return Array.from({ length: seeds }, (_, i): Task => ({ scenario, hosts, seed: from + i, known_s }));
    });
    const left = new Map(names.map((name) => [name, seeds]));
    await runAll(tasks, ({ scenario }, tally) => {
      const sum = tallies.get(scenario) as Tally;
      addTally(sum, tally);
      const more = (left.get(scenario) as number) - 1;
      left.set(scenario, more);
      if (more === 0) say(scenario, hosts, sum);
    });
    const all = newTally();
    for (const tally of tallies.values()) addTally(all, tally);
    results.push(...figures(hosts, all));
  }
  return results;
}

/** Runs tasks on threads. Rejects when one fails. */
async function runAll(tasks: readonly Task[], done: (task: Task, tally: Tally) => void): Promise<void> {
  const waiting = tasks.values();
  const threads = Array.from({ length: Math.min(availableParallelism(), tasks.length) }, async () => {
    const worker = new Worker(new URL('./correlation-worker.ts', import.meta.url));
    try {
      for (const task of waiting) {
        worker.postMessage(task);
        const [tally] = await once(worker, 'message');
        done(task, tally);
      }
    } finally {
      await worker.terminate();
    }
  });
  await Promise.all(threads);
}

function figures(hosts: number, tally: Tally): readonly Result[] {
  const { ours, naive, alerts, quietRuns, quietFalse, quietFalseNaive, lost, repeated } = tally;
  const at = `${hosts} hosts: `;
  const sudden = (of: Score) => [...of.delays.drop, ...of.delays.crash];
  const told = ours.rightCause + ours.wrongCause;
  return [
    measured(`${at}explanation F1`, f1(ours), '>=0.95'),
    plain(`${at}explanation F1, naive`, f1(naive)),
    ...percentiles(`${at}time to detect drops and crashes`, sudden(ours), '<=10'),
    ...percentiles(`${at}time to detect drops and crashes, naive`, sudden(naive)),
    ...percentiles(`${at}time to detect drops from the second host on`, ours.delaysFromSecond),
    ...percentiles(`${at}time to detect silence`, ours.delays.silence, '<=40'),
    ...percentiles(`${at}beginning told wrong by`, ours.startsOff),
    ...percentiles(`${at}beginning told wrong by, naive`, naive.startsOff),
    plain(`${at}hosts named rightly`, ours.rightlyNamed / ours.named),
    plain(`${at}hosts named rightly, naive`, naive.rightlyNamed / naive.named),
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

/** How long all but a twentieth took at most. Of nothing there is no figure. */
function percentiles(what: string, seconds: readonly number[], goal?: string): readonly Result[] {
  const sorted = seconds.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))];
  if (value === undefined) return [];
  const metric = `${what}, p95, s`;
  return [goal === undefined ? plain(metric, value) : measured(metric, value, goal)];
}

/** A line of progress: what one scenario came to. */
function say(name: string, hosts: number, { ours }: Tally): void {
  const { explained, causes, wrong, incidents } = ours;
  console.error(
    `${hosts} hosts, ${name}: ${explained} of ${causes} causes explained, ${wrong} wrong, ${incidents} incidents`,
  );
}
