/**
 * How fast something happens compared with what was last reported of it. Pure; it must not know what it measures.
 */

/** When a change of a rate is worth a message of its own. */
export interface TrendRules {
  /** This many times the reference rate … */
  readonly jumpFactor: number;
  /** … and above this many events a second. */
  readonly jumpRate: number;
}

/** The reference rate halves in this time, so that what recurs sooner is no news, and what has been away is. */
const HALF_LIFE_US = 60_000_000;
/** A few events in a shorter tick would look like a high rate. */
const SHORTEST_TICK_US = 500_000;

/** One a signature, kept for as long as it is known. Nothing is allocated after it is made. */
export class Trend {
  /** Since the last tick. */
  #pending = 0;
  /** The highest rate of the ticks since the last message, events a second. */
  #peak = 0;
  /** What the messages before told of, decaying from `#referenceAtUs` on. */
  #reference = 0;
  #referenceAtUs = 0;

  add(events: number): void {
    this.#pending += events;
  }

  /** Ends a tick of `elapsedUs`. Returns whether the rate in it jumped against the messages before. */
  tick(nowUs: number, elapsedUs: number, rules: TrendRules): boolean {
    const rate = (this.#pending * 1_000_000) / Math.max(SHORTEST_TICK_US, elapsedUs);
    this.#pending = 0;
    if (rate > this.#peak) this.#peak = rate;
    return rate > rules.jumpRate && rate >= rules.jumpFactor * this.#referenceNow(nowUs);
  }

  /** A message told of everything up to the last tick. */
  reported(nowUs: number): void {
    this.#reference = Math.max(this.#peak, this.#referenceNow(nowUs));
    this.#referenceAtUs = nowUs;
    this.#peak = 0;
  }

  #referenceNow(nowUs: number): number {
    if (this.#reference === 0) return 0;
    return this.#reference * 2 ** (-Math.max(0, nowUs - this.#referenceAtUs) / HALF_LIFE_US);
  }
}
