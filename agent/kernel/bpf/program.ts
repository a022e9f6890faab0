/**
 * BPF programs: loading, attaching to raw tracepoints, running once, and what the kernel says about them.
 */

import { KernelError } from '../libc.ts';
import { Attributes, bpf, FileDescriptor, tryBpf } from './bpf.ts';

/** Kinds of programs, by their number. */
export const ProgramType = {
  /** Arguments are plain numbers. */
  rawTracepoint: 17,
  /** Of these, {@link TRACE_RAW_TRACEPOINT}: arguments are typed by BTF and may be followed without a helper. */
  tracing: 26,
} as const;

/** The attach type of a tracing program on a raw tracepoint (`BPF_TRACE_RAW_TP`, Linux 5.5). */
export const TRACE_RAW_TRACEPOINT = 23;

/** Bytes of the verifier's log that are kept for an error. */
const LOG_BYTES = 64 * 1024;

/** Helpers that read kernel memory are for GPL-compatible programs only; ours are offered under both licences. */
const LICENSE = 'Dual MIT/GPL';

const EAGAIN = 11;
const MAX_ATTEMPTS = 10;

export interface ProgramOptions {
  readonly type: (typeof ProgramType)[keyof typeof ProgramType];
  readonly code: ArrayBuffer;
  readonly name: string;
  readonly expectedAttachType?: number;
  /** What a tracing program attaches to: the number of the tracepoint's `btf_trace_*` typedef in vmlinux. */
  readonly attachBtfId?: number;
}

/** A rejected program: `log` is what the verifier had to say. */
export class VerifierError extends KernelError {
  readonly log: string;

  constructor(errno: number, log: string) {
    super('bpf(BPF_PROG_LOAD)', errno, lastLine(log));
    this.log = log;
  }
}

export interface ProgramInfo {
  readonly id: number;
  /** Nanoseconds and runs while run-time statistics were on. */
  readonly runTimeNs: number;
  readonly runs: number;
  /** Runs that were skipped because the program was already running on that CPU; 0 before Linux 5.12. */
  readonly recursionMisses: number;
}

export class BpfProgram extends FileDescriptor {
  readonly #info = new Attributes(216);
  readonly #infoRequest = new Attributes(16);

  /** @throws VerifierError when the program is rejected; KernelError EPERM without CAP_BPF and CAP_PERFMON. */
  static load(options: ProgramOptions): BpfProgram {
    const attributes = new Attributes(116);
    attributes.setU32(0, options.type);
    attributes.setU32(4, options.code.byteLength / 8);
    attributes.setPointer(8, options.code);
    attributes.setPointer(16, cString(LICENSE));
    attributes.setName(48, options.name);
    attributes.setU32(68, options.expectedAttachType ?? 0);
    attributes.setU32(108, options.attachBtfId ?? 0);
    let result = tryBpf('BPF_PROG_LOAD', attributes);
    // The verifier gives up when a signal arrives, as those of Node's own threads may.
    for (let i = 1; i < MAX_ATTEMPTS && result === -EAGAIN; i++) result = tryBpf('BPF_PROG_LOAD', attributes);
    if (result >= 0) return new BpfProgram(result);
    throw explain(-result, attributes);
  }

  /** What the kernel says about it, read into a buffer that stays. */
  info(): ProgramInfo {
    // The kernel takes what stands in it as requests for lists.
    new Uint8Array(this.#info.buffer).fill(0);
    this.#infoRequest.setU32(0, this.fd);
    this.#infoRequest.setU32(4, this.#info.buffer.byteLength);
    this.#infoRequest.setPointer(8, this.#info.buffer);
    bpf('BPF_OBJ_GET_INFO_BY_FD', this.#infoRequest);
    return {
      id: this.#info.getU32(4),
      runTimeNs: this.#info.getU64(192),
      runs: this.#info.getU64(200),
      recursionMisses: this.#info.getU64(208),
    };
  }

  /**
   * Attaches to a raw tracepoint (Linux 4.17): it runs until the result is closed.
   * @param tracepoint its name; '' for a tracing program, which was loaded for one.
   */
  attachRawTracepoint(tracepoint = ''): FileDescriptor {
    const attributes = new Attributes(16);
    if (tracepoint !== '') attributes.setPointer(0, cString(tracepoint));
    attributes.setU32(8, this.fd);
    return new FileDescriptor(bpf('BPF_RAW_TRACEPOINT_OPEN', attributes));
  }

  /**
   * Runs a raw tracepoint program once, here and now (Linux 5.10).
   * @param context its arguments, eight bytes each.
   * @returns its result as u32.
   */
  run(context: ArrayBuffer): number {
    const attributes = new Attributes(80);
    attributes.setU32(0, this.fd);
    attributes.setU32(40, context.byteLength);
    attributes.setPointer(48, context);
    bpf('BPF_PROG_TEST_RUN', attributes);
    return attributes.getU32(4);
  }
}

/** Loads once more, for the log: the kernel formats it only on demand, and that costs. */
function explain(errno: number, attributes: Attributes): KernelError {
  const log = new ArrayBuffer(LOG_BYTES);
  attributes.setU32(24, 1);
  attributes.setU32(28, LOG_BYTES);
  attributes.setPointer(32, log);
  const result = tryBpf('BPF_PROG_LOAD', attributes);
  if (result >= 0) new FileDescriptor(result).close();
  const text = Buffer.from(log);
  return new VerifierError(errno, text.toString('latin1', 0, Math.max(0, text.indexOf(0))).trim());
}

/** The verifier ends with statistics; the line before them says what is wrong. */
function lastLine(log: string): string {
  return log.split('\n').findLast((line) => line !== '' && !line.startsWith('processed ')) ?? '';
}

function cString(text: string): ArrayBuffer {
  const buffer = new ArrayBuffer(text.length + 1);
  Buffer.from(buffer).write(text, 'latin1');
  return buffer;
}
