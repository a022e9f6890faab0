/**
 * BTF, the kernel's description of its own types, read from bytes (/sys/kernel/btf/vmlinux and its modules').
 * Pure: no I/O, and no idea which types anybody looks for.
 *
 * Wire format: Documentation/bpf/btf.rst and include/uapi/linux/btf.h. A header, a section of types that are
 * numbered from 1 in order of appearance (0 is `void`), and a section of NUL-terminated strings. A module's
 * BTF is split: its type numbers and string offsets go on where those of its base, vmlinux, end.
 */

/** BTF that cannot be read. */
export class BtfError extends Error {
  override readonly name = 'BtfError';
  readonly code: 'BTF_HEADER' | 'BTF_TRUNCATED' | 'BTF_INVALID';

  constructor(code: BtfError['code'], message: string) {
    super(`BTF: ${message}`);
    this.code = code;
  }
}

/** One constant of an enum. 64-bit values beyond 2^53 lose their low bits. */
export interface Enumerator {
  readonly name: string;
  readonly value: number;
}

/** Where a member lies in its struct, in bytes. Size 0 means that BTF does not tell (e.g. a flexible array). */
export interface Member {
  readonly offset: number;
  readonly size: number;
}

/** A parameter of a function: the names of it and of its type, '' where there is none. */
export interface Parameter {
  readonly name: string;
  readonly type: string;
}

/** The kinds of types, as numbered by the format. */
export const BtfKind = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  section: 15,
  float: 16,
  declarationTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;

/** Bytes that follow the common twelve: once, and for each of `vlen` entries. Indexed by kind. */
const ONCE = Uint8Array.of(0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0);
const EACH = Uint8Array.of(0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12);

/** Longest chain of typedefs and qualifiers, and most members looked at, before a type counts as malformed. */
const MAX_CHAIN = 64;
const MAX_MEMBERS_VISITED = 100_000;

/**
 * The types of a kernel or a module. Holds the given bytes and four bytes a type: look up what is needed and
 * let it go.
 */
export class Btf {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: Btf | undefined;
  /** Offset of each own type in `#bytes`; the first is number `#firstId`. */
  readonly #offsets: Uint32Array;
  readonly #firstId: number;
  readonly #stringStart: number;
  readonly #stringEnd: number;
  /** Offset of this BTF's first own string: those below are the base's. */
  readonly #stringBase: number;

