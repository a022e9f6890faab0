/** What really happened in a simulated fleet: the contract of truth.json. Times are microseconds since the epoch, log time. */
import { ATTRIBUTES, type Host, type Pair, type Values } from './fleet.ts';

export type FaultKind = 'drop' | 'crash' | 'silence';

/** One fault, as it befell the fleet. */
export interface TrueIncident {
  /** Within the document. */
  readonly id: string;
  readonly kind: FaultKind;
  /** When it first showed on a host, and when it had ended on all of them. */
  readonly start: number;
  readonly end: number;
  /** What its hosts have in common: all of it. A single host's own fault has the attribute "host", its id. */
  readonly cause: readonly Pair[];
  /** Other causes that fit exactly the same hosts of this fleet: nothing smaller than them does. */
  readonly equivalents: readonly (readonly Pair[])[];
  /** Ids of the hosts on which it showed, sorted, and when it first did on each of them. */
  readonly hosts: readonly string[];
  readonly onsets: readonly number[];
  /** How many hosts the cause fits, whether it showed on them or not. */
  readonly extent: number;
  /** How it shows, e.g. "drop/NEIGH_FAILED/neigh_invalidate", "crash/1:00ff00ff00ff00ff", "silence". */
  readonly signals: readonly string[];
  /** The incident that it follows from; null when it has a cause of its own. */
  readonly consequence_of: string | null;
  /** The log hears of it more than ten minutes late: it is history, and pages nobody. */
  readonly late: boolean;
}

/** Doubts that reality casts on the log. */
export interface Disturbances {
  /** On which share of the hosts of a cause it shows: the least and the most. */
  readonly manifestation: readonly [number, number];
  /** The share of hosts with a spurious trouble at any moment. */
  readonly noise: number;
  /** The share of hosts that drop much, always or on and off. */
  readonly chronic: number;
  /** How far clocks are off, s, either way. */
  readonly skew_s: number;
  /** The share of messages that come seconds late, by a spool. */
  readonly late: number;
  /** The share of messages that stand in the log twice. */
  readonly duplicated: number;
}

/** A part of the simulated time. */
export interface TimeWindow {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface Truth {
  readonly scenario: string;
  readonly seed: number;
  readonly hosts: number;
  readonly cell: string;
  readonly interval_ms: number;
  readonly start: number;
  readonly end: number;
  readonly windows: readonly TimeWindow[];
  readonly disturbances: Disturbances;
  readonly incidents: readonly TrueIncident[];
}

/** The most values that an equivalent is made of. */
const MOST_PAIRS = 3;

/**
 * The smallest sets of attribute values that fit exactly the hosts that `cause` fits, without the cause itself.
 * @param valuesOf what a host has at the time in question
 */
export function equivalentsOf(
  cause: readonly Pair[],
  hosts: readonly Host[],
  valuesOf: (host: Host) => Values,
): readonly (readonly Pair[])[] {
  const first = hosts.find((host) => fits(cause, valuesOf(host)));
  if (!first) return [];
  // What all hosts inside have in common, and which of that each host outside has too, as bits.
  const model = valuesOf(first);
  const common = ATTRIBUTES.filter((key) =>
    hosts.every((host) => !fits(cause, valuesOf(host)) || valuesOf(host)[key] === model[key]),
  );
  const outside = new Set<number>();
  for (const host of hosts) {
    const values = valuesOf(host);
    if (fits(cause, values)) continue;
    outside.add(common.reduce((bits, key, i) => (values[key] === model[key] ? bits | (1 << i) : bits), 0));
  }
  const found: number[] = [];
  for (const set of subsets(common.length)) {
    if (found.some((smaller) => (smaller & set) === smaller)) continue;
    if (![...outside].some((bits) => (bits & set) === set)) found.push(set);
  }
  const sets = found.map((set) => {
    return common.filter((_, i) => set & (1 << i)).map((key) => ({ attribute: key, value: model[key] }));
  });
  return sets.filter(
    (set) => set.length !== cause.length || !fits(cause, Object.fromEntries(set.map(entry))),
  );
}

/** Whether a host with these values has all that a cause names. */
export function fits(cause: readonly Pair[], values: Partial<Record<string, string>>): boolean {
  return cause.every(({ attribute, value }) => values[attribute] === value);
}

function entry({ attribute, value }: Pair): [string, string] {
  return [attribute, value];
}

/** Of so many things, as bits: the small ones first. */
function subsets(size: number): number[] {
  const sets: number[] = [];
  const grow = (set: number, from: number, count: number) => {
    if (count === 0) sets.push(set);
    else for (let i = from; i < size; i++) grow(set | (1 << i), i + 1, count - 1);
  };
  for (let count = 1; count <= MOST_PAIRS; count++) grow(0, 0, count);
  return sets;
}
