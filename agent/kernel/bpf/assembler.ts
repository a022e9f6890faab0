/**
 * An assembler for BPF programs: instructions with named registers and labels, encoded as the kernel reads
 * them. It knows the instruction set and nothing of maps, programs or what is counted.
 *
 * Encoding: RFC 9669. Eight bytes each: opcode, registers (source in the high nibble), a signed 16-bit offset
 * and a signed 32-bit immediate, little-endian on both architectures that Netfall runs on.
 */

/** A program that cannot be encoded. */
class AssemblerError extends Error {
  override readonly name = 'AssemblerError';
  readonly code: 'UNKNOWN_LABEL' | 'DUPLICATE_LABEL' | 'JUMP_TOO_FAR' | 'OUT_OF_RANGE';

  constructor(code: AssemblerError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A register: r0 holds results, r1–r5 arguments (lost in calls), r6–r9 survive calls, r10 is the frame. */
export interface Register {
  readonly register: number;
}

export const r0: Register = { register: 0 };
export const r1: Register = { register: 1 };
export const r2: Register = { register: 2 };
export const r3: Register = { register: 3 };
export const r4: Register = { register: 4 };
export const r5: Register = { register: 5 };
export const r6: Register = { register: 6 };
export const r7: Register = { register: 7 };
export const r8: Register = { register: 8 };
export const r9: Register = { register: 9 };
export const r10: Register = { register: 10 };

/** Helper functions by their number in the kernel (include/uapi/linux/bpf.h, `__BPF_FUNC_MAPPER`). */
export const Helper = {
  mapLookupElem: 1,
  mapUpdateElem: 2,
  ktimeGetNs: 5,
  /** Linux 5.5. */
  probeReadKernel: 113,
  /** Linux 5.8. */
  ringbufReserve: 131,
  ringbufSubmit: 132,
  /** Linux 5.13. */
  snprintf: 165,
} as const;

/** Width of a memory access, in bits. */
export type Width = 8 | 16 | 32 | 64;

const CLASS = { ldx: 1, st: 2, stx: 3, alu: 4, jump: 5, jump32: 6, alu64: 7 } as const;
const SIZE: Record<Width, number> = { 32: 0x00, 16: 0x08, 8: 0x10, 64: 0x18 };
const MODE_MEMORY = 0x60;
const SOURCE_REGISTER = 0x08;
const LOAD_IMMEDIATE_64 = 0x18;
const PSEUDO = { mapFd: 1, mapValue: 2, kernelFunction: 2 } as const;

const INSTRUCTION_BYTES = 8;

interface Jump {
  readonly index: number;
  readonly label: string;
}

/** Collects instructions; the methods are their mnemonics. Made by {@link assemble}. */
export class Assembler {
  readonly #words: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: Jump[] = [];

  /** Names the next instruction as a target of jumps. */
  label(name: string): void {
    if (this.#labels.has(name))
      throw new AssemblerError('DUPLICATE_LABEL', `label '${name}' is defined twice`);
    this.#labels.set(name, this.#length);
  }

  /** `to = from` (64 bits; an immediate is sign-extended). */
  mov(to: Register, from: Register | number): void {
    this.#arithmetic(0xb0, to, from);
  }

  /** `to += by` */
  add(to: Register, by: Register | number): void {
    this.#arithmetic(0x00, to, by);
  }

  /** `to -= by` */
  sub(to: Register, by: Register | number): void {
    this.#arithmetic(0x10, to, by);
  }

  /** `to *= by`, the low 64 bits of the product */
  mul(to: Register, by: Register | number): void {
    this.#arithmetic(0x20, to, by);
  }

  /** `to |= bits` */
  or(to: Register, bits: Register | number): void {
    this.#arithmetic(0x40, to, bits);
  }

  /** `to &= bits` */
  and(to: Register, bits: Register | number): void {
    this.#arithmetic(0x50, to, bits);
  }

  /** Shifts left. */
  lsh(to: Register, by: Register | number): void {
    this.#arithmetic(0x60, to, by);
  }

  /** Shifts right, and zeros come in. */
  rsh(to: Register, by: Register | number): void {
    this.#arithmetic(0x70, to, by);
  }

  /** Clears the upper half of a register. */
  clearUpper(register: Register): void {
    this.#emit(CLASS.alu | 0xb0 | SOURCE_REGISTER, register.register, register.register, 0, 0);
  }

  /** Converts the low 16 bits of a register between network and host order, and clears the rest. */
  swap16(register: Register): void {
    this.#emit(CLASS.alu | 0xd0 | SOURCE_REGISTER, register.register, 0, 0, 16);
  }

  /** `to = *(from + offset)`, zero-extended. */
  ldx(width: Width, to: Register, from: Register, offset: number): void {
    this.#emit(CLASS.ldx | SIZE[width] | MODE_MEMORY, to.register, from.register, offset, 0);
  }

  /** `*(to + offset) = value` */
  stx(width: Width, to: Register, offset: number, value: Register | number): void {
    if (typeof value === 'number') {
      this.#emit(CLASS.st | SIZE[width] | MODE_MEMORY, to.register, 0, offset, value);
    } else {
      this.#emit(CLASS.stx | SIZE[width] | MODE_MEMORY, to.register, value.register, offset, 0);
    }
  }

  /** Jumps always. */
  jump(label: string): void {
    this.#branch(CLASS.jump, 0, 0, label);
  }

  /** Jumps if all 64 bits of `left` equal the register or the sign-extended immediate. */
  jeq(left: Register, right: Register | number, label: string): void {
    this.#compare(0x10, left, right, label);
  }

  /** Jumps if any of the 64 bits differ. */
  jne(left: Register, right: Register | number, label: string): void {
    this.#compare(0x50, left, right, label);
  }

  /** Jumps if `left` is greater, both unsigned (an immediate is sign-extended first). */
  jgt(left: Register, right: Register | number, label: string): void {
    this.#compare(0x20, left, right, label);
  }

  /** Jumps if `left` is less or equal, both unsigned (an immediate is sign-extended first). */
  jle(left: Register, right: Register | number, label: string): void {
    this.#compare(0xb0, left, right, label);
  }

  /** Calls a helper by number: see {@link Helper}. */
  call(helper: number): void {
    this.#emit(CLASS.jump | 0x80, 0, 0, 0, helper);
  }

  /** Calls a function that the kernel exports to BPF, by its type number in vmlinux's BTF. */
  callKernel(btfId: number): void {
    this.#emit(CLASS.jump | 0x80, 0, PSEUDO.kernelFunction, 0, btfId);
  }

  /** Ends the program; r0 is its result. */
  exit(): void {
    this.#emit(CLASS.jump | 0x90, 0, 0, 0, 0);
  }

  /** `to` = the map behind that file descriptor. Takes two instructions' room. */
  loadMap(to: Register, map: { readonly fd: number }): void {
    this.#emit(LOAD_IMMEDIATE_64, to.register, PSEUDO.mapFd, 0, map.fd);
    this.#emit(0, 0, 0, 0, 0);
  }

  /** `to` = the address of an array map's first value, `offset` bytes into it. Takes two instructions' room. */
  loadMapValue(to: Register, map: { readonly fd: number }, offset = 0): void {
    this.#emit(LOAD_IMMEDIATE_64, to.register, PSEUDO.mapValue, 0, map.fd);
    this.#emit(0, 0, 0, 0, offset);
  }

  /** The encoded program. @throws AssemblerError when a label is missing or out of a jump's reach. */
  encode(): ArrayBuffer {
    const buffer = new ArrayBuffer(this.#length * INSTRUCTION_BYTES);
    const view = new DataView(buffer);
    for (let i = 0; i < this.#words.length; i++) view.setInt32(i * 4, this.#words[i]!, true);
    for (const { index, label } of this.#jumps) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new AssemblerError('UNKNOWN_LABEL', `label '${label}' is not defined`);
      const distance = target - index - 1;
      if (distance < -0x8000 || distance > 0x7fff) {
        throw new AssemblerError('JUMP_TOO_FAR', `label '${label}' is ${distance} instructions away`);
      }
      view.setInt16(index * INSTRUCTION_BYTES + 2, distance, true);
    }
    return buffer;
  }

  get #length(): number {
    return this.#words.length / 2;
  }

  #arithmetic(operation: number, to: Register, operand: Register | number): void {
    if (typeof operand === 'number') this.#emit(CLASS.alu64 | operation, to.register, 0, 0, operand);
    else this.#emit(CLASS.alu64 | operation | SOURCE_REGISTER, to.register, operand.register, 0, 0);
  }

  #compare(operation: number, left: Register, right: Register | number, label: string): void {
    if (typeof right === 'number') this.#branch(CLASS.jump | operation, left.register, 0, label, right);
    else this.#branch(CLASS.jump | operation | SOURCE_REGISTER, left.register, right.register, label);
  }

  #branch(opcode: number, left: number, right: number, label: string, immediate = 0): void {
    this.#jumps.push({ index: this.#length, label });
    this.#emit(opcode, left, right, 0, immediate);
  }

  #emit(opcode: number, to: number, from: number, offset: number, immediate: number): void {
    if (!Number.isInteger(offset) || offset < -0x8000 || offset > 0x7fff) {
      throw new AssemblerError('OUT_OF_RANGE', `offset ${offset} does not fit 16 bits`);
    }
    if (!Number.isInteger(immediate) || immediate < -0x8000_0000 || immediate > 0x7fff_ffff) {
      throw new AssemblerError('OUT_OF_RANGE', `immediate ${immediate} does not fit 32 signed bits`);
    }
    this.#words.push(opcode | (to << 8) | (from << 12) | (offset << 16), immediate);
  }
}

/**
 * Encodes the program that `write` writes, e.g. `assemble((b) => { b.mov(r0, 0); b.exit(); })`.
 * @returns eight bytes an instruction.
 */
export function assemble(write: (b: Assembler) => void): ArrayBuffer {
  const assembler = new Assembler();
  write(assembler);
  return assembler.encode();
}
