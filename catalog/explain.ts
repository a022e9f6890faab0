/**
 * What a name of the catalog means, in full: the rules and the texts of an entry with what refers to it. For people;
 * programs go by rules.ts, which is smaller.
 */
import rules from './gen/rules.json' with { type: 'json' };
import texts from './gen/texts.json' with { type: 'json' };
import { ANY_STATISTIC, type Rule, UNKNOWN_STATISTIC } from './rules.ts';
import type { Cause, CountedBy } from './schema.ts';

/** An entry of the catalog, with what other entries say of it. Lists are absent where they would be empty. */
export interface Explanation extends Rule {
  readonly name: string;
  readonly kind: 'reason' | 'counter' | 'trap';
  /** Where the name is to be seen. */
  readonly found_in: string;
  readonly means: string;
  readonly condition?: string;
  readonly since?: string;
  readonly until?: string;
  readonly aliases?: readonly string[];
  readonly see?: readonly string[];
  readonly causes?: readonly Cause[];
  /** Reasons: the counters that count it. Empty when none does. */
  readonly counted_by?: readonly CountedBy[];
  /** Reasons: what differs in some functions. */
  readonly places?: Readonly<Record<string, Place>>;
  /** Counters: the reasons whose drops it counts. */
  readonly counts?: readonly CountedReason[];
  /** Counters: sums that grow with it, and what it is the sum of. */
  readonly part_of?: readonly string[];
  readonly parts?: readonly string[];
  readonly unseen?: true;
  readonly gauge?: true;
  /** Traps: devlink's group, and the reason that the kernel's own path would have given. */
  readonly group?: string;
  readonly reason?: string;
}

export type Place = Partial<
  Pick<
    Explanation,
    'lost' | 'condition' | 'layer' | 'direction' | 'alarm' | 'severity' | 'means' | 'counted_by'
  >
>;
export type CountedReason = Omit<CountedBy, 'counter'> & { readonly reason: string };

type Entries = Readonly<Record<string, Partial<Explanation>>>;
type Section = 'reasons' | 'counters' | 'traps';

const SECTIONS = { reasons: 'reason', counters: 'counter', traps: 'trap' } as const;

const sections = Object.entries(SECTIONS) as [Section, Explanation['kind']][];
const section = (of: Section): [Entries, Entries] => [rules[of] as Entries, texts[of] as unknown as Entries];

const named = sections.flatMap(([of]) => {
  return Object.entries(section(of)[0]).flatMap(([name, { aliases = [] }]) =>
    [...aliases, name].map((written) => [written, [of, name]] as const),
  );
});
/** By the name or alias as people may write it: without the prefix that the kernel's source has, in any case. */
const names: ReadonlyMap<string, readonly [Section, string]> = new Map([
  ...named.map(([written, entry]) => [folded(written), entry] as const),
  // IP_OUTNOROUTES and IpOutNoRoutes are two.
  ...named,
]);

/** The entry of that name or alias; undefined when the catalog has none. Statistics of any driver have one together. */
export function explain(name: string): Explanation | undefined {
  const found = names.get(name) ?? names.get(folded(name));
  if (found) return explanation(...found);
  return name.startsWith(UNKNOWN_STATISTIC) ? { ...explanation('counters', ANY_STATISTIC), name } : undefined;
}

/** What one function's drops of a reason mean, in a sentence. */
export function dropMeaning(reason: string, fn: string): string {
  const entry = section('reasons')[1][reason];
  return entry?.places?.[fn]?.means ?? entry?.means ?? `The kernel dropped packets for ${reason}.`;
}

/**
 * Names that have all words of a query, or their aliases do; those that only mention them in their meaning last. The
 * shorter, the sooner.
 */
export function search(query: string): string[] {
  const has = hasWords(query);
  if (!has) return [];
  const named: string[] = [];
  const mentioned: string[] = [];
  for (const [of] of sections) {
    const [ruled, told] = section(of);
    for (const [name, { aliases = [] }] of Object.entries(ruled)) {
      const { means = '' } = told[name] ?? {};
      if ([name, ...aliases].some(has)) named.push(name);
      else if (has(means)) mentioned.push(name);
    }
  }
  const shortFirst = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1);
  return [...named.sort(shortFirst), ...mentioned.sort(shortFirst)];
}

/** Every name in the catalog. */
export function allNames(): string[] {
  return sections.flatMap(([of]) => Object.keys(section(of)[1]));
}

function explanation(of: Section, name: string): Explanation {
  const [ruled, told] = section(of);
  const places = mergePlaces(ruled[name]?.places, told[name]?.places);
  const counts = of === 'counters' ? reasonsOf(name) : [];
  const parts = of === 'counters' ? partsOf(name) : [];
  return {
    ...(ruled[name] as Rule),
    ...(told[name] as Pick<Explanation, 'found_in' | 'means'>),
    ...(places && { places }),
    ...(counts.length > 0 && { counts }),
    ...(parts.length > 0 && { parts }),
    name,
    kind: SECTIONS[of],
  };
}

function mergePlaces(a: Explanation['places'], b: Explanation['places']): Explanation['places'] {
  const functions = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].sort();
  if (functions.length === 0) return undefined;
  return Object.fromEntries(functions.map((fn) => [fn, { ...a?.[fn], ...b?.[fn] }]));
}

function reasonsOf(counter: string): CountedReason[] {
  return Object.entries(section('reasons')[0]).flatMap(([reason, { counted_by = [], places = {} }]) => {
    const inPlaces = Object.entries(places).flatMap(([fn, place]) =>
      (place.counted_by ?? []).map((row) => ({ function: fn, ...row })),
    );
    return [...counted_by, ...inPlaces]
      .filter((row) => row.counter === counter)
      .map(({ counter: _, ...row }) => ({ reason, ...row }));
  });
}

function partsOf(counter: string): string[] {
  return Object.entries(section('counters')[0]).flatMap(([name, { part_of }]) =>
    part_of?.includes(counter) ? [name] : [],
  );
}

/** Tells whether a text has all words of a query, in any case and punctuation; null when the query has none. */
export function hasWords(query: string): ((text: string) => boolean) | null {
  const words = query
    .split(/[\s_/-]+/)
    .map(folded)
    .filter(Boolean);
  return words.length === 0 ? null : (text) => words.every((word) => folded(text).includes(word));
}

/** A name without case and punctuation, and without what the kernel's source puts before reasons. */
export function folded(name: string): string {
  return name
    .replace(/^SKB_DROP_REASON_/i, '')
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase();
}
