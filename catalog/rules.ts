/**
 * What programs go by: whether a name is a loss, how alarming it is, and which counters count which drops. The same for
 * the fold, agents and the command line. What people are told is in explain.ts.
 */
import { createHash } from 'node:crypto';
import rules from './gen/rules.json' with { type: 'json' };
import type { CountedBy, Direction, Layer } from './schema.ts';

export type { CountedBy } from './schema.ts';

export interface Rule {
  readonly lost: 'always' | 'sometimes' | 'never';
  readonly layer: Layer;
  readonly direction: Direction;
  /** Events a second on a host from which it is alarming. */
  readonly alarm: number | 'never';
  readonly severity: 'info' | 'warning' | 'critical';
}

export interface ReasonRule extends Rule {
  readonly counted_by: readonly CountedBy[];
}

export interface CounterRule extends Rule {
  readonly part_of?: readonly string[];
  readonly unseen?: true;
  readonly gauge?: true;
}

/** Drivers' statistics that no file of the catalog names are counters of this beginning, and go by one entry. */
export const UNKNOWN_STATISTIC = 'ethtool_';
export const ANY_STATISTIC = 'ethtool_statistic';

interface ReasonEntry extends ReasonRule {
  readonly places?: Readonly<Record<string, Partial<ReasonRule>>>;
}

/** By reason: what holds everywhere, and in some functions. */
const reasons: ReadonlyMap<string, readonly [ReasonRule, ReadonlyMap<string, ReasonRule>]> = new Map(
  byName(rules.reasons as unknown as Record<string, ReasonEntry>).map(([name, { places, ...rule }]) => {
    const inPlaces = Object.entries(places ?? {}).map(([fn, place]) => [fn, { ...rule, ...place }] as const);
    return [name, [rule, new Map(inPlaces)]];
  }),
);
const counters = new Map(byName(rules.counters as Record<string, CounterRule>));

/** A reason that the catalog does not know counts as a loss worth a warning. */
const UNKNOWN: ReasonRule = {
  lost: 'always',
  layer: 'network',
  direction: 'any',
  alarm: 50,
  severity: 'warning',
  counted_by: [],
};

/** SHA-256 of the rules, hex: two replicas with the same digest classify alike, also what neither of them knows. */
export const catalogDigest: string = createHash('sha256')
  .update(JSON.stringify([rules, UNKNOWN]))
  .digest('hex');

/** What holds for drops of a reason in a function. */
export function reasonRule(reason: string, fn: string): ReasonRule {
  const entry = reasons.get(reason);
  return entry ? (entry[1].get(fn) ?? entry[0]) : UNKNOWN;
}

/** What holds for a counter; undefined for one that the catalog does not know. */
export function counterRule(name: string): CounterRule | undefined {
  return counters.get(name) ?? (name.startsWith(UNKNOWN_STATISTIC) ? counters.get(ANY_STATISTIC) : undefined);
}

/** Counters that count drops of some reason, also where they count no losses by themselves. */
const ofReasons: ReadonlySet<string> = new Set(
  [...reasons.values()]
    .flatMap(([rule, places]) => [rule, ...places.values()])
    .filter(({ lost }) => lost !== 'never')
    .flatMap(({ counted_by }) => counted_by.map(({ counter }) => counter)),
);

/** Whether drops and losses can be held against a counter. */
export function isAudited(counter: string): boolean {
  return (counterRule(counter)?.lost ?? 'never') !== 'never' || ofReasons.has(counter);
}

/** The counters that count a drop, the surest first. */
export function countersOf(reason: string, fn: string, protocol: string): readonly CountedBy[] {
  const fits = reasonRule(reason, fn).counted_by.filter(
    (row) => (row.function ?? fn) === fn && (row.protocol ?? protocol) === protocol,
  );
  const special = fits.filter((row) => row.function !== undefined);
  return (special.length > 0 ? special : fits).toSorted(
    (a, b) => Number(a.sometimes ?? false) - Number(b.sometimes ?? false),
  );
}

/** Entries by their names, and by those they have in other releases of the kernel. */
function byName<E extends object>(entries: Readonly<Record<string, E>>): [string, E][] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const { aliases = [] } = entry as { readonly aliases?: readonly string[] };
    return [name, ...aliases].map((each): [string, E] => [each, entry]);
  });
}
