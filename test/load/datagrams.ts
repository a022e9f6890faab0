/**
 * Sends datagrams as fast as asked and exactly as often: the same or a few over and over, or ones that are written anew for
 * each system call, with a source address each. Shared by the load generators; knows sockets and pacing, not what is in the
 * datagrams.
 */

import koffi from 'koffi';
import { addressOf, closeFd, KernelError } from '../../agent/kernel/libc.ts';

const library = koffi.load('libc.so.6');
const socket: (domain: number, type: number, protocol: number) => number = library.func(
  'int socket(int domain, int type, int protocol)',
);
const setsockopt: (fd: number, level: number, name: number, value: Int32Array, size: number) => number =
  library.func('int setsockopt(int fd, int level, int name, void *value, uint size)');
const sendmmsg: (fd: number, messages: ArrayBuffer, count: number, flags: number) => number = library.func(
  'int sendmmsg(int fd, void *messages, uint count, int flags)',
);

/** Datagrams a system call. */
const BATCH = 64;

/** `struct msghdr` and the length that sendmmsg(2) returns, on 64-bit machines. */
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;

/** Errors after which the same datagram is sent again: a full queue, or news of an earlier datagram. */
const PASSING = new Set(['EAGAIN', 'ENOBUFS', 'EINTR', 'ECONNREFUSED']);

/** What the kernel was given addresses of: nothing else may keep it from being collected. */
const pinned = new Set<ArrayBuffer>();

export interface Sent {
  /** Datagrams that the kernel took. */
  readonly sent: number;
  /** From the first to the last. */
  readonly seconds: number;
  /** Processor time of this process meanwhile, with the softirqs that ran in it. */
  readonly cpuSeconds: number;
}

/** Opens a socket. @throws KernelError */
export function openSocket(domain: number, type: number, protocol: number): number {
  const fd = socket(domain, type, protocol);
  if (fd < 0) throw new KernelError(`socket(${domain}, ${type}, ${protocol})`, koffi.errno());
  return fd;
}

/** Sets an option that is an int. @throws KernelError */
export function setOption(fd: number, level: number, name: number, value: number): void {
  if (setsockopt(fd, level, name, Int32Array.of(value), 4) < 0) {
    throw new KernelError(`setsockopt(${level}, ${name})`, koffi.errno());
  }
}

/**
 * Sends `count` datagrams, `payloads` in turn, to one address (`struct sockaddr_*`), and closes the socket.
 * @param ratePerSecond 0 for as fast as it goes.
 */
export function sendPaced(
  fd: number,
  address: ArrayBuffer,
  payloads: readonly ArrayBuffer[],
  count: number,
  ratePerSecond: number,
): Sent {
  // Long enough that a batch may begin with any of the payloads.
  const slots = BATCH + payloads.length;
  const vectors = new ArrayBuffer(slots * IOVEC_BYTES);
  const messages = new ArrayBuffer(slots * MMSGHDR_BYTES);
  const vectorView = new DataView(vectors);
  const messageView = new DataView(messages);
  for (let i = 0; i < slots; i++) {
    const payload = payloads[i % payloads.length]!;
    vectorView.setBigUint64(i * IOVEC_BYTES, addressOf(payload), true);
    vectorView.setBigUint64(i * IOVEC_BYTES + 8, BigInt(payload.byteLength), true);
    messageView.setBigUint64(i * MMSGHDR_BYTES, addressOf(address), true);
    messageView.setUint32(i * MMSGHDR_BYTES + 8, address.byteLength, true);
    messageView.setBigUint64(i * MMSGHDR_BYTES + 16, addressOf(vectors) + BigInt(i * IOVEC_BYTES), true);
    messageView.setBigUint64(i * MMSGHDR_BYTES + 24, 1n, true);
  }
  for (const buffer of [address, vectors, ...payloads]) pinned.add(buffer);
  const starts = payloads.map((_, i) => messages.slice(i * MMSGHDR_BYTES, (i + BATCH) * MMSGHDR_BYTES));
  const result = paced(fd, count, ratePerSecond, (first, size) => {
    return sendmmsg(fd, starts[first % starts.length]!, size, 0);
  });
  pinned.clear();
  return result;
}

/** Where datagrams are written to, a slot for each. */
export interface Slots {
  /** Over the bytes of all slots, to change what {@link put} has copied. */
  readonly view: DataView;
  /**
   * Makes a slot's datagram.
   * @param source an IPv4 address of this machine's as a number, 127.0.0.1 being 0x7f000001
   * @param destination which of those that are sent to
   * @returns where its bytes begin in {@link view}
   * @throws RangeError when it is longer than a slot
   */
  put(slot: number, bytes: Uint8Array, source: number, destination: number): number;
}

/** Writes the n-th datagram, from 0 on. Asked again for those that the kernel did not take. */
export type WriteDatagram = (slots: Slots, slot: number, n: number) => void;

/**
 * Sends `count` datagrams that `write` makes, and closes the socket.
 * @param fd of an IPv4 socket, not connected
 * @param batch whose slots they are written to; nothing else may use it meanwhile
 * @param ratePerSecond 0 for as fast as it goes.
 */
