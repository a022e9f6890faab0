/**
 * The loss ledger of one window: what was lost, by source and hop. docs/ledger.md lists the hops. It must not know what
 * a loss means; it only makes sure that none is forgotten.
 */
import { LIMITS, type Loss } from '@netfall/proto';

interface Row extends Loss {
  count: number;
  /** When it last lost something, µs; -Infinity before the first time. */
  lastUs: number;
}

/** A hop that lost nothing for this long is news when it does. */
const QUIET_US = 60_000_000;
/** Where losses go that have no row of their own. */
const FULL = { source: 'agent', hop: 'ledger_full' };

export class Ledger {
  readonly #sources = new Map<string, Map<string, Row>>();
  #rows = 0;
  #news = false;

  /** Counts a loss. Anything but a positive safe integer is taken for one loss: something was lost after all. */
  add(source: string, hop: string, count: number, nowUs: number): void {
    const row = this.#row(source, hop) ?? (this.#row(FULL.source, FULL.hop) as Row);
    row.count = Math.min(
      Number.MAX_SAFE_INTEGER,
      row.count + (Number.isSafeInteger(count) && count > 0 ? count : 1),
    );
    if (nowUs - row.lastUs > QUIET_US) this.#news = true;
    row.lastUs = nowUs;
  }

  /** Whether a hop began to lose since the last call. */
  takeNews(): boolean {
    const news = this.#news;
    this.#news = false;
    return news;
  }

  /** The window's losses together with those that evicted messages had carried. */
  losses(carried: readonly Loss[]): Loss[] {
    const merged = new Map<string, Loss>();
    for (const hops of this.#sources.values()) {
      for (const { source, hop, count } of hops.values()) {
        if (count > 0) merge(merged, { source, hop, count });
      }
    }
    for (const loss of carried) merge(merged, loss);
    return [...merged.values()];
  }

  /** A message carries everything up to now. */
  reported(): void {
    for (const hops of this.#sources.values()) for (const row of hops.values()) row.count = 0;
  }

  #row(source: string, hop: string): Row | undefined {
    let hops = this.#sources.get(source);
    const known = hops?.get(hop);
    if (known) return known;
    const isFull = source === FULL.source && hop === FULL.hop;
    // One place stays free for the row that takes in the rest.
    if (!isFull && this.#rows >= LIMITS.losses - 1) return undefined;
    if (!isFull) this.#rows++;
    if (!hops) {
      hops = new Map();
      this.#sources.set(source, hops);
    }
    const row = {
      source: source.slice(0, LIMITS.string),
      hop: hop.slice(0, LIMITS.string),
      count: 0,
      lastUs: Number.NEGATIVE_INFINITY,
    };
    hops.set(hop, row);
    return row;
  }
}

function merge(into: Map<string, Loss>, loss: Loss): void {
  let key = `${loss.source}\0${loss.hop}`;
  let { source, hop } = loss;
  if (!into.has(key) && into.size >= LIMITS.losses - 1) {
    ({ source, hop } = FULL);
    key = `${source}\0${hop}`;
  }
  const count = Math.min(Number.MAX_SAFE_INTEGER, (into.get(key)?.count ?? 0) + loss.count);
  into.set(key, { source, hop, count });
}
