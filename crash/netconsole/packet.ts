/**
 * A netconsole datagram. A pure parser over bytes.
 *
 * Basic: the console's text as it stands, in chunks of at most 1000 bytes.
 * Extended (since Linux 4.2; Documentation/networking/netconsole.rst, msg_print_ext_header() in kernel/printk/printk.c,
 * drivers/net/netconsole.c): `[RELEASE,]PRIORITY,SEQ,MICROSECONDS,FLAG[,key=value …];TEXT\n` and then lines ` KEY=VALUE\n` of
 * what the record, the user and the system add. A message that is longer than 1000 bytes comes in fragments, each with the
 * whole header and `ncfrag=OFFSET/LENGTH` in it: where it belongs in what stands behind the `;`, and how long that is.
 * Bytes below a space and from 0x7f on, and backslashes, are written `\xHH`.
 */

/** The port that netconsole sends to unless it is told otherwise. */
export const NETCONSOLE_PORT = 6666;

/** The longest release and the most digits that are taken for such. */
const MOST_RELEASE = 64;
const MOST_DIGITS = 15;
/** No message of printk is longer with all that is added. */
const MOST_LENGTH = 1 << 20;

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const ZERO = 0x30;
const NINE = 0x39;
const SLASH = 0x2f;
const NCFRAG = Buffer.from('ncfrag=');

/** One object reads them all. */
export class NetconsolePacket {
  isExtended = false;
  /** Where the release stands; nowhere when both are the same. */
  releaseStart = 0;
  releaseEnd = 0;
  /** Facility × 8 + level. */
  priority = 0;
  seq = 0;
  /** The kernel's own clock, microseconds. */
  uptimeUs = 0;
  /** Where what follows belongs in the message's text with all that is added, and how long that is: 0 and 0 when it is all. */
  fragmentOffset = 0;
  fragmentLength = 0;
  /** What follows the header; all of a basic one. */
  bodyStart = 0;
  bodyEnd = 0;
  #at = 0;

  /**
   * Reads the datagram `[start, end)`. What has no header is basic: any text may be. False when it has one whose fragment
   * cannot be.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.isExtended = this.#header(bytes, start, end);
    if (!this.isExtended) {
      this.bodyStart = start;
      this.bodyEnd = end;
      this.releaseStart = this.releaseEnd = start;
      this.seq = this.uptimeUs = this.priority = this.fragmentOffset = this.fragmentLength = 0;
      return true;
    }
    this.bodyEnd = end;
    const length = this.fragmentLength;
    return length === 0 || (length <= MOST_LENGTH && this.fragmentOffset + end - this.bodyStart <= length);
  }

  #header(bytes: Uint8Array, start: number, end: number): boolean {
    this.#at = start;
    this.releaseStart = this.releaseEnd = start;
    let priority = this.#number(bytes, end, COMMA);
    if (priority < 0) {
      const last = Math.min(end, start + MOST_RELEASE + 1);
      let comma = start;
      while (comma < last && bytes[comma]! > 0x20 && bytes[comma]! < 0x7f && bytes[comma] !== COMMA) comma++;
      if (comma === start || comma === last || bytes[comma] !== COMMA) return false;
      this.releaseEnd = comma;
      this.#at = comma + 1;
      priority = this.#number(bytes, end, COMMA);
    }
    if (priority < 0) return false;
    this.priority = priority;
    this.seq = this.#number(bytes, end, COMMA);
    if (this.seq < 0) return false;
    this.uptimeUs = this.#number(bytes, end, COMMA);
    if (this.uptimeUs < 0) return false;
    this.fragmentOffset = this.fragmentLength = 0;
    // The flag and further fields, of which one is known.
    for (let field = this.#at; ; ) {
      let next = field;
      while (next < end && bytes[next] !== COMMA && bytes[next] !== SEMICOLON) next++;
      if (next === end) return false;
      if (startsWith(bytes, field, next, NCFRAG)) {
        this.#at = field + NCFRAG.length;
        this.fragmentOffset = this.#number(bytes, end, SLASH);
        this.fragmentLength = this.#number(bytes, end, bytes[next]!);
        if (this.fragmentOffset < 0 || this.fragmentLength <= 0) return false;
      }
      field = next + 1;
      if (bytes[next] === SEMICOLON) {
        this.bodyStart = field;
        return true;
      }
    }
  }

  /** Reads digits that end in `terminator`, and passes over it; -1 when that is not there. */
  #number(bytes: Uint8Array, end: number, terminator: number): number {
    let value = 0;
    let at = this.#at;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + byte - ZERO;
    }
    const digits = at - this.#at;
    if (digits === 0 || digits > MOST_DIGITS || at >= end || bytes[at] !== terminator) return -1;
    this.#at = at + 1;
    return value;
  }
}

function startsWith(bytes: Uint8Array, start: number, end: number, what: Uint8Array): boolean {
  if (end - start < what.length) return false;
  for (let i = 0; i < what.length; i++) if (bytes[start + i] !== what[i]) return false;
  return true;
}
