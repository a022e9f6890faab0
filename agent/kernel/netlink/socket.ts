/**
 * A netlink socket: datagrams from the kernel in batches, into one slab that is used again. It must not know what the
 * messages in them mean.
 *
 * Layout: `struct sockaddr_nl` in include/uapi/linux/netlink.h.
 */

import { constants } from 'node:os';
import { DatagramRing } from '../datagram-ring.ts';
import {
  bindSocket,
  closeFd,
  KernelError,
  openSocket,
  readSocketAddress,
  sendDatagram,
  setReceiveBuffer,
  setSocketOption,
} from '../libc.ts';
import { ReadableWatch } from '../readable-watch.ts';

/** Protocols of netlink, by their number. */
export const NetlinkProtocol = { route: 0, socketDiagnosis: 4, generic: 16 } as const;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const ADDRESS_BYTES = 12;

export interface NetlinkOptions {
  readonly protocol: (typeof NetlinkProtocol)[keyof typeof NetlinkProtocol];
  /** Datagrams that one system call receives at most. Default 64. */
  readonly datagrams?: number;
  /** The longest datagram, in bytes, a multiple of 8; longer ones are lost and counted. Default 8192. */
  readonly datagramBytes?: number;
  /** What the kernel may queue, in bytes of its own accounting; without CAP_NET_ADMIN at most net.core.rmem_max. */
  readonly receiveBufferBytes?: number;
}

export class NetlinkSocket {
  /** The number that messages to this socket carry, and under which /proc/net/netlink lists it. */
  readonly portId: number;
  readonly protocol: number;
  /** Datagrams that one reception takes at most. */
  readonly datagrams: number;
  /** What was received last, datagram `i` from `startOf(i)` to `endOf(i)`. */
  readonly slab: Uint8Array;
  /** How often the kernel said that it had to drop messages for this socket (ENOBUFS); not how many. */
  overflows = 0;
  /** Datagrams that did not fit. */
  truncated = 0;
  /** Datagrams that came from another process. */
  foreign = 0;
  readonly #ring: DatagramRing;
  #fd: number;
  #watch: ReadableWatch | undefined;

  /** @throws KernelError: EPROTONOSUPPORT when the kernel has not this protocol. */
  constructor(options: NetlinkOptions) {
    this.protocol = options.protocol;
    this.datagrams = options.datagrams ?? 64;
    this.#ring = new DatagramRing(this.datagrams, options.datagramBytes ?? 8192, ADDRESS_BYTES);
    this.slab = this.#ring.slab;
    this.#fd = openSocket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, options.protocol);
    try {
      setSocketOption(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, 1, 'NETLINK_EXT_ACK');
      setSocketOption(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, 1, 'NETLINK_CAP_ACK');
      if (options.receiveBufferBytes !== undefined) setReceiveBuffer(this.#fd, options.receiveBufferBytes);
      this.portId = bindToAnyPort(this.#fd);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The number. @throws Error when it is closed, lest another file's number be used. */
  get fd(): number {
    if (this.#fd < 0) throw new Error('the netlink socket is closed');
    return this.#fd;
  }

  /** Receives a multicast group's messages from now on. @throws KernelError: EPERM for some groups. */
  join(group: number): void {
    setSocketOption(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, 'NETLINK_ADD_MEMBERSHIP');
  }

  /** Sends one message to the kernel, which usually has dealt with it when this returns. @throws KernelError */
  send(message: Uint8Array): void {
    sendDatagram(this.fd, message);
  }

  /**
   * Receives what is there, without waiting. Overflows, and datagrams that are truncated or foreign, are counted;
   * the latter two are empty here.
   * @returns the number of datagrams in the slab; fewer than it has room for when no more were there.
   * @throws KernelError
   */
  receive(): number {
    let received = this.#ring.receive(this.fd);
    if (received === -constants.errno.ENOBUFS) {
      // The kernel says so once, before it goes on with what it still has.
      this.overflows++;
      received = this.#ring.receive(this.fd);
      if (received === -constants.errno.ENOBUFS) return 0;
    }
    if (received === -constants.errno.EAGAIN) return 0;
    if (received < 0) throw new KernelError('recvmmsg(netlink)', -received);
    for (let i = 0; i < received; i++) this.#inspect(i);
    return received;
  }

  startOf(datagram: number): number {
    return this.#ring.startOf(datagram);
  }

  endOf(datagram: number): number {
    return this.#ring.endOf(datagram);
  }

  /**
   * Calls `handler` from the event loop some 20 ms after there is something to receive, until the socket is closed; soon
   * again when it returns that it left something. Does not keep the process alive. For a socket that is not closed, once.
   */
  onReadable(handler: () => boolean): void {
    if (this.#watch !== undefined) throw new Error('the netlink socket is watched already');
    this.#watch = new ReadableWatch(this.fd, handler);
  }

  /** Closes it, also from within the handler; a second time does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    this.#watch?.close();
    const fd = this.#fd;
    this.#fd = -1;
    closeFd(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Empties a datagram that is no whole message of the kernel. */
  #inspect(datagram: number): void {
    const foreign = this.#ring.addresses.getUint32(datagram * ADDRESS_BYTES + 4, true) !== 0;
    const truncated = this.#ring.isTruncated(datagram);
    if (!foreign && !truncated) return;
    if (foreign) this.foreign++;
    else this.truncated++;
    this.#ring.empty(datagram);
  }
}

/** @returns the port that the kernel chose. */
function bindToAnyPort(fd: number): number {
  const address = new ArrayBuffer(ADDRESS_BYTES);
  const view = new DataView(address);
  view.setUint16(0, AF_NETLINK, true);
  bindSocket(fd, address);
  readSocketAddress(fd, address);
  return view.getUint32(4, true);
}
