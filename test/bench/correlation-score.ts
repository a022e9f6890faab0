/**
 * Holds what a fold found against what really happened. Pure: the truth of a simulation and the incidents that came of its log
 * in, counts out; what is a goal is not known here.
 */

import type { TrueIncident, Truth } from '@netfall/simulate';
import type { IncidentRecord } from '../../collector/fold/incident.ts';
import type { Notification } from '../../collector/fold/model.ts';

/** What a run came to. Counts add up over runs. */
export interface Score {
  /** Causes that were explained right, causes that were not, and explanations of nothing that happened. */
  explained: number;
  unexplained: number;
  wrong: number;
  /** Causes that had incidents, and how many those were. */
  found: number;
  incidents: number;
  causes: number;
  /** Incidents that were of no cause. */
  spurious: number;
  /** Seconds from each fault's beginning to its incident, by kind. */
  readonly delays: Record<'drop' | 'crash' | 'silence', number[]>;
  /** Of drops that show on two hosts: seconds from when they show on the second. */
  readonly delaysFromSecond: number[];
  /** Of drops and crashes that were found: seconds between when they are said to have begun and when they did. */
  readonly startsOff: number[];
  /** Hosts that incidents of a cause name, and those among them on which it showed. */
  named: number;
  rightlyNamed: number;
  /** How many pages there were. */
  pages: number;
  /** Consequences whose cause was told right, whose order nobody could tell, and all others. */
  rightCause: number;
  concurrent: number;
  wrongCause: number;
}

type Item = { readonly attribute: string; readonly value: string };

/** What is scored: an incident of whatever engine. */
export interface Found {
  readonly startedUs: number;
  readonly detectedUs: number;
  readonly endUs: number;
  readonly kind: 'drop' | 'crash' | 'silence';
  readonly hosts: readonly string[];
  /** What it says that its hosts share; null when it says nothing. */
  readonly items: readonly Item[] | null;
  /** Other sets that it says fit as well. */
  readonly equivalents: readonly (readonly Item[])[];
  /** The host that it is said to be a consequence of, and whether that was before; null when it is told as its own. */
  readonly cause: { readonly host: string; readonly order: 'before' | 'concurrent' } | null;
}

export function newScore(): Score {
  return {
    ...{ explained: 0, unexplained: 0, wrong: 0, found: 0, incidents: 0, causes: 0, spurious: 0 },
    delays: { drop: [], crash: [], silence: [] },
    ...{ delaysFromSecond: [], startsOff: [], named: 0, rightlyNamed: 0 },
    ...{ pages: 0, rightCause: 0, concurrent: 0, wrongCause: 0 },
  };
}

/** Adds the score of other runs. */
export function addScore(sum: Score, { delays, delaysFromSecond, startsOff, ...counts }: Score): void {
  sum.delaysFromSecond.push(...delaysFromSecond);
  sum.startsOff.push(...startsOff);
  for (const kind of ['drop', 'crash', 'silence'] as const) sum.delays[kind].push(...delays[kind]);
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) sum[key] += counts[key];
}

/** Our incidents as they are scored: what fired and is not another one. */
export function foundBy(incidents: Iterable<IncidentRecord>): readonly Found[] {
  const found: Found[] = [];
  for (const incident of incidents) {
    const { state, signal, detected_us, explanation, hosts, cause } = incident;
    if (state === 'candidate' || state === 'merged' || signal.kind === 'backlog') continue;
    found.push({
      startedUs: incident.started_us,
      detectedUs: detected_us,
      endUs: incident.last_us,
      kind: signal.kind === 'counter' ? 'drop' : signal.kind,
      hosts: hosts.map(({ host_id }) => host_id),
      items:
        explanation?.items ??
        (hosts.length === 1 ? [{ attribute: 'host', value: hosts[0]?.host_id ?? '' }] : null),
      equivalents: explanation?.equivalents ?? [],
      cause: cause && { host: cause.host_id, order: cause.order },
    });
  }
  return found;
}

