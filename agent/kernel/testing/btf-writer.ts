/**
 * Writes small BTF files for tests: types are numbered from 1 in the order in which they are added, or from
 * where `base` ends for a module's.
 */

import { BtfKind } from '../btf.ts';

interface WrittenMember {
  readonly name: string;
  readonly type: number;
  /** From the start of the struct. */
  readonly bits: number;
  /** For bit fields: their width. */
  readonly width?: number;
}

export class BtfWriter {
  readonly #firstId: number;
  readonly #stringBase: number;
  readonly #types: number[][] = [];
  readonly #strings: Buffer[] = [];
  readonly #offsets = new Map<string, number>();
  #stringBytes = 0;

  constructor(base?: BtfWriter) {
    this.#firstId = base === undefined ? 1 : base.#firstId + base.#types.length;
    this.#stringBase = base === undefined ? 0 : base.#stringBase + base.#stringBytes;
    if (base === undefined) this.#string('');
    else this.#offsets.set('', 0);
  }

  int(name: string, bytes: number): number {
    return this.#type(name, BtfKind.int, 0, bytes, [bytes * 8]);
  }

  /** A type that is another one: a typedef, a pointer (`name` is '' then), `const` … 0 is `void`. */
  reference(kind: number, name: string, to: number): number {
    return this.#type(name, kind, 0, to, []);
  }

  array(element: number, index: number, count: number): number {
    return this.#type('', BtfKind.array, 0, 0, [element, index, count]);
  }

  struct(
    name: string,
    bytes: number,
    members: readonly WrittenMember[],
    kind: number = BtfKind.struct,
  ): number {
    const bitfields = members.some((member) => member.width !== undefined);
    const words = members.flatMap(({ name, type, bits, width }) => [
      this.#string(name),
      type,
      bitfields ? ((width ?? 0) << 24) | bits : bits,
    ]);
    return this.#type(name, kind, members.length, bytes, words, bitfields);
  }

  enum(name: string, values: Readonly<Record<string, number>>, signed = false): number {
    const words = Object.entries(values).flatMap(([name, value]) => [this.#string(name), value]);
    return this.#type(name, BtfKind.enum, words.length / 2, 4, words, signed);
  }

  enum64(name: string, values: Readonly<Record<string, bigint>>, signed = false): number {
    const words = Object.entries(values).flatMap(([name, value]) => [
      this.#string(name),
      Number(BigInt.asIntN(32, value)),
      Number(BigInt.asIntN(32, value >> 32n)),
    ]);
    return this.#type(name, BtfKind.enum64, words.length / 3, 8, words, signed);
  }

  /** A function's type: names and types of its parameters. */
  prototype(parameters: readonly (readonly [name: string, type: number])[], result = 0): number {
    const words = parameters.flatMap(([name, type]) => [this.#string(name), type]);
    return this.#type('', BtfKind.prototype, parameters.length, result, words);
  }

  encode(): Uint8Array {
    const types = Buffer.alloc(this.#types.reduce((bytes, words) => bytes + words.length * 4, 0));
    let at = 0;
    for (const word of this.#types.flat()) at = types.writeInt32LE(word | 0, at);
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header.writeUInt8(1, 2);
    header.writeUInt32LE(24, 4);
    header.writeUInt32LE(types.length, 12);
    header.writeUInt32LE(types.length, 16);
    header.writeUInt32LE(this.#stringBytes, 20);
    return Buffer.concat([header, types, ...this.#strings]);
  }

  #type(name: string, kind: number, vlen: number, sizeOrType: number, words: number[], flag = false): number {
    this.#types.push([this.#string(name), (flag ? 1 << 31 : 0) | (kind << 24) | vlen, sizeOrType, ...words]);
    return this.#firstId + this.#types.length - 1;
  }

  #string(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#stringBase + this.#stringBytes;
    const bytes = Buffer.from(`${text}\0`, 'latin1');
    this.#strings.push(bytes);
    this.#stringBytes += bytes.length;
    this.#offsets.set(text, offset);
    return offset;
  }
}
