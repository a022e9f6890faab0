/**
 * How much of a processor something takes from reading to reading, and whether that has been too much for long enough. It
 * must not know how that is measured, nor what becomes of what takes too much.
 */

/** Over its ceiling for this many readings on end is too much. */
const SUSTAINED = 5;

export class ProcessorShare {
  /** What was taken between the last two readings, of one processor. */
  percent = 0;
  /** The time between them. */
  elapsedUs = 0;
  readonly #maxPercent: number;
  readonly #nowUs: () => number;
  #lastUs: number;
  #over = 0;

  constructor(maxPercent: number, nowUs: () => number) {
    this.#maxPercent = maxPercent;
    this.#nowUs = nowUs;
    this.#lastUs = nowUs();
  }

  /**
   * Takes a reading; one in which no time has passed counts for nothing.
   * @param spentUs processor time since the one before.
   * @returns whether the ceiling was exceeded five times on end.
   */
  read(spentUs: number): boolean {
    const now = this.#nowUs();
    const elapsedUs = now - this.#lastUs;
    this.#lastUs = now;
    if (elapsedUs <= 0) return false;
    this.elapsedUs = elapsedUs;
    this.percent = (spentUs / elapsedUs) * 100;
    this.#over = this.percent > this.#maxPercent ? this.#over + 1 : 0;
    return this.#over >= SUSTAINED;
  }
}
