/**
 * Netlink messages and their attributes, read where they lie. Pure: nothing is copied, nothing is allocated for a
 * message, and bytes that make no sense end the walk instead of throwing.
 *
 * Layouts: `struct nlmsghdr` and `struct nlattr` in include/uapi/linux/netlink.h, in the byte order of the machine,
 * which is little-endian on those supported. Both are aligned to 4 bytes.
 */

export const MESSAGE_HEADER_BYTES = 16;
export const ATTRIBUTE_HEADER_BYTES = 4;
/** What a generic netlink message's payload begins with: command, version and two bytes of nothing. */
export const GENERIC_HEADER_BYTES = 4;

/** Flags for nesting and byte order, which senders may set or not: a type is what remains. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** Rounds up to the 4 bytes that messages and attributes are aligned to. */
export function align(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** Walks over the messages in a stretch of a slab. */
export class MessageCursor {
  type = 0;
  flags = 0;
  sequence = 0;
  /** The port of who the message answers; 0 in notifications. */
  port = 0;
  /** Where the payload begins and ends in the slab. */
  start = 0;
  end = 0;
  readonly #view: DataView;
  #next = 0;
  #limit = 0;

  constructor(slab: Uint8Array) {
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
  }

  /** Begins at `start`; `end` is where the datagram ends. Both are offsets in the slab and cut to it. */
  reset(start: number, end: number): void {
    this.#limit = Math.min(end, this.#view.byteLength);
    this.#next = start;
  }

  /** Goes to the next message. @returns false after the last, and where no message can be. */
  next(): boolean {
    const at = this.#next;
    if (this.#limit - at < MESSAGE_HEADER_BYTES) return false;
    const length = this.#view.getUint32(at, true);
    if (length < MESSAGE_HEADER_BYTES || length > this.#limit - at) return false;
    this.type = this.#view.getUint16(at + 4, true);
    this.flags = this.#view.getUint16(at + 6, true);
    this.sequence = this.#view.getUint32(at + 8, true);
    this.port = this.#view.getUint32(at + 12, true);
    this.start = at + MESSAGE_HEADER_BYTES;
    this.end = at + length;
    this.#next = Math.min(at + align(length), this.#limit);
    return true;
  }

  /** Bytes behind the last message that are none: above 0 after a walk, the datagram was malformed. */
  get rest(): number {
    return Math.max(0, this.#limit - this.#next);
  }
}

/** Walks over the attributes in a stretch of a slab, and reads their payloads. */
export class AttributeCursor {
  /** Without the flags for nesting and byte order. */
  type = 0;
  /** Where the payload begins and ends in the slab. */
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #next = 0;
  #limit = 0;

  constructor(slab: Uint8Array) {
    this.#bytes = slab;
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
  }

  /** Begins at `start`, an offset in the slab; `end` is cut to it. */
  reset(start: number, end: number): void {
    this.#limit = Math.min(end, this.#view.byteLength);
    this.#next = start;
  }

  /** Goes to the next attribute. @returns false after the last, and where no attribute can be. */
  next(): boolean {
    const at = this.#next;
    if (this.#limit - at < ATTRIBUTE_HEADER_BYTES) return false;
    const length = this.#view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || length > this.#limit - at) return false;
    this.type = this.#view.getUint16(at + 2, true) & ATTRIBUTE_TYPE_MASK;
    this.start = at + ATTRIBUTE_HEADER_BYTES;
    this.end = at + length;
    this.#next = Math.min(at + align(length), this.#limit);
    return true;
  }

  /** Bytes behind the last attribute that are none: above 0 after a walk, the message was malformed. */
  get rest(): number {
    return Math.max(0, this.#limit - this.#next);
  }

  /** The payload as a number; −1 when it is shorter. */
  u8(): number {
    return this.end - this.start < 1 ? -1 : this.#view.getUint8(this.start);
  }

  /** The payload as a number; −1 when it is shorter. */
  u16(): number {
    return this.end - this.start < 2 ? -1 : this.#view.getUint16(this.start, true);
  }

  /** The payload as a number; −1 when it is shorter. */
  u32(): number {
    return this.end - this.start < 4 ? -1 : this.#view.getUint32(this.start, true);
  }

  /** The payload as a number, which has lost its low bits beyond 2^53; −1 when it is shorter. */
  u64(): number {
    if (this.end - this.start < 8) return -1;
    return this.#view.getUint32(this.start, true) + this.#view.getUint32(this.start + 4, true) * 2 ** 32;
  }

  /** Where the string in the payload ends: before its first NUL, or with the payload. */
  stringEnd(): number {
    let at = this.start;
    while (at < this.end && this.#bytes[at] !== 0) at++;
    return at;
  }

  /** The string in the payload. Allocates, other than the rest. */
  string(): string {
    return UTF8.decode(this.#bytes.subarray(this.start, this.stringEnd()));
  }
}

const UTF8 = new TextDecoder();
