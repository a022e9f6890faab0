/**
 * Deadlines in whole seconds of live time. Derived from the records, never stored. Only the earliest second asked for
 * is kept for each key: when it comes, the record tells whether its deadline has moved on since, so a deadline that a
 * message pushes away costs nothing until then.
 */
export class Timers {
  readonly #due = new Map<number, string[]>();
  readonly #earliest = new Map<string, number>();

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

  /** The keys that were asked for at a second, in the order of the keys, and forgets them. */
  take(second: number): readonly string[] {
    const keys = this.#due.get(second);
    if (!keys) return [];
    this.#due.delete(second);
    // A key whose deadline came forward was told already, at the earlier second; one that was asked for here again since
    // then stands here twice, and is told once.
    const due = keys.filter((key) => {
      if (this.#earliest.get(key) !== second) return false;
      return this.#earliest.delete(key);
    });
    return due.sort();
  }
}
