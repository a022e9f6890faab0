/**
 * Deadlines in whole seconds of live time. Derived from the records, never stored. Only the earliest second asked for
 * is kept for each key: when it comes, the record tells whether its deadline has moved on since, so a deadline that a
 * message pushes away costs nothing until then.
 */
export class Timers {
  readonly #dueUs: (key: string) => number;
  readonly #due = new Map<number, string[]>();
  readonly #earliest = new Map<string, number>();

  /** @param dueUs when a key is due by its record, live time; 0 when it no longer is */
  constructor(dueUs: (key: string) => number) {
    this.#dueUs = dueUs;
  }

  /** Asks to be told of `key` no later than when the live time reaches `liveUs`. */
  set(key: string, liveUs: number): void {
    const second = Math.ceil(liveUs / 1_000_000);
    const earliest = this.#earliest.get(key);
    if (earliest !== undefined && earliest <= second) return;
    this.#earliest.set(key, second);
    const keys = this.#due.get(second);
    if (keys) keys.push(key);
    else this.#due.set(second, [key]);
  }

  /** The keys that were asked for at a second and are due by `liveUs`, in the order of the keys; others are put off. */
  take(second: number, liveUs: number): readonly string[] {
    const keys = this.#due.get(second);
    if (!keys) return [];
    this.#due.delete(second);
    const due: string[] = [];
    for (const key of keys) {
      // A key whose deadline came forward was told already, at the earlier second; one that was asked for here again since
      // then stands here twice, and is told once.
      if (this.#earliest.get(key) !== second) continue;
      this.#earliest.delete(key);
      const dueUs = this.#dueUs(key);
      if (dueUs > liveUs) this.set(key, dueUs);
      else if (dueUs > 0) due.push(key);
    }
    return due.sort();
  }
}