  /**
   * Reads the headers of all types in one pass.
   * @param base vmlinux's BTF, for that of a module. Names are looked up in it; types of it are not followed,
   *   so that of a module only enums can be read.
   * @throws BtfError
   */
  constructor(bytes: Uint8Array, base?: Btf) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER_BYTES)
      throw new BtfError('BTF_TRUNCATED', `${bytes.length} bytes hold no header`);
    const magic = view.getUint16(0, true);
    if (magic !== MAGIC) throw new BtfError('BTF_HEADER', `magic 0x${magic.toString(16)} is not 0xeb9f`);
    if (bytes[2] !== 1) throw new BtfError('BTF_HEADER', `version ${bytes[2]} is not 1`);
    const header = view.getUint32(4, true);
    const typeStart = header + view.getUint32(8, true);
    const typeEnd = typeStart + view.getUint32(12, true);
    const stringStart = header + view.getUint32(16, true);
    const stringEnd = stringStart + view.getUint32(20, true);
    if (header < HEADER_BYTES)
      throw new BtfError('BTF_HEADER', `header length ${header} is below ${HEADER_BYTES}`);
    if (typeEnd > bytes.length || stringEnd > bytes.length) {
      throw new BtfError(
        'BTF_TRUNCATED',
        `sections end at ${Math.max(typeEnd, stringEnd)} of ${bytes.length}`,
      );
    }
    if (stringEnd > stringStart && bytes[stringEnd - 1] !== 0) {
      throw new BtfError('BTF_INVALID', 'the string section does not end in NUL');
    }
    this.#bytes = bytes;
    this.#view = view;
    this.#base = base;
    this.#stringBase = base === undefined ? 0 : base.#stringBase + base.#stringEnd - base.#stringStart;
    this.#stringStart = stringStart;
    this.#stringEnd = stringEnd;
    this.#firstId = base === undefined ? 1 : base.#firstId + base.#offsets.length;
    this.#offsets = indexTypes(view, typeStart, typeEnd);
  }

  /** Number of this BTF's own types. */
  get typeCount(): number {
    return this.#offsets.length;
  }

  /** The number of the first own type of that kind and name, or undefined. Declarations do not count. */
  find(kind: number, name: string): number | undefined {
    const wanted = Buffer.from(name, 'latin1');
    for (let i = 0; i < this.#offsets.length; i++) {
      const at = this.#offsets[i]!;
      if (this.#kindAt(at) === kind && this.#isNamed(this.#view.getUint32(at, true), wanted)) {
        return this.#firstId + i;
      }
    }
    return undefined;
  }

  /** The constants of the named enum in order, or undefined. */
  enumerators(name: string): Enumerator[] | undefined {
    const id = this.find(BtfKind.enum, name) ?? this.find(BtfKind.enum64, name);
    return id === undefined ? undefined : this.#enumerators(this.#offsets[id - this.#firstId]!);
  }

  /** The names of this BTF's own enums that end so. */
  enumNames(suffix: string): string[] {
    const names: string[] = [];
    for (const at of this.#offsets) {
      const kind = this.#kindAt(at);
      if (kind !== BtfKind.enum && kind !== BtfKind.enum64) continue;
      const name = this.#nameAt(at);
      if (name.endsWith(suffix)) names.push(name);
    }
    return names;
  }

  /**
   * A struct's member by name, also one inside anonymous structs and unions; undefined if there is none or
   * it is a bit field.
   * @throws BtfError for a struct that refers to itself or to types that do not exist.
   */
  member(struct: string, member: string): Member | undefined {
    const id = this.find(BtfKind.struct, struct);
    if (id === undefined) return undefined;
    return this.#member(id, Buffer.from(member, 'latin1'), 0, 0, { visited: 0 });
  }

  /**
   * The parameters of a function type: that of a function, or the one that a typedef names by pointer.
   * Compilers name the parameters of functions, not those of function pointers. undefined if there is no such type.
   */
  parameters(kind: typeof BtfKind.function | typeof BtfKind.typedef, name: string): Parameter[] | undefined {
    const id = this.find(kind, name);
    if (id === undefined) return undefined;
    let at = this.#typeAt(id);
    for (let hops = 0; this.#kindAt(at) !== BtfKind.prototype; hops++) {
      if (!refersToOne(this.#kindAt(at)) || hops === MAX_CHAIN) return undefined;
      at = this.#typeAt(this.#view.getUint32(at + 8, true));
    }
    const parameters: Parameter[] = [];
    for (let i = 0, entry = at + TYPE_BYTES; i < this.#vlenAt(at); i++, entry += 8) {
      const type = this.#view.getUint32(entry + 4, true);
      const name = this.#string(this.#view.getUint32(entry, true));
      parameters.push({ name, type: type === 0 ? '' : this.#nameOf(type) });
    }
    return parameters;
  }

  #member(
    id: number,
    wanted: Uint8Array,
    base: number,
    depth: number,
    budget: { visited: number },
  ): Member | undefined {
    const at = this.#typeAt(id);
    const kind = this.#kindAt(at);
    if (kind !== BtfKind.struct && kind !== BtfKind.union) return undefined;
    const hasBitfields = this.#view.getUint32(at + 4, true) >>> 31 === 1;
    for (let i = 0, entry = at + TYPE_BYTES; i < this.#vlenAt(at); i++, entry += 12) {
      if (++budget.visited > MAX_MEMBERS_VISITED || depth > MAX_CHAIN) {
        throw new BtfError('BTF_INVALID', `type ${id} nests without end`);
      }
      const name = this.#view.getUint32(entry, true);
      const type = this.#view.getUint32(entry + 4, true);
      const place = this.#view.getUint32(entry + 8, true);
      const bits = hasBitfields ? place & 0xff_ffff : place;
      const offset = base + (bits >>> 3);
      if (name === 0) {
        const inner = this.#member(this.#skipQualifiers(type), wanted, offset, depth + 1, budget);
        if (inner !== undefined) return inner;
      } else if (this.#isNamed(name, wanted)) {
        const isBitfield = (hasBitfields && place >>> 24 !== 0) || (bits & 7) !== 0;
        return isBitfield ? undefined : { offset, size: this.#sizeOf(type) };
      }
    }
    return undefined;
  }

  #enumerators(at: number): Enumerator[] {
    const wide = this.#kindAt(at) === BtfKind.enum64;
    const signed = this.#view.getUint32(at + 4, true) >>> 31 === 1;
    const list: Enumerator[] = [];
    for (let i = 0, entry = at + TYPE_BYTES; i < this.#vlenAt(at); i++, entry += wide ? 12 : 8) {
      const name = this.#string(this.#view.getUint32(entry, true));
      const low = this.#view.getUint32(entry + 4, true);
      if (wide) {
        const high = signed ? this.#view.getInt32(entry + 8, true) : this.#view.getUint32(entry + 8, true);
        list.push({ name, value: high * 2 ** 32 + low });
      } else {
        list.push({ name, value: signed ? low | 0 : low });
      }
    }
    return list;
  }

  /** Bytes of a type; 0 for functions, declarations and what refers to nothing. */
  #sizeOf(id: number): number {
    const resolved = this.#skipQualifiers(id);
    if (resolved === 0) return 0;
    const at = this.#typeAt(resolved);
    switch (this.#kindAt(at)) {
      case BtfKind.int:
      case BtfKind.struct:
      case BtfKind.union:
      case BtfKind.enum:
      case BtfKind.enum64:
      case BtfKind.float:
        return this.#view.getUint32(at + 8, true);
      case BtfKind.pointer:
        return 8;
      default:
        return 0;
    }
  }

  #nameOf(id: number): string {
    let at = this.#typeAt(id);
    for (let hops = 0; hops < MAX_CHAIN; hops++) {
      const name = this.#nameAt(at);
      if (name !== '' || !refersToOne(this.#kindAt(at))) return name;
      const next = this.#view.getUint32(at + 8, true);
      if (next === 0) return 'void';
      at = this.#typeAt(next);
    }
    return '';
  }

  #skipQualifiers(id: number): number {
    let current = id;
    for (let hops = 0; hops < MAX_CHAIN; hops++) {
      if (current === 0) return 0;
      const at = this.#typeAt(current);
      const kind = this.#kindAt(at);
      if (kind === BtfKind.pointer || kind === BtfKind.function || !refersToOne(kind)) return current;
      current = this.#view.getUint32(at + 8, true);
    }
    throw new BtfError('BTF_INVALID', `type ${id} refers to itself`);
  }

  #typeAt(id: number): number {
    const at = this.#offsets[id - this.#firstId];
    if (at === undefined) throw new BtfError('BTF_INVALID', `there is no type ${id}`);
    return at;
  }

  #kindAt(at: number): number {
    return kindOf(this.#view.getUint32(at + 4, true));
  }

  #vlenAt(at: number): number {
    return this.#view.getUint32(at + 4, true) & 0xffff;
  }

  #nameAt(at: number): string {
    return this.#string(this.#view.getUint32(at, true));
  }

  /** Whether the string at that offset is `wanted`. */
  #isNamed(offset: number, wanted: Uint8Array): boolean {
    if (offset < this.#stringBase) return this.#base!.#isNamed(offset, wanted);
    const start = this.#stringStart + offset - this.#stringBase;
    if (start + wanted.length >= this.#stringEnd) return false;
    for (let i = 0; i < wanted.length; i++) {
      if (this.#bytes[start + i] !== wanted[i]) return false;
    }
    return this.#bytes[start + wanted.length] === 0;
  }

  #string(offset: number): string {
    if (offset < this.#stringBase) return this.#base!.#string(offset);
    const start = this.#stringStart + offset - this.#stringBase;
    if (start >= this.#stringEnd)
      throw new BtfError('BTF_INVALID', `string offset ${offset} is beyond the section`);
    return Buffer.from(
      this.#bytes.buffer,
      this.#bytes.byteOffset + start,
      this.#bytes.indexOf(0, start) - start,
    ).toString('latin1');
  }
}

/** Offsets of all types, which have no common length. */
function indexTypes(view: DataView, start: number, end: number): Uint32Array {
  let offsets = new Uint32Array(Math.ceil((end - start) / 24));
  let count = 0;
  let at = start;
  while (at + TYPE_BYTES <= end) {
    const info = view.getUint32(at + 4, true);
    const kind = kindOf(info);
    if (kind === 0 || kind >= ONCE.length) {
      throw new BtfError('BTF_INVALID', `kind ${kind} at offset ${at} is unknown`);
    }
    if (count === offsets.length) {
      const larger = new Uint32Array(offsets.length * 2);
      larger.set(offsets);
      offsets = larger;
    }
    offsets[count++] = at;
    at += TYPE_BYTES + ONCE[kind]! + EACH[kind]! * (info & 0xffff);
  }
  if (at !== end)
    throw new BtfError('BTF_TRUNCATED', `the last type does not end with the section at ${end}`);
  return offsets.slice(0, count);
}

function kindOf(info: number): number {
  return (info >>> 24) & 0x1f;
}

/** Whether a type of this kind is nothing but another type under a name or qualifier, or a pointer to it. */
function refersToOne(kind: number): boolean {
  switch (kind) {
    case BtfKind.pointer:
    case BtfKind.typedef:
    case BtfKind.volatile:
    case BtfKind.const:
    case BtfKind.restrict:
    case BtfKind.function:
    case BtfKind.typeTag:
      return true;
    default:
      return false;
  }
}
