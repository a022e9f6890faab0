/**
 * The last messages as text, in a ring of bytes, and where messages are missing between them: what led to a crash. It must
 * not know what they mean.
 */

/** Messages that are missing before a byte. */
export interface Gap {
  readonly at: number;
  readonly messages: number;
}

export class History {
  readonly #ring: Uint8Array;
  /** Bytes that were ever added. */
  #total = 0;
  /** By bytes that were ever added. */
  #gaps: Gap[] = [];

  /** @param bytes that are kept */
  constructor(bytes: number) {
    this.#ring = new Uint8Array(bytes);
  }

  /** Adds lines, `[0, length)`, each with its end; fewer bytes than are kept. */
  add(lines: Uint8Array, length: number): void {
    const at = this.#total % this.#ring.length;
    const first = Math.min(length, this.#ring.length - at);
    this.#ring.set(lines.subarray(0, first), at);
    this.#ring.set(lines.subarray(first, length), 0);
    this.#total += length;
  }

  /** Messages are missing before the next one. */
  gap(messages: number): void {
    const oldest = this.#total - this.#ring.length;
    this.#gaps = [...this.#gaps.filter(({ at }) => at >= oldest), { at: this.#total, messages }];
  }

  /** What is kept, from the first whole line on. */
  copy(): { bytes: Uint8Array; gaps: Gap[] } {
    const length = Math.min(this.#total, this.#ring.length);
    const at = this.#total % this.#ring.length;
    const bytes =
      length < this.#ring.length
        ? this.#ring.slice(0, length)
        : Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
    // The oldest line may have been overwritten in part.
    const cut = this.#total > this.#ring.length ? bytes.indexOf(0x0a) + 1 : 0;
    const start = this.#total - length + cut;
    return {
      bytes: bytes.subarray(cut),
      gaps: this.#gaps.filter((gap) => gap.at >= start).map((gap) => ({ ...gap, at: gap.at - start })),
    };
  }
}
