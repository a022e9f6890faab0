/** Dice with a seed: the same seed throws the same on every machine. Must not know what is decided by them. */

export class Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: string) {
    this.#seed = seed;
    [this.#a, this.#b, this.#c] = [hash(seed, 1), hash(seed, 2), hash(seed, 3)];
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Dice of their own, so that what is decided by one kind of them does not change what others throw. */
  fork(name: string): Random {
    return new Random(`${this.#seed}/${name}`);
  }

  /** From 0 up to, and without, 1. The generator is sfc32. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  }

  /** An integer from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A number from `least` up to `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  exponential(mean: number): number {
    // As rounded() does, and fast: every message throws this.
    return Math.fround(-Math.log(1 - this.next()) * mean);
  }

  /** As likely in each decade: from `least` up to `most`, both above 0. */
  logUniform(least: number, most: number): number {
    return rounded(least * Math.exp(this.next() * Math.log(most / least)));
  }

  /** Half of them below `median`; two thirds within a factor of e^`sigma`. */
  logNormal(median: number, sigma: number): number {
    return rounded(median * Math.exp(this.normal() * sigma));
  }

  /** Nearly normal, with mean 0 and deviation 1, at most 3.5 from it. */
  normal(): number {
    return (this.next() + this.next() + this.next() + this.next() - 2) * Math.sqrt(3);
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** `count` different ones, or all when there are fewer, in the order in which they stand. */
  sample<T>(from: readonly T[], count: number): T[] {
    const sampled: T[] = [];
    for (const [i, one] of from.entries()) {
      if (this.next() * (from.length - i) < count - sampled.length) sampled.push(one);
    }
    return sampled;
  }

  /** All of them, in any order. */
  shuffle<T>(from: readonly T[]): T[] {
    const mixed = [...from];
    for (let i = mixed.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [mixed[i], mixed[other]] = [mixed[other]!, mixed[i]!];
    }
    return mixed;
  }
}

/** Processors disagree on the last bit of Math.log and Math.exp. */
function rounded(value: number): number {
  return Number(value.toPrecision(9));
}

/** FNV-1a of 32 bits, then mixed. */
function hash(text: string, salt: number): number {
  let state = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b1);
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return Math.imul(state ^ (state >>> 13), 0xc2b2ae35) ^ (state >>> 16);
}
