/**
 * Adds up what the drop counter reads, second by second, in the order in which a table shows it. Pure: whoever reads the
 * counter hands in rows and samples, and says when a second has passed.
 */
import type { DropSample } from '@netfall/proto';

/** How far the history goes back, seconds. */
export const HISTORY_S = 60;
/** Rates in the table are means over this many seconds: steady enough to read. */
const RATE_S = 5;
/** How much faster than the row above it a row must be to pass it. */
const PASSING = 1.25;

/** What is told apart. */
export interface DropKind {
  readonly reason: string;
  readonly function: string;
  readonly protocol: string;
}

export interface DropCount extends DropKind {
  events: number;
  packets: number;
  bytes: number;
}

/** A kind of drop with its totals and its last seconds. */
export interface DropLine extends DropCount {
  /** Events a second, mean of the last few. */
  rate: number;
  /** Events a second in each of the last seconds, the newest last; at most HISTORY_S. */
  readonly history: number[];
  /** The newest packet that was sampled; null before the first. */
  sample: DropSample | null;
}

export interface Ledger {
  /** Drops that happened, as far as the kernel lets one know: those counted by name and those lost. */
  readonly seen: number;
  readonly lost: number;
  /** What was lost at each hop; hops that lost nothing are left out. */
  readonly hops: Readonly<Record<string, number>>;
}

export class DropTally {
  readonly #lines = new Map<string, DropLine>();
  readonly #order: DropLine[] = [];
  readonly #now = new Map<DropLine, number>();
  /** Of this interval, by kind. */
  readonly #samples = new Map<string, DropSample>();
  readonly #hops = new Map<string, number>();
  #named = 0;

  /** Adds what moved since the last reading. */
  add(row: Readonly<DropCount>): void {
    const line = this.#line(row);
    line.events += row.events;
    line.packets += row.packets;
    line.bytes += row.bytes;
    this.#named += row.events;
    this.#now.set(line, (this.#now.get(line) ?? 0) + row.events);
  }

  /** Whether a kind has no sample of this interval yet. */
  wantsSample(kind: Readonly<DropKind>): boolean {
    return !this.#samples.has(keyOf(kind));
  }

  /** Takes a sample of a kind that is counted in the same interval, or was before. */
  sample(sample: DropSample, kind: Readonly<DropKind>): void {
    this.#samples.set(keyOf(kind), sample);
  }

  /** Notes how many drops a hop has lost so far. */
  lost(hop: string, total: number): void {
    if (total > 0) this.#hops.set(hop, total);
  }

  /**
   * Closes an interval of about a second: what was added since the last one becomes the newest point of every line's
   * history. `seconds` is how long it was.
   */
  tick(seconds: number): void {
    for (const line of this.#order) {
      line.history.push((this.#now.get(line) ?? 0) / seconds);
      if (line.history.length > HISTORY_S) line.history.shift();
      const recent = line.history.slice(-RATE_S);
      line.rate = recent.reduce((sum, rate) => sum + rate, 0) / recent.length;
    }
    this.#now.clear();
    for (const [key, sample] of this.#samples) {
      const line = this.#lines.get(key);
      if (line) line.sample = sample;
    }
    this.#samples.clear();
    settle(this.#order);
  }

  /** In the order of the table: the fastest first, rows that are about as fast staying where they were. */
  lines(): readonly DropLine[] {
    return this.#order;
  }

  ledger(): Ledger {
    const hops = Object.fromEntries([...this.#hops].sort(([a], [b]) => (a < b ? -1 : 1)));
    const lost = Object.values(hops).reduce((sum, count) => sum + count, 0);
    return { seen: this.#named + lost, lost, hops };
  }

  #line(kind: Readonly<DropKind>): DropLine {
    const key = keyOf(kind);
    const known = this.#lines.get(key);
    if (known) return known;
    const { reason, function: fn, protocol } = kind;
    const counts = { events: 0, packets: 0, bytes: 0, rate: 0, history: [], sample: null };
    const line: DropLine = { reason, function: fn, protocol, ...counts };
    this.#lines.set(key, line);
    this.#order.push(line);
    return line;
  }
}

/** What tells kinds apart, as a key. */
export function keyOf({ reason, function: fn, protocol }: DropKind): string {
  return `${reason}\n${fn}\n${protocol}`;
}

/** Insertion sort in which a row passes another only when it is clearly faster, or as silent with the larger total. */
function settle(lines: DropLine[]): void {
  for (let i = 1; i < lines.length; i++) {
    for (let j = i; j > 0 && passes(lines[j]!, lines[j - 1]!); j--) {
      [lines[j - 1], lines[j]] = [lines[j]!, lines[j - 1]!];
    }
  }
}

function passes(below: DropLine, above: DropLine): boolean {
  if (below.rate === 0) return above.rate === 0 && below.events > above.events;
  return below.rate > above.rate * PASSING;
}
