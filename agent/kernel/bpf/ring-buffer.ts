/**
 * A BPF ring buffer (Linux 5.8): records that programs on all CPUs write in one order, read here without copying. It
 * must not know what a record holds.
 *
 * Layout: Documentation/bpf/ringbuf.rst. Mapped are a page that begins with the consumer's position, one that begins
 * with the producers', and the data twice in a row, so that a record never wraps. A record has a header of eight bytes,
 * whose first u32 is its length with two flags on top, and ends at a multiple of eight.
 */

import { mapShared, pageBytes, unmap } from '../libc.ts';
import { BpfMap, MapType } from './map.ts';

/** A program that submits a record with this flag leaves it to the reader when to look: no interrupt, no wake-up. */
export const NO_WAKEUP = 1;

const HEADER_BYTES = 8;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const LENGTH_MASK = 0x3fff_ffff;

export class RingBuffer {
  readonly map: BpfMap;
  /** All records; what {@link read} visits lies in it, at multiples of 8. Not to be touched once this is closed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #size: number;
  readonly #resources: DisposableStack;
  /** The positions as the kernel sees them: bytes ever read and ever reserved, u64 each. */
  readonly #consumed: BigUint64Array;
  readonly #produced: Uint32Array;
  readonly #words: Uint32Array;
  #position = 0;
  #released = 0;

  /**
   * @param bytes how much it holds: a power of two and a multiple of the page's size.
   * @throws KernelError: EINVAL for another size or before Linux 5.8, EPERM without CAP_BPF.
   */
  constructor(bytes: number, name: string) {
    using resources = new DisposableStack();
    this.map = resources.use(
      BpfMap.create({ type: MapType.ringBuffer, keyBytes: 0, valueBytes: 0, maxEntries: bytes, name }),
    );
    const map = (offset: number, length: number, access: 'read' | 'write') =>
      resources.use(new Mapping(this.map.fd, offset, length, access)).buffer;
    const page = pageBytes();
    const producer = map(page, page + 2 * bytes, 'read');
    this.#size = bytes;
    this.#consumed = new BigUint64Array(map(0, page, 'write'), 0, 1);
    this.#produced = new Uint32Array(producer, 0, 1);
    this.#words = new Uint32Array(producer, page);
    this.bytes = new Uint8Array(producer, page);
    this.#resources = resources.move();
  }

  /**
   * Visits the records that stand in it, oldest first, at most `most`. A record is gone after its visit.
   * @param visit gets where in {@link bytes} it begins, and its length.
   * @returns how many were visited; 0 when it is closed.
   */
  read(visit: (start: number, length: number) => void, most = Number.MAX_SAFE_INTEGER): number {
    if (this.#resources.disposed) return 0;
    let visited = 0;
    // The low words tell apart all positions that are less than the buffer's size from each other.
    while (visited < most && Atomics.load(this.#produced, 0) !== this.#position % 2 ** 32) {
      const start = this.#position % this.#size;
      const header = Atomics.load(this.#words, start / 4);
      // Reserved and still being written: what follows it waits, so that the order holds.
      if (header & BUSY) break;
      const length = header & LENGTH_MASK;
      if (!(header & DISCARDED)) {
        visit(start + HEADER_BYTES, length);
        visited++;
      }
      this.#position += Math.ceil((HEADER_BYTES + length) / 8) * 8;
      if (this.#position - this.#released > this.#size / 4) this.#release();
    }
    this.#release();
    return visited;
  }

  /** Lets go of it; a second time does nothing. */
  close(): void {
    this.#resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Gives the room of what was read back to the programs. */
  #release(): void {
    if (this.#released === this.#position) return;
    this.#released = this.#position;
    Atomics.store(this.#consumed, 0, BigInt(this.#position));
  }
}

/** A stretch of a file in this process's memory. */
class Mapping {
  readonly buffer: ArrayBuffer;
  readonly #address: bigint;
  readonly #length: number;

  constructor(fd: number, offset: number, length: number, access: 'read' | 'write') {
    const { address, buffer } = mapShared(fd, offset, length, access);
    this.buffer = buffer;
    this.#address = address;
    this.#length = length;
  }

  [Symbol.dispose](): void {
    unmap(this.#address, this.#length);
  }
}
