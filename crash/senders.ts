/**
 * Who sends: a table of bounded size from addresses to numbers, in which a sender keeps its number until it makes room for
 * another. It allocates nothing after it was made, however many senders come by. Pure; it must not know what they send, only
 * how useful it is.
 *
 * Those of whom little is known are on probation; the others are established, and the operator's own known. Room is made by
 * the least useful of a few that were heard longest ago: of those on probation, so that a flood of strangers pushes out
 * itself; of the established where strangers have less than their share of the table, or nobody else is on probation; of the
 * known where nobody else is left.
 */

/** 128 bits in network order; IPv4 as in ::ffff:0:0/96. What tells apart several streams of one address goes in as well. */
export interface SenderKey {
  a: number;
  b: number;
  c: number;
  d: number;
  stream: number;
}

export const PROBATION = 0;
export const ESTABLISHED = 1;
export const KNOWN = 2;
type Standing = typeof PROBATION | typeof ESTABLISHED | typeof KNOWN;

/** Of how many that were heard longest ago the least useful one goes. */
const CANDIDATES = 8;
/** What strangers may have of the table when established senders would take all of it. */
const STRANGERS_SHARE = 0.25;
const NONE = -1;
const STRANGERS_FIRST: readonly Standing[] = [PROBATION, ESTABLISHED, KNOWN];
const ESTABLISHED_FIRST: readonly Standing[] = [ESTABLISHED, PROBATION, KNOWN];

export class Senders {
  readonly capacity: number;
  /** When a sender was heard last, microseconds. */
  readonly lastUs: Float64Array;
  /** How useful what it sent is: to be kept up to date by whoever knows. */
  readonly usefulness: Uint32Array;
  readonly #keys: Uint32Array;
  readonly #standing: Uint8Array;
  /** Open addressing with linear probing: a number + 1, 0 where nothing is. */
  readonly #buckets: Int32Array;
  readonly #mask: number;
  readonly #seed: number;
  /** Neighbours in the list of the same standing: the one heard before, the one heard after. */
  readonly #before: Int32Array;
  readonly #after: Int32Array;
  readonly #oldest = [NONE, NONE, NONE];
  readonly #newest = [NONE, NONE, NONE];
  readonly #count = [0, 0, 0];
  readonly #free: Int32Array;
  #freeLength: number;

  /** @param seed keeps senders from choosing addresses that collide; any integer */
  constructor(capacity: number, seed: number) {
    this.capacity = capacity;
    this.lastUs = new Float64Array(capacity);
    this.usefulness = new Uint32Array(capacity);
    this.#keys = new Uint32Array(capacity * 5);
    this.#standing = new Uint8Array(capacity);
    const buckets = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#buckets = new Int32Array(buckets);
    this.#mask = buckets - 1;
    this.#seed = seed | 0;
    this.#before = new Int32Array(capacity);
    this.#after = new Int32Array(capacity);
    this.#free = Int32Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
    this.#freeLength = capacity;
  }

  get size(): number {
    return this.capacity - this.#freeLength;
  }

  count(standing: Standing): number {
    return this.#count[standing]!;
  }

  /** The number of a sender, or -1. */
  find(key: SenderKey): number {
    for (let at = this.#hash(key) & this.#mask; ; at = (at + 1) & this.#mask) {
      const sender = this.#buckets[at]! - 1;
      if (sender < 0) return NONE;
      const k = sender * 5;
      const keys = this.#keys;
      if (
        keys[k + 3] === key.d &&
        keys[k + 2] === key.c &&
        keys[k + 4] === key.stream &&
        keys[k + 1] === key.b &&
        keys[k] === key.a
      ) {
        return sender;
      }
    }
  }

