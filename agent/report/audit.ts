/**
 * The host's audit of itself: matches drop events with the kernel's independent counters, through the catalog's
 * relations, and says what both saw, what only a counter saw, and what no counter saw. Pure. It must not know where
 * drops and counters come from.
 *
 * Drops and counters are read one after the other, so what is lost between the two readings is in one window of the
 * one and in the next window of the other. What does not match is therefore left over for the next window, and said if
 * that does not match it either.
 */
import { type CountedBy, counterRule, countersOf, reasonRule } from '@netfall/catalog';
import type { AuditedDrop, UnseenLoss } from '@netfall/proto';

/** Drop events of one kind in a window. */
export type AuditDrop = Pick<AuditedDrop, 'reason' | 'function' | 'protocol' | 'events'>;

/** How far a counter moved in a window. */
export interface AuditCounter {
  readonly name: string;
  readonly interface: string;
  readonly delta: number;
}

/** What a window could not match yet: drop events by kind, and counts by counter and interface. */
export interface Leftover {
  readonly drops: readonly AuditDrop[];
  readonly counters: readonly AuditCounter[];
}

export const NOTHING: Leftover = { drops: [], counters: [] };

/** The largest first. */
export interface Findings {
  readonly explained: AuditedDrop[];
  readonly unseen: UnseenLoss[];
  readonly uncounted: AuditedDrop[];
}

/** One kind of drop: events of this window, and those left over. */
interface Kind extends Omit<AuditDrop, 'events'> {
  readonly counters: readonly CountedBy[];
  fresh: number;
  stale: number;
}

/** One counter: what is left of this window's losses by interface, without what its parts counted, and of the last's. */
interface Tally {
  readonly fresh: Map<string, number>;
  readonly stale: Map<string, number>;
}

/**
 * Audits one window, with what the one before left over. An empty window tells of everything that was left over.
 */
export function audit(window: Leftover, before: Leftover): Findings & { readonly leftover: Leftover } {
  const kinds = kindsOf(window.drops, before.drops);
  const tallies = talliesOf(window.counters, before.counters, kinds);
  const explained: AuditedDrop[] = [];
  const uncounted: AuditedDrop[] = [];
  const unseen: UnseenLoss[] = [];
  const leftover = { drops: [] as AuditDrop[], counters: [] as AuditCounter[] };
  for (const { reason, function: fn, protocol, counters, fresh, stale } of kinds) {
    const kind = { reason, function: fn, protocol };
    let matched = 0;
    for (const { counter } of counters) {
      const events = take(tallies.get(counter), fresh + stale);
      if (events > 0) explained.push({ ...kind, counter, events });
      // Some are counted by one counter or another, some by both.
      matched = Math.min(fresh + stale, matched + events);
    }
    // Where no counter is to be expected there is nothing to wait for.
    const due = counters.length > 0 ? stale : fresh + stale;
    const late = Math.max(0, due - matched);
    const early = fresh + stale - matched - late;
    if (late > 0 && reasonRule(reason, fn).lost !== 'never') {
      uncounted.push({ ...kind, counter: '', events: late });
    }
    if (early > 0) leftover.drops.push({ ...kind, events: early });
  }
  for (const [name, { fresh, stale }] of tallies) {
    const lost = counterRule(name)?.lost;
    for (const [iface, count] of lost === 'never' ? [] : stale) {
      unseen.push({ counter: name, interface: iface, count, possible: lost === 'sometimes' });
    }
    for (const [iface, delta] of fresh) leftover.counters.push({ name, interface: iface, delta });
  }
  explained.sort(mostEvents);
  uncounted.sort(mostEvents);
  unseen.sort(
    (a, b) => b.count - a.count || compare(a.counter, b.counter) || compare(a.interface, b.interface),
  );
  return { explained, unseen, uncounted, leftover };
}

/** Those that are counted for certain first, so that the others share what those leave. */
function kindsOf(fresh: readonly AuditDrop[], stale: readonly AuditDrop[]): Kind[] {
  const kinds = new Map<string, Kind>();
  const kindOf = ({ reason, function: fn, protocol }: AuditDrop): Kind => {
    const key = `${reason}/${fn}/${protocol}`;
    let kind = kinds.get(key);
    if (!kind) {
      kind = {
        reason,
        function: fn,
        protocol,
        counters: countersOf(reason, fn, protocol),
        fresh: 0,
        stale: 0,
      };
      kinds.set(key, kind);
    }
    return kind;
  };
  for (const drop of stale) kindOf(drop).stale += drop.events;
  for (const drop of fresh) kindOf(drop).fresh += drop.events;
  const unsure = ({ counters }: Kind) => Number(counters[0]?.sometimes ?? false);
  return [...kinds].sort(([a, x], [b, y]) => unsure(x) - unsure(y) || compare(a, b)).map(([, kind]) => kind);
}

/** The counters that count losses, and those that a kind names. */
function talliesOf(
  fresh: readonly AuditCounter[],
  stale: readonly AuditCounter[],
  kinds: readonly Kind[],
): Map<string, Tally> {
  const named = new Set(kinds.flatMap(({ counters }) => counters.map(({ counter }) => counter)));
  const tallies = new Map<string, Tally>();
  const tallyOf = (name: string): Tally | undefined => {
    const rule = counterRule(name);
    if (!rule || rule.gauge || (rule.lost === 'never' && !named.has(name))) return undefined;
    let tally = tallies.get(name);
    if (!tally) {
      tally = { fresh: new Map(), stale: new Map() };
      tallies.set(name, tally);
    }
    return tally;
  };
  for (const { name, interface: iface, delta } of stale) add(tallyOf(name)?.stale, iface, delta);
  for (const { name, interface: iface, delta } of fresh) add(tallyOf(name)?.fresh, iface, delta);
  // What a part counted is in its sums once more.
  for (const { name, interface: iface, delta } of fresh) {
    for (const sum of counterRule(name)?.part_of ?? []) add(tallies.get(sum)?.fresh, iface, -delta);
  }
  return tallies;
}

/** Takes up to `most` of what a counter has left, the oldest first. Returns how much. */
function take(tally: Tally | undefined, most: number): number {
  let left = most;
  for (const from of tally ? [tally.stale, tally.fresh] : []) {
    for (const [iface, delta] of from) {
      const taken = Math.min(left, delta);
      add(from, iface, -taken);
      left -= taken;
    }
  }
  return most - left;
}

/** Nothing below zero is kept. */
function add(to: Map<string, number> | undefined, iface: string, delta: number): void {
  const sum = (to?.get(iface) ?? 0) + delta;
  if (sum > 0) to?.set(iface, sum);
  else to?.delete(iface);
}

function mostEvents(a: AuditedDrop, b: AuditedDrop): number {
  const by = (key: 'reason' | 'function' | 'protocol' | 'counter') => compare(a[key], b[key]);
  return b.events - a.events || by('reason') || by('function') || by('protocol') || by('counter');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
