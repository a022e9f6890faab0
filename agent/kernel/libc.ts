/**
 * The C library, as far as the kernel bindings need it: system calls through koffi, with typed errors.
 * It knows numbers, addresses and errno; it must not know what a call is made for.
 */

import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/** A failed system call. `code` is the errno's name (`EPERM`), `syscall` what was tried. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  /** @param detail appended to the message, e.g. the mend or the verifier's log. */
  constructor(syscall: string, errno: number, detail = '') {
    const code = errnoName(errno);
    super(`${syscall}: ${code} (${errnoMessage(errno)})${detail === '' ? '' : `: ${detail}`}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

function errnoName(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : 'UNKNOWN';
}

function errnoMessage(errno: number): string {
  return errno > 0 ? getSystemErrorMessage(-errno) : `errno ${errno}`;
}

/** System call numbers, where the two supported architectures differ. */
const NUMBERS: Partial<Record<NodeJS.Architecture, { bpf: number }>> = {
  x64: { bpf: 321 },
  arm64: { bpf: 280 },
};

interface Bound {
  syscall: (number: number, first: number, pointer: ArrayBuffer, size: number) => number | bigint;
  close: (fd: number) => number;
  setns: (fd: number, type: number) => number;
  schedSetaffinity: (pid: number, size: number, mask: Uint8Array) => number;
  setrlimit: (resource: number, limit: BigUint64Array) => number;
  socket: (domain: number, type: number, protocol: number) => number;
  bind: (fd: number, address: ArrayBuffer, size: number) => number;
  getsockname: (fd: number, address: ArrayBuffer, size: Uint32Array) => number;
  setsockopt: (fd: number, level: number, option: number, value: Uint32Array, size: number) => number;
  getsockopt: (fd: number, level: number, option: number, value: Uint32Array, size: Uint32Array) => number;
  send: (fd: number, bytes: Uint8Array, size: number, flags: number) => number | bigint;
  recvmmsg: (fd: number, headers: ArrayBuffer, count: number, flags: number, timeout: null) => number;
  poll: (descriptors: ArrayBuffer, count: number, timeoutMs: number) => number;
  ioctl: (fd: number, request: number, argument: ArrayBuffer) => number;
  mmap: (
    address: null,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ) => unknown;
  munmap: (address: bigint, length: number) => number;
  getpagesize: () => number;
}

let bound: Bound | undefined;

/**
 * Binds on the first call rather than at import, so that a machine without glibc can still load this module
 * and say what is missing. Variadic `syscall` is declared with fixed 64-bit arguments: both ABIs pass
 * integers alike either way, and koffi then needs no type beside each value.
 */
function libc(): Bound {
  if (bound === undefined) {
    const library = koffi.load('libc.so.6');
    bound = {
      syscall: library.func('long syscall(int64 number, int64 first, void *pointer, int64 size)'),
      close: library.func('int close(int fd)'),
      setns: library.func('int setns(int fd, int type)'),
      schedSetaffinity: library.func('int sched_setaffinity(int pid, size_t size, void *mask)'),
      setrlimit: library.func('int setrlimit(int resource, void *limit)'),
      socket: library.func('int socket(int domain, int type, int protocol)'),
      bind: library.func('int bind(int fd, void *address, uint size)'),
      getsockname: library.func('int getsockname(int fd, void *address, void *size)'),
      setsockopt: library.func('int setsockopt(int fd, int level, int option, void *value, uint size)'),
      getsockopt: library.func('int getsockopt(int fd, int level, int option, void *value, void *size)'),
      send: library.func('long send(int fd, void *bytes, size_t size, int flags)'),
      recvmmsg: library.func('int recvmmsg(int fd, void *headers, uint count, int flags, void *timeout)'),
      poll: library.func('int poll(void *descriptors, ulong count, int timeout)'),
      ioctl: library.func('int ioctl(int fd, ulong request, void *argument)'),
      mmap: library.func(
        'void *mmap(void *address, size_t length, int protection, int flags, int fd, int64 offset)',
      ),
      munmap: library.func('int munmap(void *address, size_t length)'),
      getpagesize: library.func('int getpagesize()'),
    };
  }
  return bound;
}

function check(result: number, syscall: string): void {
  if (result < 0) throw new KernelError(syscall, koffi.errno());
}

/**
 * bpf(2) without a throw, for calls whose errors are answers (`ENOENT` ends a batch).
 * @returns the result, or the negative errno.
 */
export function bpfSyscall(command: number, attributes: ArrayBuffer): number {
  const number = NUMBERS[process.arch]?.bpf;
  if (number === undefined) return -koffi.os.errno['ENOSYS']!;
  const result = Number(libc().syscall(number, command, attributes, attributes.byteLength));
  return result < 0 ? -koffi.errno() : result;
}

/**
 * The address of a buffer's first byte. Valid as long as the buffer is referenced: an ArrayBuffer's memory
 * never moves, unlike that of a small typed array, which is why only ArrayBuffers are taken.
 */
export function addressOf(buffer: ArrayBuffer): bigint {
  return koffi.address(buffer);
}

/** Closes a file descriptor. */
export function closeFd(fd: number): void {
  check(libc().close(fd), `close(${fd})`);
}

/** Moves the calling thread into the network namespace behind `fd`; `name` is for the error only. */
export function enterNetworkNamespace(fd: number, name: string): void {
  const CLONE_NEWNET = 0x40000000;
  check(libc().setns(fd, CLONE_NEWNET), `setns(${name})`);
}

/** Binds the calling thread to one CPU. */
export function pinToCpu(cpu: number): void {
  const mask = new Uint8Array(new ArrayBuffer(Math.max(128, (cpu >> 3) + 1)));
  mask[cpu >> 3] = 1 << (cpu & 7);
  check(libc().schedSetaffinity(0, mask.length, mask), `sched_setaffinity(cpu ${cpu})`);
}

/** Bytes a page of this machine's memory has. */
export function pageBytes(): number {
  return libc().getpagesize();
}

/** Maps a stretch of a file into memory, shared with whoever else maps it. The buffer must not be used after {@link unmap}. */
export function mapShared(
  fd: number,
  offset: number,
  length: number,
  access: 'read' | 'write',
): { readonly address: bigint; readonly buffer: ArrayBuffer } {
  const [PROT_READ, PROT_WRITE, MAP_SHARED] = [1, 2, 1];
  const protection = access === 'write' ? PROT_READ | PROT_WRITE : PROT_READ;
  const pointer = libc().mmap(null, length, protection, MAP_SHARED, fd, offset);
  const address = BigInt(koffi.address(pointer));
  // MAP_FAILED is (void *) -1.
  if (BigInt.asIntN(64, address) === -1n) throw new KernelError('mmap', koffi.errno());
  return { address, buffer: koffi.view(pointer, length) };
}

/** Takes a mapping away. */
export function unmap(address: bigint, length: number): void {
  check(libc().munmap(address, length), 'munmap');
}

/** Lifts RLIMIT_MEMLOCK, which bounds BPF maps before Linux 5.11. Needs CAP_SYS_RESOURCE. */
export function liftMemoryLockLimit(): void {
  const RLIMIT_MEMLOCK = 8;
  const infinity = 0xffff_ffff_ffff_ffffn;
  check(libc().setrlimit(RLIMIT_MEMLOCK, BigUint64Array.of(infinity, infinity)), 'setrlimit(RLIMIT_MEMLOCK)');
}

/** Opens a socket. `domain`, `type` and `protocol` are numbers of <sys/socket.h>; it is closed by {@link closeFd}. */
export function openSocket(domain: number, type: number, protocol: number): number {
  const fd = libc().socket(domain, type, protocol);
  check(fd, `socket(${domain}, ${protocol})`);
  return fd;
}

/** Binds a socket to the address in the buffer, a `struct sockaddr_…`. */
export function bindSocket(fd: number, address: ArrayBuffer): void {
  check(libc().bind(fd, address, address.byteLength), 'bind');
}

/** Reads the address that a socket is bound to into the buffer. */
export function readSocketAddress(fd: number, address: ArrayBuffer): void {
  check(libc().getsockname(fd, address, Uint32Array.of(address.byteLength)), 'getsockname');
}

/** Sets an option of a socket that takes an `int`. `name` is for the error. */
export function setSocketOption(
  fd: number,
  level: number,
  option: number,
  value: number,
  name: string,
): void {
  check(libc().setsockopt(fd, level, option, Uint32Array.of(value), 4), `setsockopt(${name})`);
}

/** Reads an option of a socket into as many 32-bit words as there are. `name` is for the error. */
export function readSocketOption(
  fd: number,
  level: number,
  option: number,
  words: Uint32Array,
  name: string,
): void {
  const size = Uint32Array.of(words.byteLength);
  check(libc().getsockopt(fd, level, option, words, size), `getsockopt(${name})`);
}

/**
 * Sets what the kernel may queue for a socket, in bytes of its own accounting; without CAP_NET_ADMIN it grants no more than
 * net.core.rmem_max.
 */
export function setReceiveBuffer(fd: number, bytes: number): void {
  const [SOL_SOCKET, SO_RCVBUF, SO_RCVBUFFORCE] = [1, 8, 33];
  try {
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, 'SO_RCVBUFFORCE');
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== 'EPERM') throw error;
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, bytes, 'SO_RCVBUF');
  }
}

/** Sends a datagram to where the socket is connected; on netlink, to the kernel. */
export function sendDatagram(fd: number, bytes: Uint8Array): void {
  check(Number(libc().send(fd, bytes, bytes.length, 0)), 'send');
}

/**
 * recvmmsg(2) without a throw and without waiting: errors are answers (`EAGAIN`: nothing there).
 * @param headers `count` times a `struct mmsghdr`; what its addresses point to must stay referenced.
 * @returns the number of datagrams received, or the negative errno.
 */
export function receiveDatagrams(fd: number, headers: ArrayBuffer, count: number): number {
  const MSG_DONTWAIT = 0x40;
  const result = libc().recvmmsg(fd, headers, count, MSG_DONTWAIT, null);
  return result < 0 ? -koffi.errno() : result;
}

/**
 * ioctl(2) without a throw, for requests whose errors are answers (`ENODEV`: no such interface).
 * @param argument what the request takes; what addresses in it point to must stay referenced.
 * @returns the result, or the negative errno.
 */
export function controlDevice(fd: number, request: number, argument: ArrayBuffer): number {
  const result = libc().ioctl(fd, request, argument);
  return result < 0 ? -koffi.errno() : result;
}

/**
 * Blocks this thread until a file descriptor can be read, or for `timeoutMs`. A signal ends the wait as well, so
 * callers ask again until their own deadline.
 */
export function waitReadable(fd: number, timeoutMs: number): void {
  const POLLIN = 1;
  const descriptor = new ArrayBuffer(8);
  const view = new DataView(descriptor);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLLIN, true);
  const result = libc().poll(descriptor, 1, timeoutMs);
  if (result < 0 && koffi.errno() !== koffi.os.errno['EINTR']) throw new KernelError('poll', koffi.errno());
}