  /** A number for a sender that has none, on probation; -1 when room must be made first ({@link victim}, {@link remove}). */
  add(key: SenderKey, nowUs: number): number {
    if (this.#freeLength === 0) return NONE;
    const sender = this.#free[--this.#freeLength]!;
    const k = sender * 5;
    this.#keys[k] = key.a;
    this.#keys[k + 1] = key.b;
    this.#keys[k + 2] = key.c;
    this.#keys[k + 3] = key.d;
    this.#keys[k + 4] = key.stream;
    this.lastUs[sender] = nowUs;
    this.usefulness[sender] = 0;
    this.#standing[sender] = PROBATION;
    let at = this.#hash(key) & this.#mask;
    while (this.#buckets[at] !== 0) at = (at + 1) & this.#mask;
    this.#buckets[at] = sender + 1;
    this.#append(sender, PROBATION);
    return sender;
  }

  /** A sender was heard. */
  heard(sender: number, nowUs: number): void {
    this.lastUs[sender] = nowUs;
    const standing = this.#standing[sender] as Standing;
    if (this.#newest[standing] === sender) return;
    this.#unlink(sender, standing);
    this.#append(sender, standing);
  }

  /** A sender is taken for established from now on, or no more. */
  stand(sender: number, standing: Standing): void {
    if (this.#standing[sender] === standing) return;
    this.#unlink(sender, this.#standing[sender] as Standing);
    this.#standing[sender] = standing;
    this.#append(sender, standing);
  }

  /** Who is to make room; -1 when nobody is there. @param but somebody who is not to, -1 for none */
  victim(but = NONE): number {
    const isShort =
      this.#freeLength === 0 &&
      this.#count[PROBATION]! < this.capacity * STRANGERS_SHARE &&
      this.#count[ESTABLISHED]! > 0;
    const order = isShort ? ESTABLISHED_FIRST : STRANGERS_FIRST;
    for (const standing of order) {
      const victim = this.#leastUseful(standing, but);
      if (victim !== NONE) return victim;
    }
    return NONE;
  }

  /** The least useful of a few that were heard longest ago; of those as useful the one that was heard first. */
  #leastUseful(standing: Standing, but: number): number {
    let victim = NONE;
    let seen = 0;
    for (let at = this.#oldest[standing]!; at !== NONE && seen < CANDIDATES; at = this.#after[at]!) {
      if (at === but) continue;
      seen++;
      if (victim === NONE || this.usefulness[at]! < this.usefulness[victim]!) victim = at;
    }
    return victim;
  }

  /** Takes a sender's number away. */
  remove(sender: number): void {
    const key = this.keyOf(sender);
    let at = this.#hash(key) & this.#mask;
    while (this.#buckets[at] !== sender + 1) at = (at + 1) & this.#mask;
    this.#close(at);
    this.#unlink(sender, this.#standing[sender] as Standing);
    this.#free[this.#freeLength++] = sender;
  }

  /** The one that was heard longest ago, or -1. */
  oldest(standing: Standing): number {
    return this.#oldest[standing]!;
  }

  /** Of the same standing, the one that was heard next after this one, or -1. */
  next(sender: number): number {
    return this.#after[sender]!;
  }

  keyOf(sender: number): SenderKey {
    const k = sender * 5;
    const keys = this.#keys;
    return { a: keys[k]!, b: keys[k + 1]!, c: keys[k + 2]!, d: keys[k + 3]!, stream: keys[k + 4]! };
  }

  /** Takes a bucket out and moves up those behind it that would not be found any more. */
  #close(hole: number): void {
    const buckets = this.#buckets;
    let at = hole;
    for (;;) {
      buckets[hole] = 0;
      for (;;) {
        at = (at + 1) & this.#mask;
        const sender = buckets[at]! - 1;
        if (sender < 0) return;
        const home = this.#hashOf(sender) & this.#mask;
        // Whether its place by right is cyclically outside of (hole, at].
        if (((at - home) & this.#mask) >= ((at - hole) & this.#mask)) break;
      }
      buckets[hole] = buckets[at]!;
      hole = at;
    }
  }

  #append(sender: number, standing: Standing): void {
    const newest = this.#newest[standing]!;
    this.#before[sender] = newest;
    this.#after[sender] = NONE;
    if (newest === NONE) this.#oldest[standing] = sender;
    else this.#after[newest] = sender;
    this.#newest[standing] = sender;
    this.#count[standing]!++;
  }

  #unlink(sender: number, standing: Standing): void {
    const before = this.#before[sender]!;
    const after = this.#after[sender]!;
    if (before === NONE) this.#oldest[standing] = after;
    else this.#after[before] = after;
    if (after === NONE) this.#newest[standing] = before;
    else this.#before[after] = before;
    this.#count[standing]!--;
  }

  #hashOf(sender: number): number {
    const k = sender * 5;
    const keys = this.#keys;
    return mix(this.#seed, keys[k]!, keys[k + 1]!, keys[k + 2]!, keys[k + 3]!, keys[k + 4]!);
  }

  #hash(key: SenderKey): number {
    return mix(this.#seed, key.a, key.b, key.c, key.d, key.stream);
  }
}

/** Murmur3's mixing of 32-bit words, without its length. */
function mix(seed: number, a: number, b: number, c: number, d: number, e: number): number {
  let h = round(round(round(round(round(seed, a), b), c), d), e);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function round(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e_2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
  const mixed = h ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe654_6b64) | 0;
}
