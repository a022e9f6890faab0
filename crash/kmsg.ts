/**
 * Records of /dev/kmsg: a message of the kernel's log each, and how `dmesg` prints it. Pure; what messages mean is not known
 * here. Format: Documentation/ABI/testing/dev-kmsg, and info_print_ext_header(), msg_add_ext_text(), print_time() and
 * print_caller() in kernel/printk/printk.c.
 */

/** A message with its properties, all escaped, has no more. */
export const MOST_KMSG_BYTES = 8192;
const MOST_CALLER_BYTES = 11;

const [NEWLINE, SPACE, COMMA, DOT, ZERO, SEMICOLON, BACKSLASH] = [0x0a, 0x20, 0x2c, 0x2e, 0x30, 0x3b, 0x5c];
const [OPEN, CLOSE, LOWER_X] = [0x5b, 0x5d, 0x78];
const CALLER = Buffer.from('caller=');

/** A record, to be read into again and again: nothing is allocated for one. */
export class KmsgRecord {
  /** 0: the kernel itself. What processes write into the log has another one. */
  facility = 0;
  /** Numbers the messages of a boot, without gaps. */
  seq = 0;
  /** The kernel's own clock, microseconds. */
  uptimeUs = 0;
  /** The message without escapes is `[0, textLength)`. It may have several lines. */
  readonly text: Uint8Array = new Uint8Array(MOST_KMSG_BYTES);
  textLength = 0;
  /** Who printed it, "T12" or "C0"; nothing where the kernel does not say. */
  readonly #caller = new Uint8Array(MOST_CALLER_BYTES);
  #callerLength = 0;
  /** Where reading is. */
  #at = 0;

  /**
   * Reads `[0, length)`: "6,339,5140900,-,caller=T1;NET: Registered protocol family 10\n SUBSYSTEM=net\n". Fields that are
   * not known and the properties behind the message are passed over.
   * @returns false when it is no record; what was read before is gone then.
   */
  read(bytes: Uint8Array, length: number): boolean {
    const end = Math.min(length, bytes.length);
    this.#at = 0;
    const priority = this.#number(bytes, end, COMMA);
    this.seq = this.#number(bytes, end, COMMA);
    this.uptimeUs = this.#number(bytes, end, COMMA);
    if (priority < 0 || this.seq < 0 || this.uptimeUs < 0) return false;
    this.facility = Math.floor(priority / 8);
    this.#callerLength = 0;
    for (;;) {
      const start = this.#at;
      while (this.#at < end && bytes[this.#at] !== COMMA && bytes[this.#at] !== SEMICOLON) this.#at++;
      if (this.#at >= end) return false;
      this.#readField(bytes, start, this.#at);
      if (bytes[this.#at++] === SEMICOLON) break;
    }
    this.#readText(bytes, end);
    return true;
  }

  /** The first line of the message, at most `most` bytes of it. */
  firstLine(most: number): string {
    const newline = this.text.indexOf(NEWLINE);
    const end = Math.min(most, this.textLength, newline < 0 ? this.textLength : newline);
    return Buffer.from(this.text.buffer, this.text.byteOffset, end).toString();
  }

  /**
   * Writes the message as dmesg prints it: "[    5.140900] NET: …\n", each of its lines with the time, and with who printed
   * it where the kernel says so ("[    5.140900][    T1] NET: …"). What has no room is cut.
   * @param into at least 64 bytes
   * @returns bytes written
   */
  print(into: Uint8Array): number {
    const prefix = this.#printPrefix(into);
    let at = prefix;
    for (let i = 0; i < this.textLength && at < into.length - 1; i++) {
      const byte = this.text[i]!;
      into[at++] = byte;
      if (byte !== NEWLINE || i === this.textLength - 1) continue;
      if (at + prefix >= into.length) break;
      into.copyWithin(at, 0, prefix);
      at += prefix;
    }
    if (into[at - 1] !== NEWLINE) into[at++] = NEWLINE;
    return at;
  }

  /** Digits up to a `separator`, which is passed over; -1 where there are none, and for more than a number holds. */
  #number(bytes: Uint8Array, end: number, separator: number): number {
    const start = this.#at;
    let value = 0;
    for (; this.#at < end; this.#at++) {
      const digit = bytes[this.#at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (this.#at === start || this.#at >= end || bytes[this.#at] !== separator) return -1;
    this.#at++;
    return value <= Number.MAX_SAFE_INTEGER ? value : -1;
  }

  #readField(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start - CALLER.length;
    if (length <= 0 || length > MOST_CALLER_BYTES) return;
    for (let i = 0; i < CALLER.length; i++) if (bytes[start + i] !== CALLER[i]) return;
    for (let i = 0; i < length; i++) this.#caller[i] = bytes[start + CALLER.length + i]!;
    this.#callerLength = length;
  }

  #readText(bytes: Uint8Array, end: number): void {
    let at = this.#at;
    let length = 0;
    while (at < end && length < this.text.length) {
      const byte = bytes[at]!;
      if (byte === NEWLINE) break;
      const escaped = byte === BACKSLASH && at + 3 < end && bytes[at + 1] === LOWER_X;
      const value = escaped ? hexadecimal(bytes[at + 2]!) * 16 + hexadecimal(bytes[at + 3]!) : -1;
      this.text[length++] = value >= 0 ? value : byte;
      at += value >= 0 ? 4 : 1;
    }
    this.textLength = length;
  }

  #printPrefix(into: Uint8Array): number {
    let at = 0;
    into[at++] = OPEN;
    at = printNumber(into, at, Math.floor(this.uptimeUs / 1_000_000), 5, SPACE);
    into[at++] = DOT;
    at = printNumber(into, at, this.uptimeUs % 1_000_000, 6, ZERO);
    into[at++] = CLOSE;
    if (this.#callerLength > 0) {
      into[at++] = OPEN;
      for (let i = this.#callerLength; i < 6; i++) into[at++] = SPACE;
      for (let i = 0; i < this.#callerLength; i++) into[at++] = this.#caller[i]!;
      into[at++] = CLOSE;
    }
    into[at++] = SPACE;
    return at;
  }
}

/** A digit's value; far below 0 for what is none. */
function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -4096;
}

/** Prints a number, filled up to `width` from the left. Returns where it ends. */
function printNumber(into: Uint8Array, at: number, value: number, width: number, fill: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let end = at;
  for (let i = digits; i < width; i++) into[end++] = fill;
  end += digits;
  for (let i = 0, rest = value; i < digits; i++, rest = Math.floor(rest / 10))
    into[end - 1 - i] = ZERO + (rest % 10);
  return end;
}
