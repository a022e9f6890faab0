/**
 * When to send: rarely at rest, every second while something changes, more rarely still while the log is slow. Pure;
 * it must not know what changed, only that something did.
 */

export interface PaceOptions {
  /** Time between messages at rest, µs. */
  readonly intervalUs: number;
  /** Time between messages under pressure, µs. */
  readonly wideIntervalUs: number;
  /** When the agent started, µs. */
  readonly startUs: number;
}

/** The first message is sealed this long after the start: what flowed already is told before anything is judged. */
const FIRST_US = 2_000_000;
/** Time between messages while something changes. */
const FAST_US = 1_000_000;
/** How long messages go on at that pace after the last change. */
const FAST_FOR_US = 30_000_000;
/** An acknowledgement that takes longer puts the pace under pressure, one that is quicker again takes it off. */
const SLOW_ACK_US = 5_000_000;
const QUICK_ACK_US = 2_000_000;
/** The same for how full the spool is. */
const FULL = 0.5;
const EMPTY = 0.25;

export class Pace {
  readonly #options: PaceOptions;
  #dueUs: number;
  /** When the last message was sealed, or the agent started. */
  #sealedUs: number;
  #fastUntilUs = Number.NEGATIVE_INFINITY;
  #first = true;
  #pressed = false;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#sealedUs = options.startUs;
    this.#dueUs = options.startUs + FIRST_US;
  }

  /** Something changed that matters: the next message is due at once, and the ones after it every second. */
  changed(nowUs: number): void {
    // Before the first message everything looks like a change.
    if (this.#first) return;
    this.#fastUntilUs = nowUs + FAST_FOR_US;
    // Under pressure, haste would make it worse.
    if (!this.#pressed) this.#dueUs = Math.min(this.#dueUs, nowUs);
  }

  /** How acknowledgements do: the age of the oldest that is awaited, or how long the last one took, µs; and the spool. */
  load(ackUs: number, fill: number): void {
    if (ackUs > SLOW_ACK_US || fill > FULL) this.#pressed = true;
    else if (ackUs < QUICK_ACK_US && fill < EMPTY) this.#pressed = false;
  }

  /** Whether messages go out every second at the moment. */
  isFast(nowUs: number): boolean {
    return nowUs < this.#fastUntilUs && !this.#pressed;
  }

  get pressed(): boolean {
    return this.#pressed;
  }

  /** When the next message is due, µs. May lie in the past. */
  get dueUs(): number {
    return this.#dueUs;
  }

  /** Whether it is due: also when the clock was set back, or the host would be silent until time has caught up. */
  isDue(nowUs: number): boolean {
    return nowUs >= this.#dueUs || nowUs < this.#sealedUs;
  }

  /**
   * The longest time until the message after one that is sealed now, µs. A fast pace does not shorten it: it may end
   * any second, and silence should not be concluded from three lost seconds.
   */
  promiseUs(): number {
    return this.#pressed ? this.#options.wideIntervalUs : this.#options.intervalUs;
  }

  /** A message was sealed. */
  sealed(nowUs: number): void {
    this.#first = false;
    this.#sealedUs = nowUs;
    this.#fastUntilUs = Math.min(this.#fastUntilUs, nowUs + FAST_FOR_US);
    this.#dueUs = nowUs + (this.isFast(nowUs) ? Math.min(FAST_US, this.promiseUs()) : this.promiseUs());
  }
}
