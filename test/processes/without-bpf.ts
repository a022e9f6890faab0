/**
 * Starts a program for which there is no bpf(2), as container engines do: a seccomp filter answers in the kernel's place.
 *
 *   node test/processes/without-bpf.ts EPERM|ENOSYS|kill PROGRAM [ARGUMENT…]
 *
 * With `kill` a process that calls it dies of SIGSYS. Needs CAP_SYS_ADMIN. Layout: include/uapi/linux/seccomp.h, filter.h.
 */
import { constants } from 'node:os';
import koffi from 'koffi';
import { addressOf, KernelError } from '../../agent/kernel/libc.ts';

export type Answer = 'EPERM' | 'ENOSYS' | 'kill';

/** The command that goes in front of another one. */
export function withoutBpf(answer: Answer): string[] {
  return [process.execPath, '--disable-warning=ExperimentalWarning', import.meta.filename, answer];
}

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const [RET_KILL_PROCESS, RET_ERRNO, RET_ALLOW] = [0x8000_0000, 0x0005_0000, 0x7fff_0000];
/** Classic BPF: load a word of `struct seccomp_data`, whose first is the call's number; jump if equal; return. */
const [LOAD, JUMP_EQUAL, RETURN] = [0x20, 0x15, 0x06];
const NUMBERS: Partial<Record<NodeJS.Architecture, number>> = { x64: 321, arm64: 280 };

function denyBpf(answer: Answer): void {
  const instructions = [
    [LOAD, 0, 0, 0],
    [JUMP_EQUAL, 0, 1, NUMBERS[process.arch] ?? 0],
    [RETURN, 0, 0, answer === 'kill' ? RET_KILL_PROCESS : RET_ERRNO | constants.errno[answer]],
    [RETURN, 0, 0, RET_ALLOW],
  ] as const;
  const filter = new ArrayBuffer(instructions.length * 8);
  const view = new DataView(filter);
  for (const [i, [code, equal, other, value]] of instructions.entries()) {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, equal);
    view.setUint8(i * 8 + 3, other);
    view.setUint32(i * 8 + 4, value, true);
  }
  const program = new ArrayBuffer(16);
  new DataView(program).setUint16(0, instructions.length, true);
  new DataView(program).setBigUint64(8, addressOf(filter), true);
  const prctl: (option: number, mode: number, program: ArrayBuffer, a: number, b: number) => number = koffi
    .load('libc.so.6')
    .func('int prctl(int option, ulong mode, void *program, ulong a, ulong b)');
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) < 0) {
    throw new KernelError('prctl(PR_SET_SECCOMP)', koffi.errno());
  }
}

if (import.meta.main) {
  const [answer, program = '', ...args] = process.argv.slice(2);
  if (answer !== 'EPERM' && answer !== 'ENOSYS' && answer !== 'kill')
    throw new TypeError(`no answer: ${answer}`);
  denyBpf(answer);
  process.execve?.(program, [program, ...args], process.env);
}
