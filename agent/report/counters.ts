/**
 * The counters that moved in one window. Adding to a counter that is known allocates nothing. It must not know where
 * counters come from or when a window ends.
 */
import { counterRule } from '@netfall/catalog';
import { type CounterDelta, LIMITS } from '@netfall/proto';
import { Trend, type TrendRules } from './trend.ts';

/**
 * Host-wide counters of this name are the window's denominator and stand in the drop report: packets that crossed the
 * host's uplinks. docs/sources/counters.md says which interfaces those are.
 */
export const RECEIVED_PACKETS = 'received_packets';
export const SENT_PACKETS = 'sent_packets';

/** What counters of trouble are called, among those that the catalog does not know. */
const TROUBLE = /drop|err|discard|overflow|fail|full|prune|noport|noroute|squeeze|missed|collapsed|abort/i;

/** A counter that has not moved for this long is forgotten. */
const FORGET_US = 600_000_000;
const SWEEP_EVERY_US = 60_000_000;

interface Row {
  readonly name: string;
  readonly interface: string;
  readonly namespace: string;
  readonly trend: Trend | undefined;
  delta: number;
  lastUs: number;
}

export class CounterTable {
  readonly #rules: TrendRules;
  /** By place, then by name. */
  readonly #places = new Map<string, Map<string, Row>>();
  #size = 0;
  /** Rows that moved since the last tick and since the last message. */
  readonly #ticked = new Set<Row>();
  readonly #active = new Set<Row>();
  #sweptUs: number;
  #received = 0;
  #sent = 0;

  constructor(rules: TrendRules, nowUs: number) {
    this.#rules = rules;
    this.#sweptUs = nowUs;
  }

  get receivedPackets(): number {
    return this.#received;
  }

  get sentPackets(): number {
    return this.#sent;
  }

  /** Adds a delta that has been checked. Returns false when there is no room for another counter. */
  add(name: string, iface: string, namespace: string, delta: number, nowUs: number): boolean {
    if (iface === '' && name === RECEIVED_PACKETS) {
      this.#received = sum(this.#received, delta);
      return true;
    }
    if (iface === '' && name === SENT_PACKETS) {
      this.#sent = sum(this.#sent, delta);
      return true;
    }
    const place = namespace === '' ? iface : `${namespace}\n${iface}`;
    const row = this.#places.get(place)?.get(name) ?? this.#make(place, name, iface, namespace);
    if (!row) return false;
    row.delta = sum(row.delta, delta);
    row.lastUs = nowUs;
    this.#active.add(row);
    if (row.trend) {
      row.trend.add(delta);
      this.#ticked.add(row);
    }
    return true;
  }

  /** Ends a tick of `elapsedUs`. Returns whether a counter of trouble jumped. */
  tick(nowUs: number, elapsedUs: number): boolean {
    let changed = false;
    for (const row of this.#ticked) if (row.trend?.tick(nowUs, elapsedUs, this.#rules)) changed = true;
    this.#ticked.clear();
    return changed;
  }

  /** What moved in the window. */
  report(): CounterDelta[] {
    return Array.from(this.#active, (row) => ({
      name: row.name.slice(0, LIMITS.string),
      interface: row.interface.slice(0, LIMITS.string),
      delta: row.delta,
      namespace: row.namespace.slice(0, LIMITS.string),
    }));
  }

  /** A message told of everything up to now. */
  reported(nowUs: number): void {
    for (const row of this.#active) {
      row.delta = 0;
      row.trend?.reported(nowUs);
    }
    this.#active.clear();
    this.#received = 0;
    this.#sent = 0;
    if (Math.abs(nowUs - this.#sweptUs) > SWEEP_EVERY_US) this.#sweep(nowUs);
  }

  #make(place: string, name: string, iface: string, namespace: string): Row | undefined {
    if (this.#size >= LIMITS.counters) return undefined;
    this.#size++;
    const row = {
      name,
      interface: iface,
      namespace,
      trend: countsTrouble(name) ? new Trend() : undefined,
      delta: 0,
      lastUs: 0,
    };
    let rows = this.#places.get(place);
    if (!rows) {
      rows = new Map();
      this.#places.set(place, rows);
    }
    rows.set(name, row);
    return row;
  }

  #sweep(nowUs: number): void {
    this.#sweptUs = nowUs;
    for (const [place, rows] of this.#places) {
      for (const [name, row] of rows) {
        if (nowUs - row.lastUs <= FORGET_US) continue;
        rows.delete(name);
        this.#size--;
      }
      if (rows.size === 0) this.#places.delete(place);
    }
  }
}

/** Stays within what an entry may say. */
function sum(a: number, b: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, a + b);
}

/** Whether a counter's jump is worth a message of its own. What merely counts traffic jumps with every backup job. */
function countsTrouble(name: string): boolean {
  const rule = counterRule(name);
  return rule ? rule.alarm !== 'never' : TROUBLE.test(name);
}
