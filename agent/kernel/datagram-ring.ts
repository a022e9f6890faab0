/**
 * Room for a batch of datagrams that one system call receives: a slab that is used again and again, and the headers that
 * recvmmsg(2) wants. It must not know what sockets these are, nor what the datagrams mean.
 *
 * Layouts: `struct mmsghdr`, `msghdr` and `iovec` of 64-bit Linux.
 */
import { addressOf, receiveDatagrams } from './libc.ts';

const MSG_TRUNC = 0x20;
const HEADER_BYTES = 64;
const FLAGS = 48;
const LENGTH = 56;
const VECTOR_BYTES = 16;

export class DatagramRing {
  /** Datagrams that one reception takes at most. */
  readonly datagrams: number;
  /** What was received last, datagram `i` from `startOf(i)` to `endOf(i)`. */
  readonly slab: Buffer;
  /** Where datagrams came from, `addressBytes` each. */
  readonly addresses: DataView;
  readonly addressBytes: number;
  readonly #datagramBytes: number;
  readonly #headers: ArrayBuffer;
  readonly #headerView: DataView;
  readonly #vectors: ArrayBuffer;

  /**
   * @param datagramBytes the longest datagram, a multiple of 8; longer ones are truncated
   * @param addressBytes of the family's `struct sockaddr_…`
   */
  constructor(datagrams: number, datagramBytes: number, addressBytes: number) {
    this.datagrams = datagrams;
    this.addressBytes = addressBytes;
    this.#datagramBytes = datagramBytes;
    this.#headers = new ArrayBuffer(datagrams * HEADER_BYTES);
    this.#headerView = new DataView(this.#headers);
    this.#vectors = new ArrayBuffer(datagrams * VECTOR_BYTES);
    this.addresses = new DataView(new ArrayBuffer(datagrams * addressBytes));
    this.slab = Buffer.from(new ArrayBuffer(datagrams * datagramBytes));
    this.#describeSlots();
  }

  /** Receives what is there, without waiting. @returns the number of datagrams, or the negative errno. */
  receive(fd: number): number {
    return receiveDatagrams(fd, this.#headers, this.datagrams);
  }

  startOf(datagram: number): number {
    return datagram * this.#datagramBytes;
  }

  endOf(datagram: number): number {
    return (
      datagram * this.#datagramBytes + this.#headerView.getUint32(datagram * HEADER_BYTES + LENGTH, true)
    );
  }

  isTruncated(datagram: number): boolean {
    return (this.#headerView.getUint32(datagram * HEADER_BYTES + FLAGS, true) & MSG_TRUNC) !== 0;
  }

  /** Makes one of no length, for those that are not to be looked at. */
  empty(datagram: number): void {
    this.#headerView.setUint32(datagram * HEADER_BYTES + LENGTH, 0, true);
  }

  /** Points each header to its slot of the slab, once: none of these buffers ever moves. */
  #describeSlots(): void {
    const vectors = new DataView(this.#vectors);
    const slab = addressOf(this.slab.buffer as ArrayBuffer);
    const addresses = addressOf(this.addresses.buffer as ArrayBuffer);
    for (let i = 0; i < this.datagrams; i++) {
      vectors.setBigUint64(i * VECTOR_BYTES, slab + BigInt(this.startOf(i)), true);
      vectors.setBigUint64(i * VECTOR_BYTES + 8, BigInt(this.#datagramBytes), true);
      const header = i * HEADER_BYTES;
      this.#headerView.setBigUint64(header, addresses + BigInt(i * this.addressBytes), true);
      this.#headerView.setUint32(header + 8, this.addressBytes, true);
      this.#headerView.setBigUint64(header + 16, addressOf(this.#vectors) + BigInt(i * VECTOR_BYTES), true);
      this.#headerView.setBigUint64(header + 24, 1n, true);
    }
  }
}
