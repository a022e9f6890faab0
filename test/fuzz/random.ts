/**
 * Numbers that look random, the same ones for the same seed and run: xoroshiro64** by Blackman and Vigna, which keeps two
 * words and allocates nothing.
 */
export class Random {
  #a = 1;
  #b = 0;

  /** Begins the numbers of a run. */
  begin(seed: number, run: number): void {
    this.#a = mix(seed ^ mix(run));
    // Never both 0: nothing else would ever follow.
    this.#b = mix(run ^ mix(seed ^ 0x5bd1_e995)) | 1;
  }

  /** 32 bits, from 0 on. */
  next(): number {
    const a = this.#a;
    const b = this.#b ^ a;
    this.#a = rotate(a, 26) ^ b ^ (b << 9);
    this.#b = rotate(b, 13);
    return Math.imul(rotate(Math.imul(a, 0x9e37_79bb), 5), 5) >>> 0;
  }

  /** A whole number from 0 on, less than `end`. */
  below(end: number): number {
    return Math.trunc((this.next() / 2 ** 32) * end);
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Spreads neighbours far apart: the finalizer of MurmurHash3. */
function mix(word: number): number {
  let h = word + 0x9e37_79b9;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
