/**
 * A UDP socket that receives in batches, into one slab that is used again, from any number of senders. It must not know what
 * the datagrams mean.
 *
 * Layouts: `struct sockaddr_in` and `sockaddr_in6` in include/uapi/linux/in.h and in6.h; SO_MEMINFO in
 * include/uapi/linux/sock_diag.h.
 */
import { constants } from 'node:os';
import { DatagramRing } from './datagram-ring.ts';
import {
  bindSocket,
  closeFd,
  KernelError,
  openSocket,
  readSocketAddress,
  readSocketOption,
  setReceiveBuffer,
  setSocketOption,
} from './libc.ts';
import { ReadableWatch } from './readable-watch.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_MEMINFO = 55;
const MEMINFO = { words: 9, drops: 8 } as const;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const ADDRESS_BYTES = { [AF_INET]: 16, [AF_INET6]: 28 } as const;
/** Where the address stands in its structure. */
const V4_ADDRESS = 4;
const V6_ADDRESS = 8;
const MAPPED = 0x0000_ffff;

export interface UdpOptions {
  /** 128 bits, IPv4 as in ::ffff:0:0/96; all zero for every address of both families. */
  readonly address: Uint8Array;
  /** 0 for one that the kernel chooses. */
  readonly port: number;
  /** Datagrams that one system call receives at most. */
  readonly datagrams: number;
  /** The longest datagram, in bytes, a multiple of 8; longer ones are truncated. */
  readonly datagramBytes: number;
  /** See setReceiveBuffer. */
  readonly receiveBufferBytes: number;
}

/** An address in four words of network order. */
interface Address {
  a: number;
  b: number;
  c: number;
  d: number;
}

export class UdpSocket {
  readonly ring: DatagramRing;
  readonly #family: typeof AF_INET | typeof AF_INET6;
  readonly #meminfo = new Uint32Array(MEMINFO.words);
  #fd: number;
  #watch: ReadableWatch | undefined;

  /** @throws KernelError: EADDRINUSE when another socket has the port, EADDRNOTAVAIL, EACCES. */
  constructor(options: UdpOptions) {
    const { address, port } = options;
    // Some kernels run without IPv6.
    this.#family = AF_INET6;
    try {
      this.#fd = openSocket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== 'EAFNOSUPPORT') throw error;
      this.#family = AF_INET;
      this.#fd = openSocket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    try {
      if (this.#family === AF_INET6) setSocketOption(this.#fd, IPPROTO_IPV6, IPV6_V6ONLY, 0, 'IPV6_V6ONLY');
      setReceiveBuffer(this.#fd, options.receiveBufferBytes);
      bindSocket(this.#fd, this.#socketAddress(address, port));
    } catch (error) {
      this.close();
      throw error;
    }
    this.ring = new DatagramRing(options.datagrams, options.datagramBytes, ADDRESS_BYTES[this.#family]);
  }

  /** The port that it is bound to. */
  get port(): number {
    const address = new ArrayBuffer(ADDRESS_BYTES[this.#family]);
    readSocketAddress(this.#open(), address);
    return new DataView(address).getUint16(2);
  }

  /** Datagrams that the kernel dropped since the socket was opened because nothing more could be queued; 32 bits of it. */
  get drops(): number {
    readSocketOption(this.#open(), SOL_SOCKET, SO_MEMINFO, this.#meminfo, 'SO_MEMINFO');
    return this.#meminfo[MEMINFO.drops]!;
  }

  /**
   * Receives what is there into the ring, without waiting.
   * @returns the number of datagrams; fewer than the ring has room for when no more were there.
   * @throws KernelError
   */
  receive(): number {
    const received = this.ring.receive(this.#open());
    if (received === -constants.errno.EAGAIN) return 0;
    if (received < 0) throw new KernelError('recvmmsg(udp)', -received);
    return received;
  }

  /** Where a datagram came from. */
  readSender(datagram: number, into: Address): void {
    const { addresses, addressBytes } = this.ring;
    const at = datagram * addressBytes;
    if (this.#family === AF_INET) {
      into.a = into.b = 0;
      into.c = MAPPED;
      into.d = addresses.getUint32(at + V4_ADDRESS);
      return;
    }
    into.a = addresses.getUint32(at + V6_ADDRESS);
    into.b = addresses.getUint32(at + V6_ADDRESS + 4);
    into.c = addresses.getUint32(at + V6_ADDRESS + 8);
    into.d = addresses.getUint32(at + V6_ADDRESS + 12);
  }

  /** See ReadableWatch. */
  onReadable(handler: () => boolean): void {
    this.#watch = new ReadableWatch(this.#open(), handler);
  }

  /** Closes it, also from within the handler; a second time does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    this.#watch?.close();
    const fd = this.#fd;
    this.#fd = -1;
    closeFd(fd);
  }

  /** @throws Error when it is closed, lest another file's number be used. */
  #open(): number {
    if (this.#fd < 0) throw new Error('the UDP socket is closed');
    return this.#fd;
  }

  #socketAddress(address: Uint8Array, port: number): ArrayBuffer {
    const structure = new Uint8Array(ADDRESS_BYTES[this.#family]);
    const view = new DataView(structure.buffer);
    view.setUint16(0, this.#family, true);
    view.setUint16(2, port);
    if (this.#family === AF_INET) structure.set(address.subarray(12), V4_ADDRESS);
    else structure.set(address, V6_ADDRESS);
    return structure.buffer;
  }
}
