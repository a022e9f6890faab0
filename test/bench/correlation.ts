/**
 * How well incidents are found: all scenarios of the simulator, folded, against what really happened, beside what grouping
 * alerts by their name would have told of the same logs. `--hosts=1000,10000`, `--seeds=20`, `--from=1`, `--scenarios=…`,
 * `--known=0`: for how long the fleet has been known, s; `--each=N`: a seed runs N of the scenarios, the next seed those
 * after them, and so on. As many run side by side as there are processors.
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
  const each = Math.min(Number(options['each'] ?? names.length), names.length);
  const results: Result[] = [];
  for (const hosts of sizes) {
    const all = newTally();
    const tasks = Array.from({ length: seeds * each }, (_, i): Task => {
      return {
        scenario: names[i % names.length] as string,
        hosts,
        seed: from + Math.floor(i / each),
        known_s,
      };
    });
    await runAll(tasks, (task, tally) => {
      addTally(all, tally);
      say(task, tally);
    });
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

/** A line of progress: what one run came to. */
function say({ scenario, hosts, seed }: Task, { ours }: Tally): void {
  const { explained, causes, wrong, incidents } = ours;
  console.error(
    `${hosts} hosts, ${scenario}, seed ${seed}: ${explained} of ${causes} causes explained, ${wrong} wrong, ${incidents} incidents`,
  );
}
