/**
 * Writes netlink messages into a buffer that is used again. It must not know what they mean.
 *
 * Layouts: see message.ts; `struct genlmsghdr` in include/uapi/linux/genetlink.h.
 */

import { ATTRIBUTE_HEADER_BYTES, align, GENERIC_HEADER_BYTES, MESSAGE_HEADER_BYTES } from './message.ts';

export class MessageWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #end = 0;

  /** @param capacity bytes that a message may take; writing beyond is a RangeError. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Begins a message, over the one before. */
  begin(type: number, flags = 0): this {
    this.#bytes.fill(0);
    this.#end = 0;
    this.header(MESSAGE_HEADER_BYTES);
    this.#view.setUint16(4, type, true);
    this.#view.setUint16(6, flags, true);
    return this;
  }

  /** Begins a message of a generic netlink family. */
  beginGeneric(family: number, version: number, command: number, flags = 0): this {
    this.begin(family, flags);
    const at = this.header(GENERIC_HEADER_BYTES);
    this.#view.setUint8(at, command);
    this.#view.setUint8(at + 1, version);
    return this;
  }

  /** Leaves room for a header of zeros behind what is written. @returns where it begins. */
  header(bytes: number): number {
    const at = this.#end;
    if (at + align(bytes) > this.#bytes.length) throw new RangeError('the message outgrows its writer');
    this.#end = at + align(bytes);
    return at;
  }

  u8(type: number, value: number): this {
    this.#view.setUint8(this.#attribute(type, 1), value);
    return this;
  }

  u16(type: number, value: number): this {
    this.#view.setUint16(this.#attribute(type, 2), value, true);
    return this;
  }

  u32(type: number, value: number): this {
    this.#view.setUint32(this.#attribute(type, 4), value, true);
    return this;
  }

  u64(type: number, value: bigint): this {
    this.#view.setBigUint64(this.#attribute(type, 8), value, true);
    return this;
  }

  /** A string and its NUL. */
  string(type: number, text: string): this {
    const bytes = Buffer.from(text);
    this.#bytes.set(bytes, this.#attribute(type, bytes.length + 1));
    return this;
  }

  bytes(type: number, bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#attribute(type, bytes.length));
    return this;
  }

  /** An attribute that says something by being there. */
  flag(type: number): this {
    this.#attribute(type, 0);
    return this;
  }

  /** An attribute that holds those which `write` adds. */
  nest(type: number, write: () => void): this {
    const at = this.#attribute(type, 0) - ATTRIBUTE_HEADER_BYTES;
    write();
    this.#view.setUint16(at, this.#end - at, true);
    return this;
  }

  /** Ends the message. @returns its bytes, valid until the next one begins. */
  finish(): Uint8Array {
    this.#view.setUint32(0, this.#end, true);
    return this.#bytes.subarray(0, this.#end);
  }

  #attribute(type: number, bytes: number): number {
    const at = this.header(ATTRIBUTE_HEADER_BYTES + bytes);
    this.#view.setUint16(at, ATTRIBUTE_HEADER_BYTES + bytes, true);
    this.#view.setUint16(at + 2, type, true);
    return at + ATTRIBUTE_HEADER_BYTES;
  }
}
