/** How many records of a kind of trouble are reported in an hour: a loop of warnings must not hide an oops. */

const HOUR_US = 3_600_000_000;

export class HourlyLimit {
  readonly #most: number;
  readonly #nowUs: () => number;
  /** When records were begun, by kind. */
  readonly #begun = new Map<string, number[]>();

  constructor(most: number, nowUs: () => number) {
    this.#most = most;
    this.#nowUs = nowUs;
  }

  /** Whether one more may be reported, which then counts. */
  take(kind: string): boolean {
    const now = this.#nowUs();
    const begun = (this.#begun.get(kind) ?? []).filter((us) => Math.abs(now - us) < HOUR_US);
    const may = begun.length < this.#most;
    if (may) begun.push(now);
    this.#begun.set(kind, begun);
    return may;
  }
}
