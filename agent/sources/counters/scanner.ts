/**
 * Reads lines, words and 64-bit numbers out of a buffer without allocating. A number is two halves, `high` and `low`, so
 * that values near 2^64 stay exact. Pure; it must not know what it reads.
 */

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const MINUS = 0x2d;
const TWO_32 = 2 ** 32;

export class Scanner {
  bytes: Uint8Array;
  /** The line at hand: [lineStart, lineEnd), without its newline. */
  lineStart = 0;
  lineEnd = 0;
  /** Where reading goes on within the line. */
  at = 0;
  /** The last number read. */
  high = 0;
  low = 0;
  negative = false;
  #end = 0;
  #next = 0;

  constructor() {
    this.bytes = new Uint8Array(0);
  }

  /** Begins at the first of `length` bytes. */
  open(bytes: Uint8Array, length: number): void {
    this.bytes = bytes;
    this.#end = Math.min(length, bytes.length);
    this.#next = 0;
  }

  /** Steps to the next line; false at the end. A last line without newline is one. */
  nextLine(): boolean {
    if (this.#next >= this.#end) return false;
    this.lineStart = this.#next;
    const newline = this.bytes.indexOf(NEWLINE, this.lineStart);
    this.lineEnd = newline < 0 || newline >= this.#end ? this.#end : newline;
    this.#next = this.lineEnd + 1;
    this.at = this.lineStart;
    return true;
  }

  /** Passes over white space; false when the line ends. */
  skipSpace(): boolean {
    while (this.at < this.lineEnd && isSpace(this.bytes[this.at] as number)) this.at++;
    return this.at < this.lineEnd;
  }

  /** Passes over a word: up to the next white space. */
  skipWord(): void {
    while (this.at < this.lineEnd && !isSpace(this.bytes[this.at] as number)) this.at++;
  }

  /** Whether `expected` stands at `from` in the buffer, within the line. */
  matches(from: number, expected: Uint8Array): boolean {
    if (this.lineEnd - from < expected.length) return false;
    for (let i = 0; i < expected.length; i++) if (this.bytes[from + i] !== expected[i]) return false;
    return true;
  }

  /** Reads a decimal word of up to 64 bits, with an optional minus. False when it is none. */
  decimal(): boolean {
    if (!this.skipSpace()) return false;
    this.negative = this.bytes[this.at] === MINUS;
    if (this.negative) this.at++;
    const start = this.at;
    let high = 0;
    let low = 0;
    for (; this.at < this.lineEnd; this.at++) {
      const digit = (this.bytes[this.at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      low = low * 10 + digit;
      high *= 10;
      if (low >= TWO_32) {
        const carry = Math.floor(low / TWO_32);
        high += carry;
        low -= carry * TWO_32;
      }
      if (high >= TWO_32) return false;
    }
    this.high = high;
    this.low = low;
    return this.at > start && this.#atWordEnd();
  }

  /** Reads a hexadecimal word of up to 32 bits into `low`. False when it is none. */
  hexadecimal(): boolean {
    if (!this.skipSpace()) return false;
    const start = this.at;
    let value = 0;
    for (; this.at < this.lineEnd; this.at++) {
      const digit = hexDigit(this.bytes[this.at] as number);
      if (digit < 0) break;
      value = value * 16 + digit;
      if (value >= TWO_32) return false;
    }
    this.high = 0;
    this.low = value;
    this.negative = false;
    return this.at > start && this.#atWordEnd();
  }

  #atWordEnd(): boolean {
    return this.at === this.lineEnd || isSpace(this.bytes[this.at] as number);
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x37;
  return -1;
}
