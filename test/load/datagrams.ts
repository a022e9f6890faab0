/**
 * Sends the same or a few prepared datagrams over and over, as fast as asked and exactly as often. Shared by the
 * load generators; knows sockets and pacing, not what is in the datagrams.
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
    const taken = sendmmsg(fd, starts[sent % starts.length]!, size, 0);
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
  pinned.clear();
  return { sent, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}