export function sendWritten(
  fd: number,
  batch: DatagramBatch,
  write: WriteDatagram,
  count: number,
  ratePerSecond: number,
): Sent {
  return paced(fd, count, ratePerSecond, (first, size) => {
    for (let slot = 0; slot < size; slot++) write(batch, slot, first + slot);
    return batch.send(fd, size);
  });
}

/** Calls `send` for some datagrams from a number on, at most {@link BATCH}, until the kernel took `count`; closes the socket. */
function paced(
  fd: number,
  count: number,
  ratePerSecond: number,
  send: (first: number, size: number) => number,
): Sent {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  let sent = 0;
  while (sent < count) {
    const size = Math.min(BATCH, count - sent);
    if (ratePerSecond > 0) {
      const due = begun + ((sent + size) / ratePerSecond) * 1000;
      const early = due - performance.now();
      if (early > 0) Atomics.wait(sleeper, 0, 0, early);
    }
    const taken = send(sent, size);
    if (taken > 0) {
      sent += taken;
    } else {
      const error = new KernelError('sendmmsg', koffi.errno());
      if (!PASSING.has(error.code)) throw error;
      // Whoever empties the queue may need this very CPU.
      if (error.code === 'ENOBUFS') Atomics.wait(sleeper, 0, 0, 1);
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  closeFd(fd);
  return { sent, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

/** What a control message of IP_PKTINFO takes: `struct cmsghdr`, `struct in_pktinfo` and what aligns the next one. */
const CONTROL_BYTES = 32;
const CMSGHDR_BYTES = 16;
const IN_PKTINFO_BYTES = 12;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;

/**
 * The datagrams of one system call, each with bytes, a source and a destination of its own, written over again and again
 * without allocating anything. The source is the address alone (ipi_spec_dst of ip(7)); the port is the socket's.
 */
export class DatagramBatch implements Slots {
  readonly view: DataView;
  readonly #slotBytes: number;
  readonly #bytes: Uint8Array;
  readonly #destinations: readonly ArrayBuffer[];
  /** The lower and the upper half of each destination's address in memory. */
  readonly #destinationWords: Uint32Array;
  readonly #messages: ArrayBuffer;
  readonly #messageWords: Uint32Array;
  readonly #vectorWords: Uint32Array;
  readonly #controls: DataView;

  /**
   * @param slotBytes the longest datagram
   * @param destinations `struct sockaddr_in`, named by their places
   */
  constructor(slotBytes: number, destinations: readonly ArrayBuffer[]) {
    this.#slotBytes = slotBytes;
    this.#destinations = destinations;
    this.#destinationWords = new Uint32Array(BigUint64Array.from(destinations, addressOf).buffer);
    const bytes = new ArrayBuffer(BATCH * slotBytes);
    const vectors = new ArrayBuffer(BATCH * IOVEC_BYTES);
    const controls = new ArrayBuffer(BATCH * CONTROL_BYTES);
    this.#messages = new ArrayBuffer(BATCH * MMSGHDR_BYTES);
    const vectorView = new DataView(vectors);
    const controlView = new DataView(controls);
    const messageView = new DataView(this.#messages);
    for (let slot = 0; slot < BATCH; slot++) {
      vectorView.setBigUint64(slot * IOVEC_BYTES, addressOf(bytes) + BigInt(slot * slotBytes), true);
      const control = slot * CONTROL_BYTES;
      controlView.setBigUint64(control, BigInt(CMSGHDR_BYTES + IN_PKTINFO_BYTES), true);
      controlView.setInt32(control + 8, IPPROTO_IP, true);
      controlView.setInt32(control + 12, IP_PKTINFO, true);
      const message = slot * MMSGHDR_BYTES;
      messageView.setBigUint64(message + 16, addressOf(vectors) + BigInt(slot * IOVEC_BYTES), true);
      messageView.setBigUint64(message + 24, 1n, true);
      messageView.setBigUint64(message + 32, addressOf(controls) + BigInt(control), true);
      messageView.setBigUint64(message + 40, BigInt(CONTROL_BYTES), true);
    }
    this.view = new DataView(bytes);
    this.#bytes = new Uint8Array(bytes);
    this.#messageWords = new Uint32Array(this.#messages);
    this.#vectorWords = new Uint32Array(vectors);
    this.#controls = controlView;
  }

  put(slot: number, bytes: Uint8Array, source: number, destination: number): number {
    if (bytes.length > this.#slotBytes)
      throw new RangeError(`a slot has ${this.#slotBytes} bytes, and the datagram ${bytes.length}`);
    const at = slot * this.#slotBytes;
    this.#bytes.set(bytes, at);
    this.#vectorWords[slot * 4 + 2] = bytes.length;
    this.#controls.setUint32(slot * CONTROL_BYTES + CMSGHDR_BYTES + 4, source);
    const message = slot * (MMSGHDR_BYTES / 4);
    this.#messageWords[message] = this.#destinationWords[destination * 2]!;
    this.#messageWords[message + 1] = this.#destinationWords[destination * 2 + 1]!;
    this.#messageWords[message + 2] = this.#destinations[destination]!.byteLength;
    return at;
  }

  /** Sends the first `size` slots. @returns how many the kernel took, or -1 with errno set */
  send(fd: number, size: number): number {
    return sendmmsg(fd, this.#messages, size, 0);
  }
}
