/**
 * bpf(2): its commands and the objects behind the file descriptors that it returns. It must not know what the
 * programs do.
 *
 * Layouts: `union bpf_attr` and `struct bpf_prog_info` in include/uapi/linux/bpf.h. Each command's attributes are
 * a buffer of zeros in which only the named fields are set; pointers are 64-bit addresses.
 */

import { addressOf, bpfSyscall, closeFd, KernelError } from '../libc.ts';

/** Commands of bpf(2), by their number. */
const Command = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_LOOKUP_ELEM: 1,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_PROG_LOAD: 5,
  BPF_PROG_TEST_RUN: 10,
  BPF_PROG_GET_NEXT_ID: 11,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_RAW_TRACEPOINT_OPEN: 17,
  BPF_MAP_FREEZE: 22,
  BPF_MAP_LOOKUP_BATCH: 24,
  BPF_ENABLE_STATS: 32,
} as const;

export type CommandName = keyof typeof Command;

/** Longest name that the kernel keeps for a program or map, its NUL not counted. */
const MAX_NAME = 15;

/** A buffer for `union bpf_attr`, of the length that the command needs. */
export class Attributes {
  readonly buffer: ArrayBuffer;
  readonly view: DataView;
  /** What the pointers point to, by their offset: an address alone would not keep it from being collected. */
  readonly #referenced = new Map<number, ArrayBuffer>();

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes);
    this.view = new DataView(this.buffer);
  }

  setU32(offset: number, value: number): void {
    this.view.setUint32(offset, value, true);
  }

  /** Points to a buffer, or to nothing. */
  setPointer(offset: number, buffer: ArrayBuffer | undefined): void {
    this.view.setBigUint64(offset, buffer === undefined ? 0n : addressOf(buffer), true);
    if (buffer === undefined) this.#referenced.delete(offset);
    else this.#referenced.set(offset, buffer);
  }

  getU32(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  /** A u64 as a number; counts beyond 2^53 lose their low bits. */
  getU64(offset: number): number {
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * 2 ** 32;
  }

  /** Writes an object's name: letters, digits, `_` and `.`, cut to 15. */
  setName(offset: number, name: string): void {
    Buffer.from(this.buffer, offset, MAX_NAME).write(name.replaceAll(/[^A-Za-z0-9_.]/g, '_'), 'latin1');
  }
}

/** Runs a command. @throws KernelError */
export function bpf(command: CommandName, attributes: Attributes): number {
  const result = tryBpf(command, attributes);
  if (result < 0) throw new KernelError(`bpf(${command})`, -result);
  return result;
}

/** Runs a command whose errors are answers. @returns the result, or the negative errno. */
export function tryBpf(command: CommandName, attributes: Attributes): number {
  inKernel.add(attributes);
  const result = bpfSyscall(Command[command], attributes.buffer);
  inKernel.delete(attributes);
  return result;
}

/** Holds on to the attributes of the running call, and so to the buffers that they point to. */
const inKernel = new Set<Attributes>();

/** Owns a file descriptor: what it stands for lives in the kernel until `close()`. */
export class FileDescriptor {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The number. @throws Error when it is closed, lest another file's number be used. */
  get fd(): number {
    if (this.#fd < 0) throw new Error(`${this.constructor.name} is closed`);
    return this.#fd;
  }

  /** Closes it; a second time does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    closeFd(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes the kernel measure the run time of all BPF programs until the result is closed (Linux 5.8; needs
 * CAP_SYS_ADMIN; costs each run two readings of the clock).
 */
export function enableRunTimeStats(): FileDescriptor {
  return new FileDescriptor(bpf('BPF_ENABLE_STATS', new Attributes(4)));
}

/** The numbers of all BPF programs loaded on this machine. Needs CAP_SYS_ADMIN. */
export function loadedProgramIds(): number[] {
  const ids: number[] = [];
  const attributes = new Attributes(12);
  for (;;) {
    attributes.setU32(0, ids.at(-1) ?? 0);
    const result = tryBpf('BPF_PROG_GET_NEXT_ID', attributes);
    if (result < 0) {
      const error = new KernelError('bpf(BPF_PROG_GET_NEXT_ID)', -result);
      if (error.code === 'ENOENT') return ids;
      throw error;
    }
    ids.push(attributes.getU32(4));
  }
}
