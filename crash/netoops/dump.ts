/**
 * One dump of netoops: puts the pieces of a log into their places, whatever order they come in, and says what is missing.
 * Pure; whose dump it is, and for how long it is waited, is not known here.
 *
 * The kernel gives its ring buffer as two segments, s1 the older. Each is cut into pieces of 1024 bytes from its beginning,
 * and the pieces are numbered from the end: 0 is the newest of s2, and those of s1 go on behind the oldest of s2. The newest
 * piece of each segment is filled up with zeros. The log is thus the pieces from the highest number down to 0, without these
 * zeros. The driver of 2010 has a flaw that is known here: of a segment whose length is a multiple of 1024 it sends zeros
 * alone in the place of the newest piece.
 */
import type { Blocks } from '../blocks.ts';
import type { CrashLog, Hole } from '../log.ts';
import { PIECE_BYTES } from './packet.ts';

export type Added = 'new' | 'duplicate' | 'conflict' | 'full';

export class Dump {
  readonly packetCount: number;
  readonly #blocks: Blocks;
  /** By number. */
  readonly #pieces = new Map<number, number>();
  /** Instead of the pieces, once these were given back: what tells whether another one is the same. */
  #hashes: Map<number, number> | null = null;
  /** Pieces that an earlier dump has, too, and that may be repetitions of it: what conflicts with one replaces it. */
  #shared: Set<number> | undefined;

  /** @param blocks of at least 1024 bytes */
  constructor(blocks: Blocks, packetCount: number) {
    this.#blocks = blocks;
    this.packetCount = packetCount;
  }

  /** Pieces that are there. */
  get size(): number {
    return this.#hashes?.size ?? this.#pieces.size;
  }

  get isWhole(): boolean {
    return this.size === this.packetCount && !this.#shared?.size;
  }

  /** Whether it holds its pieces, and not only what they are told from others by. */
  get hasPieces(): boolean {
    return this.#hashes === null;
  }

  /** Whether a piece that it does not hold may still be of it. */
  lacks(packetNo: number): boolean {
    if (this.#hashes) return false;
    return !this.#pieces.has(packetNo) || this.#shared?.has(packetNo) === true;
  }

  /** Whether the piece at `start` is the one that is there already. */
  holds(packetNo: number, bytes: Buffer, start: number): boolean {
    if (this.#hashes) return this.#hashes.get(packetNo) === hashOf(bytes, start);
    const block = this.#pieces.get(packetNo);
    if (block === undefined) return false;
    const at = this.#blocks.startOf(block);
    return this.#blocks.slabOf(block).compare(bytes, start, start + PIECE_BYTES, at, at + PIECE_BYTES) === 0;
  }

  /**
   * Takes the piece at `start`. `full`: there was no block left, and it was not taken.
   * @param isShared an earlier dump of the same number holds the very same piece
   */
  add(packetNo: number, bytes: Buffer, start: number, isShared: boolean): Added {
    const known = this.#pieces.get(packetNo);
    if (known !== undefined) {
      if (this.holds(packetNo, bytes, start)) {
        if (!isShared) this.#shared?.delete(packetNo);
        return 'duplicate';
      }
      if (isShared || !this.#shared?.delete(packetNo)) return 'conflict';
      this.#write(known, bytes, start);
      return 'new';
    }
    const block = this.#blocks.take();
    if (block < 0) return 'full';
    this.#write(block, bytes, start);
    this.#pieces.set(packetNo, block);
    if (isShared) {
      this.#shared ??= new Set();
      this.#shared.add(packetNo);
    }
    return 'new';
  }

  /** The log as far as it is there. */
  assemble(): CrashLog {
    const wrap = this.#wrap();
    // The newest piece of a segment may be short. Until that of the older one is seen, each lost piece may be it.
    const mayEnd = (packetNo: number) => packetNo === 0 || wrap < 0;
    const parts: Uint8Array[] = [];
    const holes: Hole[] = [];
    let at = 0;
    let wrapAt = 0;
    const lacks = (exact: boolean) => {
      const last = holes.at(-1);
      if (last?.at === at)
        holes[holes.length - 1] = { at, bytes: last.bytes + PIECE_BYTES, exact: last.exact && exact };
      else holes.push({ at, bytes: PIECE_BYTES, exact });
    };
    for (let packetNo = this.packetCount - 1; packetNo >= 0; packetNo--) {
      const piece = this.#piece(packetNo);
      if (!piece) {
        lacks(!mayEnd(packetNo));
        continue;
      }
      const ends = packetNo === 0 || packetNo === wrap;
      const part = ends ? withoutPadding(piece) : piece;
      if (part.length === 0) lacks(true);
      parts.push(part);
      at += part.length;
      if (packetNo === wrap) wrapAt = at;
    }
    return { bytes: Buffer.concat(parts), holes, wrapAt };
  }

  /** Gives all blocks of a whole dump back, which still knows its pieces when they come again. */
  releasePieces(): void {
    const hashes = new Map<number, number>();
    for (const [packetNo, block] of this.#pieces) {
      hashes.set(packetNo, hashOf(this.#blocks.slabOf(block), this.#blocks.startOf(block)));
    }
    this.release();
    this.#hashes = hashes;
  }

  /** Gives all blocks back. The dump is of no use any more. */
  release(): void {
    for (const block of this.#pieces.values()) this.#blocks.give(block);
    this.#pieces.clear();
  }

  /** The newest piece of the older segment, by its padding; -1 when none is to be seen. Logs are text: zeros are padding. */
  #wrap(): number {
    let wrap = -1;
    for (const [packetNo, block] of this.#pieces) {
      if (packetNo === 0 || (wrap >= 0 && packetNo > wrap)) continue;
      if (this.#blocks.slabOf(block)[this.#blocks.startOf(block) + PIECE_BYTES - 1] === 0) wrap = packetNo;
    }
    return wrap;
  }

  #piece(packetNo: number): Uint8Array | undefined {
    const block = this.#pieces.get(packetNo);
    if (block === undefined) return undefined;
    const at = this.#blocks.startOf(block);
    return this.#blocks.slabOf(block).subarray(at, at + PIECE_BYTES);
  }

  #write(block: number, bytes: Buffer, start: number): void {
    bytes.copy(this.#blocks.slabOf(block), this.#blocks.startOf(block), start, start + PIECE_BYTES);
  }
}

/** 32 bits of a piece, by FNV-1a over its words. */
function hashOf(bytes: Buffer, start: number): number {
  let hash = 0x811c_9dc5;
  for (let at = start; at < start + PIECE_BYTES; at += 4) {
    hash = Math.imul(hash ^ bytes.readInt32LE(at), 0x0100_0193);
  }
  return hash;
}

function withoutPadding(piece: Uint8Array): Uint8Array {
  let end = piece.length;
  while (end > 0 && piece[end - 1] === 0) end--;
  return piece.subarray(0, end);
}
