/** What a host has sealed and the log has not stored yet. Must not know what messages say. */

export class Spool {
  /** Of each message. Two lists of numbers that are used again: of a large fleet, nothing is left behind for a message. */
  readonly #seqs: number[] = [];
  readonly #storedUs: number[] = [];

  /** The log has a message only then. */
  add(seq: number, storedUs: number): void {
    this.#seqs.push(seq);
    this.#storedUs.push(storedUs);
  }

  /** Forgets what the log has by now. */
  acknowledge(nowUs: number): void {
    let kept = 0;
    for (let i = 0; i < this.#seqs.length; i++) {
      if (this.#storedUs[i]! <= nowUs) continue;
      this.#seqs[kept] = this.#seqs[i]!;
      this.#storedUs[kept++] = this.#storedUs[i]!;
    }
    this.#seqs.length = kept;
    this.#storedUs.length = kept;
  }

  get size(): number {
    return this.#seqs.length;
  }

  /** The oldest of its messages; undefined when it is empty. */
  get oldest(): number | undefined {
    return this.#seqs[0];
  }
}
