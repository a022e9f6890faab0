/**
 * /proc/net/{udp,udp6,raw,raw6}: a line a socket, below a heading. Format: net/ipv4/udp.c, net/ipv6/datagram.c. Pure; it
 * must not know which of the files it reads.
 */
import type { ListedSocket } from '../../kernel/netlink/socket-diag.ts';
import { Scanner } from './scanner.ts';

const COLON = 0x3a;
/** Words between the local address and the inode: remote address, state, queues, timer, retransmits, uid, timeout. */
const WORDS_BEFORE_INODE = 7;

export class SocketFile implements ListedSocket {
  inode = 0;
  drops = 0;
  port = 0;
  readonly #scanner = new Scanner();
  /** The address's hexadecimal digits in the file: four bytes to a number, printed as the machine holds them. */
  #addressAt = 0;
  #digits = 0;

  address(): Uint8Array {
    const { buffer, byteOffset, length } = this.#scanner.bytes;
    const text = Buffer.from(buffer, byteOffset, length).toString(
      'latin1',
      this.#addressAt,
      this.#addressAt + this.#digits,
    );
    return Buffer.from(text, 'hex').swap32();
  }

  /** Visits every socket of a file's content, any bytes. @returns how many lines were malformed: those are passed over. */
  list(bytes: Uint8Array, length: number, visit: (socket: ListedSocket) => void): number {
    let malformed = 0;
    this.#scanner.open(bytes, length);
    // The heading.
    this.#scanner.nextLine();
    while (this.#scanner.nextLine()) {
      if (this.#takeLine()) visit(this);
      else malformed++;
    }
    return malformed;
  }

  #takeLine(): boolean {
    const scanner = this.#scanner;
    if (!scanner.skipSpace()) return false;
    scanner.skipWord();
    if (!scanner.skipSpace() || !this.#takeAddress()) return false;
    for (let i = 0; i < WORDS_BEFORE_INODE; i++) {
      if (!scanner.skipSpace()) return false;
      scanner.skipWord();
    }
    if (!this.#takeNumber()) return false;
    this.inode = scanner.low;
    // The reference count and the pointer.
    if (!scanner.decimal() || !scanner.skipSpace()) return false;
    scanner.skipWord();
    if (!this.#takeNumber()) return false;
    this.drops = scanner.low;
    return !scanner.skipSpace();
  }

  /** An inode, or drops: 32 bits. */
  #takeNumber(): boolean {
    return this.#scanner.decimal() && this.#scanner.high === 0 && !this.#scanner.negative;
  }

  /** ADDRESS:PORT, 8 or 32 digits and 4. */
  #takeAddress(): boolean {
    const { bytes, at, lineEnd } = this.#scanner;
    const colon = bytes.indexOf(COLON, at);
    this.#addressAt = at;
    this.#digits = colon - at;
    if (colon < 0 || colon >= lineEnd || (this.#digits !== 8 && this.#digits !== 32)) return false;
    for (let i = at; i < colon; i++) if (!isHex(bytes[i] as number)) return false;
    this.#scanner.at = colon + 1;
    if (!this.#scanner.hexadecimal() || this.#scanner.low > 0xffff) return false;
    this.port = this.#scanner.low;
    return true;
  }
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
