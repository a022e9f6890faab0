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
      mmap: library.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64 offset)'),
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
