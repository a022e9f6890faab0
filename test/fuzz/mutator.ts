/**
 * Makes inputs out of well-formed ones by changing their bytes. Each is a function of the seed and the number of the run, so
 * that it can be made again. It must not know any format.
 */
import { Random } from './random.ts';

/** The longest input, bytes. */
export const MOST_BYTES = 4096;

const MOST_CHANGES = 5;
/** Where most formats have lengths and types. */
const FRONT_BYTES = 64;
const MOST_CHUNK_BYTES = 64;
const TELLING_BYTES = [0x00, 0x01, 0x03, 0x04, 0x05, 0x0a, 0x20, 0x2f, 0x40, 0x7f, 0x80, 0xfe, 0xff];

export class Mutator {
  readonly #corpus: readonly Uint8Array[];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #random = new Random();
  #length = 0;

  /** @param bytes where inputs are made: MOST_BYTES. */
  constructor(corpus: readonly Uint8Array[], bytes: Uint8Array) {
    this.#corpus = corpus;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Makes the input of a run at the start of the bytes; what lies behind it stays. @returns its length */
  make(seed: number, run: number): number {
    const random = this.#random;
    random.begin(seed, run);
    this.#length = 0;
    if (random.below(256) === 0) {
      this.#append(random.below(512), true);
      return this.#length;
    }
    this.#copy(this.#corpus[random.below(this.#corpus.length)]!, 0);
    // One in six stays as it is: what is well-formed has to go through as well.
    for (let changes = random.below(MOST_CHANGES + 1); changes > 0; changes--) this.#change();
    return this.#length;
  }

  #change(): void {
    const random = this.#random;
    const kind = random.below(12);
    if (this.#length === 0 || kind === 0) {
      this.#append(1 + random.below(MOST_CHUNK_BYTES), random.below(2) === 0);
      return;
    }
    const at = this.#place();
    switch (kind) {
      case 1:
      case 2:
        this.#bytes[at]! ^= 1 << random.below(8);
        return;
      case 3:
        this.#bytes[at] = random.next();
        return;
      case 4:
        this.#bytes[at] = TELLING_BYTES[random.below(TELLING_BYTES.length)]!;
        return;
      case 5:
      case 6:
      case 7:
        this.#changeNumber(at & ~1);
        return;
      case 8:
        this.#length = random.below(2) === 0 ? at : random.below(this.#length);
        return;
      case 9:
        this.#duplicate(at, this.#chunk(at));
        return;
      case 10:
        this.#remove(at, this.#chunk(at));
        return;
      default:
        this.#length = at;
        this.#splice();
    }
  }

  #place(): number {
    const isInFront = this.#random.below(2) === 0;
    return this.#random.below(isInFront ? Math.min(this.#length, FRONT_BYTES) : this.#length);
  }

  #chunk(at: number): number {
    return 1 + this.#random.below(Math.min(this.#length - at, MOST_CHUNK_BYTES));
  }

  /** Changes what may be a length or a count: 16 or 32 bits in either order of bytes. */
  #changeNumber(at: number): void {
    const random = this.#random;
    const little = random.below(2) === 0;
    if (random.below(2) === 0) {
      if (at + 2 > this.#length) return;
      this.#view.setUint16(at, this.#number(this.#view.getUint16(at, little), at, 0xffff), little);
    } else {
      if (at + 4 > this.#length) return;
      this.#view.setUint32(at, this.#number(this.#view.getUint32(at, little), at, 0xffff_ffff), little);
    }
  }

  #number(old: number, at: number, most: number): number {
    const random = this.#random;
    switch (random.below(5)) {
      case 0:
        return old + random.below(9) - 4;
      case 1:
        return this.#length - at + random.below(9) - 4;
      case 2:
        return random.below(17);
      case 3:
        return most - random.below(5);
      default:
        return random.next();
    }
  }

  #append(bytes: number, isRandom: boolean): void {
    const end = Math.min(MOST_BYTES, this.#length + bytes);
    for (let i = this.#length; i < end; i++) this.#bytes[i] = isRandom ? this.#random.next() : 0;
    this.#length = end;
  }

  #duplicate(at: number, bytes: number): void {
    const end = Math.min(MOST_BYTES, this.#length + bytes);
    this.#bytes.copyWithin(at + bytes, at, end - bytes);
    this.#length = end;
  }

  #remove(at: number, bytes: number): void {
    this.#bytes.copyWithin(at, at + bytes, this.#length);
    this.#length -= bytes;
  }

  /** Goes on with the end of another one. */
  #splice(): void {
    const other = this.#corpus[this.#random.below(this.#corpus.length)]!;
    this.#copy(other, this.#random.below(other.length + 1));
  }

  #copy(from: Uint8Array, start: number): void {
    const end = Math.min(from.length, start + MOST_BYTES - this.#length);
    for (let i = start; i < end; i++) this.#bytes[this.#length++] = from[i]!;
  }
}
