/**
 * A fixed amount of memory in blocks of one size, for what strangers send: nothing of it is ever garbage, and what is taken
 * never exceeds what was granted. Memory is claimed from the system a slab at a time, when it is first needed. Pure.
 */

/** Bytes that are claimed at once. */
const SLAB_BYTES = 256 * 1024;

export class Blocks {
  readonly blockBytes: number;
  /** Blocks that there are at most. */
  readonly capacity: number;
  readonly #blocksPerSlab: number;
  readonly #slabs: Buffer[] = [];
  /** Blocks that were given back, the next to be taken last. */
  readonly #free: Int32Array;
  #freeLength = 0;
  /** Blocks that were ever taken: the next is this one. */
  #touched = 0;

  /**
   * @param blockBytes a power of two, at most 256 KiB
   * @param bytes how much there may be at most; rounded down to whole blocks, but at least one
   */
  constructor(blockBytes: number, bytes: number) {
    this.blockBytes = blockBytes;
    this.capacity = Math.max(1, Math.floor(bytes / blockBytes));
    this.#blocksPerSlab = SLAB_BYTES / blockBytes;
    this.#free = new Int32Array(this.capacity);
  }

  /** Blocks that are taken. */
  get taken(): number {
    return this.#touched - this.#freeLength;
  }

  /** Takes a block, whose contents are whatever they were. Returns -1 when there is none left. */
  take(): number {
    if (this.#freeLength > 0) return this.#free[--this.#freeLength]!;
    if (this.#touched === this.capacity) return -1;
    const slab = Math.floor(this.#touched / this.#blocksPerSlab);
    if (slab === this.#slabs.length) this.#slabs.push(Buffer.allocUnsafeSlow(SLAB_BYTES));
    return this.#touched++;
  }

  /** Gives a block back, which must have been taken. */
  give(block: number): void {
    this.#free[this.#freeLength++] = block;
  }

  /** The memory that holds a block, from {@link startOf} on. */
  slabOf(block: number): Buffer {
    return this.#slabs[Math.floor(block / this.#blocksPerSlab)]!;
  }

  startOf(block: number): number {
    return (block % this.#blocksPerSlab) * this.blockBytes;
  }
}
