/**
 * Counts by kind of drop, for kinds whose names lie in a slab as bytes: a hash table of bounded size in typed arrays.
 * Pure; allocates nothing for a drop of a known kind. It must not know what the kinds are called.
 */

/** Bytes of a name that kinds are told apart by; drop reasons and traps are shorter. */
const NAME_BYTES = 64;
const HEAD_WORDS = 4;

export class Kinds {
  readonly #most: number;
  readonly #mask: number;
  /** One more than the number of the kind that a place holds; 0 for none. */
  readonly #numbers: Uint32Array;
  /** Of each kind: the two halves of its address, its tag, and how long its name is. */
  readonly #heads: Uint32Array;
  readonly #names: Uint8Array;
  readonly #events: Float64Array;
  readonly #bytes: Float64Array;
  #size = 0;

  constructor(most: number) {
    const places = 2 ** Math.ceil(Math.log2(most * 2));
    this.#most = most;
    this.#mask = places - 1;
    this.#numbers = new Uint32Array(places);
    this.#heads = new Uint32Array(most * HEAD_WORDS);
    this.#names = new Uint8Array(most * NAME_BYTES);
    this.#events = new Float64Array(most);
    this.#bytes = new Float64Array(most);
  }

  /** Kinds that it holds, numbered from 0 in the order in which they were first seen. */
  get size(): number {
    return this.#size;
  }

  /**
   * The number of the kind of that address, tag and name, `slab[start, end)`, which is taken in if it is new; −1 when it
   * is new and there is no room.
   */
  number(high: number, low: number, tag: number, slab: Uint8Array, start: number, end: number): number {
    const length = Math.min(end - start, NAME_BYTES);
    let hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(tag, 0xc2b2ae35);
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ slab[start + i]!, 0x01000193);
    hash ^= hash >>> 15;
    let place = hash & this.#mask;
    for (let known = this.#numbers[place]!; known !== 0; known = this.#numbers[place]!) {
      if (this.#is(known - 1, high, low, tag, slab, start, length)) return known - 1;
      place = (place + 1) & this.#mask;
    }
    if (this.#size === this.#most) return -1;
    const number = this.#size++;
    this.#numbers[place] = number + 1;
    this.#heads.set([high, low, tag, length], number * HEAD_WORDS);
    for (let i = 0; i < length; i++) this.#names[number * NAME_BYTES + i] = slab[start + i]!;
    return number;
  }

  add(number: number, events: number, bytes: number): void {
    this.#events[number]! += events;
    this.#bytes[number]! += bytes;
  }

  /** Visits the kinds that were added to since the last time, with how much. */
  take(visit: (number: number, events: number, bytes: number) => void): void {
    for (let number = 0; number < this.#size; number++) {
      const events = this.#events[number]!;
      if (events === 0) continue;
      const bytes = this.#bytes[number]!;
      this.#events[number] = this.#bytes[number] = 0;
      visit(number, events, bytes);
    }
  }

  #is(
    number: number,
    high: number,
    low: number,
    tag: number,
    slab: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    const head = number * HEAD_WORDS;
    const heads = this.#heads;
    if (heads[head] !== high || heads[head + 1] !== low) return false;
    if (heads[head + 2] !== tag || heads[head + 3] !== length) return false;
    const name = number * NAME_BYTES;
    for (let i = 0; i < length; i++) if (this.#names[name + i] !== slab[start + i]) return false;
    return true;
  }
}
