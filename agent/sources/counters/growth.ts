/**
 * How far counters grew from one reading to the next: remembers each one's last value in typed arrays, and tells wraps
 * from resets. Pure but for what it hands to the collector; it must not know which file a counter comes from.
 */
import type { Collector } from '../../source.ts';

/** Counters remembered at most: hundreds of host-wide ones and a dozen for each of thousands of interfaces. */
export const MOST_COUNTERS = 65_536;
/** What a slot is called that takes no values: a gauge, a counter beyond MOST_COUNTERS, or one that nobody wants. */
export const NO_SLOT = -1;

const TWO_32 = 2 ** 32;
/**
 * The most that a counter may have grown across a wrap at 2^32, or 2^64. A value that fell and does not fit this was
 * reset: a wrap of 32 bits is believed only of counters that were within a sixteenth of the top.
 */
const MOST_ACROSS_32 = 2 ** 28;
const MOST_ACROSS_64 = 2 ** 40;

/** Flags of a slot. */
const USED = 1;
const BASELINE = 2;

export interface Counter {
  readonly name: string;
  readonly interface: string;
  /** The name of a host-wide counter that this one adds to as well; empty for none. */
  readonly total: string;
}

export class Growth {
  #flags = new Uint8Array(1024);
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  readonly #counters: Counter[] = [];
  readonly #free: number[] = [];
  readonly #isWanted: (name: string) => boolean;
  #refused = 0;

  /** @param isWanted asked once for each slot; counters that are not wanted get none. Default: all are. */
  constructor(isWanted: (name: string) => boolean = () => true) {
    this.#isWanted = isWanted;
  }

  /**
   * Makes a slot for a counter. `fromZero` says that it began at zero since the last reading, so that its first value is
   * growth; otherwise its first value is where growth is counted from. NO_SLOT when there is no room, or it is not wanted.
   */
  add(counter: Counter, fromZero: boolean): number {
    if (!this.#isWanted(counter.name)) return NO_SLOT;
    const slot = this.#free.pop() ?? this.#counters.length;
    if (slot >= MOST_COUNTERS) {
      this.#refused++;
      return NO_SLOT;
    }
    if (slot >= this.#flags.length) this.#grow();
    this.#counters[slot] = counter;
    this.#flags[slot] = fromZero ? USED | BASELINE : USED;
    this.#high[slot] = 0;
    this.#low[slot] = 0;
    return slot;
  }

  /** Forgets a counter; its slot may be given to another. */
  remove(slot: number): void {
    if (slot === NO_SLOT || this.#flags[slot] === 0) return;
    this.#flags[slot] = 0;
    this.#free.push(slot);
  }

  /** Counters that were refused for want of room since the last call. */
  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  /** A counter's present value, `high` * 2^32 + `low`: reports its growth. */
  put(slot: number, high: number, low: number, into: Collector): void {
    if (slot === NO_SLOT) return;
    const flags = this.#flags[slot] as number;
    const highBefore = this.#high[slot] as number;
    const lowBefore = this.#low[slot] as number;
    this.#high[slot] = high;
    this.#low[slot] = low;
    if ((flags & BASELINE) === 0) {
      this.#flags[slot] = flags | BASELINE;
      return;
    }
    if (high === highBefore && low === lowBefore) return;
    const counter = this.#counters[slot] as Counter;
    let growth = (high - highBefore) * TWO_32 + (low - lowBefore);
    if (growth < 0) {
      const across32 = growth + TWO_32;
      const across64 = (high - highBefore + TWO_32) * TWO_32 + (low - lowBefore);
      if (highBefore === 0 && across32 <= MOST_ACROSS_32) {
        growth = across32;
      } else if (across64 <= MOST_ACROSS_64) {
        growth = across64;
      } else {
        into.loss('counter_reset', 1);
        growth = high * TWO_32 + low;
      }
    }
    if (growth > Number.MAX_SAFE_INTEGER) {
      into.loss('implausible', 1);
    } else if (growth > 0) {
      into.counter(counter.name, counter.interface, growth);
      if (counter.total !== '') into.counter(counter.total, '', growth);
    }
  }

  #grow(): void {
    const size = Math.min(MOST_COUNTERS, this.#flags.length * 2);
    const flags = new Uint8Array(size);
    const high = new Uint32Array(size);
    const low = new Uint32Array(size);
    flags.set(this.#flags);
    high.set(this.#high);
    low.set(this.#low);
    this.#flags = flags;
    this.#high = high;
    this.#low = low;
  }
}
