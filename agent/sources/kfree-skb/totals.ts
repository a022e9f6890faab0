/**
 * What was read of each key the last time, so that the next time shows what moved. Pure; allocates nothing
 * once a key is known.
 *
 * An open-addressed hash table in typed arrays over keys of four 32-bit words. Keys never leave it, as they
 * never leave the kernel's.
 */
export class Totals {
  readonly #mask: number;
  /** One more than the number of the key that a place holds; 0 for none. */
  readonly #numbers: Uint32Array;
  readonly #keys: Uint32Array;
  /** Three counts a key: as settled the last time, and as added up since. */
  readonly #settled: Float64Array;
  readonly #added: Float64Array;
  #count = 0;

  /** How far the key moved that was settled last. */
  events = 0;
  packets = 0;
  bytes = 0;

  /** @param maxKeys keys that it can hold. */
  constructor(maxKeys: number) {
    const places = 2 ** Math.ceil(Math.log2(maxKeys * 2));
    this.#mask = places - 1;
    this.#numbers = new Uint32Array(places);
    this.#keys = new Uint32Array(maxKeys * 4);
    this.#settled = new Float64Array(maxKeys * 3);
    this.#added = new Float64Array(maxKeys * 3);
  }

  /** Keys that it holds, numbered from 0 in the order in which they were first seen. */
  get size(): number {
    return this.#count;
  }

  /** One of the four words of a key. */
  word(number: number, index: number): number {
    return this.#keys[number * 4 + index]!;
  }

  /**
   * The number of the key at `words[at..at+3]`, which is taken in if it is new.
   * @throws RangeError when there are more keys than it was made for.
   */
  number(words: Uint32Array, at: number): number {
    const place = this.#place(words, at);
    const known = this.#numbers[place]!;
    if (known !== 0) return known - 1;
    const number = this.#count;
    if (number * 4 === this.#keys.length) throw new RangeError(`more than ${number} keys`);
    for (let word = 0; word < 4; word++) this.#keys[number * 4 + word] = words[at + word]!;
    this.#numbers[place] = number + 1;
    this.#count++;
    return number;
  }

  /** The number of the key at `words[at..at+3]`, -1 if it is not known. */
  find(words: Uint32Array, at: number): number {
    return this.#numbers[this.#place(words, at)]! - 1;
  }

  /** Where the key at `words[at..at+3]` is, or would be. */
  #place(words: Uint32Array, at: number): number {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    let hash = Math.imul(a ^ Math.imul(c, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(b ^ d, 0xc2b2ae35);
    hash ^= hash >>> 15;
    let place = hash & this.#mask;
    for (; this.#numbers[place] !== 0; place = (place + 1) & this.#mask) {
      const key = (this.#numbers[place]! - 1) * 4;
      if (
        this.#keys[key] === a &&
        this.#keys[key + 1] === b &&
        this.#keys[key + 2] === c &&
        this.#keys[key + 3] === d
      ) {
        break;
      }
    }
    return place;
  }

  /** Adds to what a key's new totals are made of. */
  add(number: number, events: number, packets: number, bytes: number): void {
    this.#added[number * 3]! += events;
    this.#added[number * 3 + 1]! += packets;
    this.#added[number * 3 + 2]! += bytes;
  }

  /**
   * Takes what was added up as the key's new totals; `events`, `packets` and `bytes` then hold how far each moved.
   * @returns whether any did.
   */
  settle(number: number): boolean {
    const at = number * 3;
    this.events = this.#move(at);
    this.packets = this.#move(at + 1);
    this.bytes = this.#move(at + 2);
    return this.events !== 0 || this.packets !== 0 || this.bytes !== 0;
  }

  #move(at: number): number {
    const now = this.#added[at]!;
    const moved = now - this.#settled[at]!;
    this.#settled[at] = now;
    this.#added[at] = 0;
    return moved;
  }
}