/** Adds a run to a score. */
export function addRun(score: Score, truth: Truth, found: readonly Found[], pages: number): void {
  const causes = truth.incidents.filter(({ consequence_of, late }) => consequence_of === null && !late);
  const claimed = new Set<Found>();
  score.pages += pages;
  score.causes += causes.length;
  for (const cause of causes) {
    const mine = found.filter((one) => one.cause === null && isOf(one, cause, truth));
    const right = mine.find((one) => isRight(one, cause));
    for (const one of mine) claimed.add(one);
    if (right) score.explained++;
    else score.unexplained++;
    if (mine.length === 0) continue;
    score.found++;
    score.incidents += mine.length;
    const first = Math.min(...mine.map(({ detectedUs }) => detectedUs));
    const started = Math.min(...mine.map(({ startedUs }) => startedUs));
    // Silence began when a host was last heard of.
    if (cause.kind !== 'silence') score.startsOff.push(Math.abs(started - cause.start) / 1_000_000);
    const named = mine.flatMap(({ hosts }) => hosts);
    const all = hostsOf(cause, truth);
    score.named += named.length;
    score.rightlyNamed += named.filter((host) => all.has(host)).length;
    score.delays[cause.kind].push((first - cause.start) / 1_000_000);
    const [, second] = cause.onsets.toSorted((a, b) => a - b);
    if (cause.kind === 'drop' && second !== undefined)
      score.delaysFromSecond.push((first - second) / 1_000_000);
  }
  const followed = scoreConsequences(score, truth, found, claimed);
  for (const one of found) {
    if (followed.has(one)) continue;
    if (claimed.has(one)) {
      if (!causes.some((cause) => isOf(one, cause, truth) && isRight(one, cause))) score.wrong++;
    } else {
      score.spurious++;
      score.wrong++;
    }
  }
}

/** Drops towards a host that died: told as its consequence, in the right order. */
function scoreConsequences(
  score: Score,
  truth: Truth,
  found: readonly Found[],
  claimed: ReadonlySet<Found>,
): ReadonlySet<Found> {
  const followed = new Set<Found>();
  for (const consequence of truth.incidents) {
    if (consequence.consequence_of === null || consequence.kind !== 'drop') continue;
    const origin = truth.incidents.find(({ id }) => id === consequence.consequence_of);
    for (const one of found) {
      if (claimed.has(one) || followed.has(one) || !isOf(one, consequence, truth)) continue;
      if (!one.cause || !origin?.hosts.includes(one.cause.host)) {
        score.wrongCause++;
        continue;
      }
      followed.add(one);
      if (one.cause.order === 'concurrent') score.concurrent++;
      else score.rightCause++;
    }
  }
  return followed;
}

/** Whether an incident is of a fault: in its time, most of its hosts are among the fault's, or in what the cause fits. */
function isOf({ startedUs, endUs, hosts }: Found, fault: TrueIncident, truth: Truth): boolean {
  if (endUs < fault.start || startedUs > fault.end + 60_000_000) return false;
  const all = hostsOf(fault, truth);
  const common = hosts.filter((host) => all.has(host)).length;
  return common > 0 && common * 2 >= hosts.length;
}

/** The hosts on which a fault showed. What follows from it shows on the same ones as a rule. */
function hostsOf(fault: TrueIncident, { incidents }: Truth): ReadonlySet<string> {
  return new Set(
    incidents
      .filter((one) => one === fault || (one.consequence_of === fault.id && isWithin(one, fault)))
      .flatMap((one) => one.hosts),
  );
}

function isWithin(one: TrueIncident, fault: TrueIncident): boolean {
  return one.hosts.every((host) => fault.hosts.includes(host));
}

/** Whether it is explained by the cause, or by what is the same hosts. */
function isRight(
  { items, equivalents }: Found,
  { cause, equivalents: same, kind, hosts }: TrueIncident,
): boolean {
  if (!items) return false;
  if (kind === 'crash' && hosts.length === 1) return true;
  const right = [cause, ...same].map(nameOf);
  return [items, ...equivalents].some((one) => right.includes(nameOf(one)));
}

function nameOf(items: readonly Item[]): string {
  return items
    .map(({ attribute, value }) => `${attribute}=${value}`)
    .sort()
    .join(',');
}

/** Pages among notifications: whoever is called at night. */
export function pagesOf(notifications: Iterable<Notification>): number {
  let pages = 0;
  for (const { kind } of notifications) if (kind !== 'resolved') pages++;
  return pages;
}
