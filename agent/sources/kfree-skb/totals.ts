/**
 * What was read of each key the last time, so that the next time shows what moved. Pure; allocates nothing
 * once a key is known.
 *
 * An open-addressed hash table in typed arrays over keys of four 32-bit words. Keys never leave it, as they
 * never leave the kernel's table.
 */
export class Totals {
  readonly #keys: Uint32Array;
  readonly #mask: number;
  /** One more than the number of the key that a place holds; 0 for none. */
  readonly #numbers: Uint32Array;
  readonly #events: Float64Array;
  readonly #packets: Float64Array;
  readonly #bytes: Float64Array;
  #count = 0;

  /** The differences that the last {@link move} found. */
  events = 0;
  packets = 0;
  bytes = 0;

  /** @param maxKeys keys that it can hold. */
  constructor(maxKeys: number) {
    const places = 2 ** Math.ceil(Math.log2(maxKeys * 2));
    this.#mask = places - 1;
    this.#numbers = new Uint32Array(places);
    this.#keys = new Uint32Array(places * 4);
    this.#events = new Float64Array(maxKeys);
    this.#packets = new Float64Array(maxKeys);
    this.#bytes = new Float64Array(maxKeys);
  }

  /** Keys that it holds. */
  get size(): number {
    return this.#count;
  }

  /**
   * The number of the key at `words[at..at+3]`: 0, 1, 2 … in the order in which keys were first seen.
   * @throws RangeError when there are more keys than it was made for.
   */
  number(words: Uint32Array, at: number): number {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    let hash = Math.imul(a ^ Math.imul(c, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(b ^ d, 0xc2b2ae35);
    hash ^= hash >>> 15;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const number = this.#numbers[place]!;
      const key = place * 4;
      if (number === 0) {
        if (this.#count === this.#events.length) throw new RangeError(`more than ${this.#count} keys`);
        this.#keys[key] = a;
        this.#keys[key + 1] = b;
        this.#keys[key + 2] = c;
        this.#keys[key + 3] = d;
        this.#numbers[place] = ++this.#count;
        return this.#count - 1;
      }
      if (
        this.#keys[key] === a &&
        this.#keys[key + 1] === b &&
        this.#keys[key + 2] === c &&
        this.#keys[key + 3] === d
      ) {
        return number - 1;
      }
    }
  }

  /**
   * Notes a key's new totals; `events`, `packets` and `bytes` then hold how far each moved.
   * @returns whether any did.
   */
  move(number: number, events: number, packets: number, bytes: number): boolean {
    this.events = events - this.#events[number]!;
    this.packets = packets - this.#packets[number]!;
    this.bytes = bytes - this.#bytes[number]!;
    this.#events[number] = events;
    this.#packets[number] = packets;
    this.#bytes[number] = bytes;
    return this.events !== 0 || this.packets !== 0 || this.bytes !== 0;
  }
}
