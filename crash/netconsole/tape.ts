/**
 * What one sender sent of late: netconsole's datagrams in the order in which they came, in blocks of bounded memory, the
 * oldest of which can be cut off. Pure; what is in them is not known here.
 */
import type { Blocks } from '../blocks.ts';

/** A datagram as it is kept. */
export interface Recorded {
  /** -1 for basic ones. */
  readonly seq: number;
  readonly uptimeUs: number;
  readonly fragmentOffset: number;
  readonly fragmentLength: number;
  /** What followed the header. */
  readonly body: Buffer;
}

/** What is kept of a datagram: the fields in the order of {@link Recorded}, the body's length, the body. */
const ENTRY = { seq: 0, uptime: 8, offset: 16, length: 20, bodyLength: 24, body: 32 } as const;

export class Tape {
  readonly #blocks: Blocks;
  readonly #taken: number[] = [];
  /** Bytes that the newest block holds; of the others it is told by {@link #ends}. */
  #end = 0;
  readonly #ends: number[] = [];

  /** @param blocks that hold a datagram each at least */
  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  /** Blocks that are taken. */
  get length(): number {
    return this.#taken.length;
  }

  /** Keeps a datagram, whose body is `[start, end)`. What does not fit a block is cut. False when no block is left. */
  add(entry: Omit<Recorded, 'body'>, bytes: Buffer, start: number, end: number): boolean {
    const { blockBytes } = this.#blocks;
    const bodyLength = Math.min(end - start, blockBytes - ENTRY.body);
    const needed = (ENTRY.body + bodyLength + 7) & ~7;
    if (this.#taken.length === 0 || this.#end + needed > blockBytes) {
      const block = this.#blocks.take();
      if (block < 0) return false;
      if (this.#taken.length > 0) this.#ends.push(this.#end);
      this.#taken.push(block);
      this.#end = 0;
    }
    const block = this.#taken.at(-1)!;
    const slab = this.#blocks.slabOf(block);
    const at = this.#blocks.startOf(block) + this.#end;
    slab.writeDoubleLE(entry.seq, at + ENTRY.seq);
    slab.writeDoubleLE(entry.uptimeUs, at + ENTRY.uptime);
    slab.writeUInt32LE(entry.fragmentOffset, at + ENTRY.offset);
    slab.writeUInt32LE(entry.fragmentLength, at + ENTRY.length);
    slab.writeUInt32LE(bodyLength, at + ENTRY.bodyLength);
    bytes.copy(slab, at + ENTRY.body, start, start + bodyLength);
    this.#end += needed;
    return true;
  }

  /** Cuts the oldest blocks off, so that at most `blocks` are left. */
  cut(blocks: number): void {
    while (this.#taken.length > blocks) {
      this.#blocks.give(this.#taken.shift()!);
      if (this.#taken.length === 0) this.#end = 0;
      else this.#ends.shift();
    }
  }

  /** Everything, in the order in which it came. The bodies are views, good until more is added or cut. */
  *read(): Generator<Recorded> {
    for (const [i, block] of this.#taken.entries()) {
      const slab = this.#blocks.slabOf(block);
      const start = this.#blocks.startOf(block);
      const end = start + (this.#ends[i] ?? this.#end);
      for (let at = start; at < end; ) {
        const bodyLength = slab.readUInt32LE(at + ENTRY.bodyLength);
        yield {
          seq: slab.readDoubleLE(at + ENTRY.seq),
          uptimeUs: slab.readDoubleLE(at + ENTRY.uptime),
          fragmentOffset: slab.readUInt32LE(at + ENTRY.offset),
          fragmentLength: slab.readUInt32LE(at + ENTRY.length),
          body: slab.subarray(at + ENTRY.body, at + ENTRY.body + bodyLength),
        };
        at += (ENTRY.body + bodyLength + 7) & ~7;
      }
    }
  }
}
