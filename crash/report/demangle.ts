/**
 * Names of functions that are not written in C, as people write them. Pure. Rust's mangling is RFC 2603 ("v0"), C++'s the
 * Itanium ABI, of which only plain names are read: the kernel has none, but modules may.
 */

/** What a name is read of at most: references back could make it endless. */
const MOST_STEPS = 256;
const MOST_NAME = 256;

/** The name as it is written in its language; the mangled one where it cannot be read. */
export function demangled(name: string): string {
  if (name.startsWith('_R')) return new RustName(name).read() ?? name;
  if (name.startsWith('_Z')) return cppName(name) ?? name;
  return name;
}

function cppName(name: string): string | null {
  const isNested = name.startsWith('_ZN');
  const parts: string[] = [];
  let at = isNested ? 3 : 2;
  do {
    const length = /^[1-9]\d{0,2}/.exec(name.slice(at, at + 3))?.[0];
    if (length === undefined) break;
    at += length.length;
    parts.push(name.slice(at, at + Number(length)));
    at += Number(length);
  } while (isNested && at < name.length);
  return parts.length > 0 ? parts.join('::') : null;
}

const BASIC: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  x: 'i64',
  y: 'u64',
  z: '!',
};

class Unreadable extends Error {}

/** A reader of one name. */
class RustName {
  readonly #text: string;
  #at = 0;
  #steps = 0;

  constructor(name: string) {
    this.#text = name.slice(2);
  }

  read(): string | null {
    try {
      return this.#path().slice(0, MOST_NAME);
    } catch (error) {
      if (error instanceof Unreadable) return null;
      throw error;
    }
  }

  #next(): string {
    if (++this.#steps > MOST_STEPS || this.#at >= this.#text.length) throw new Unreadable();
    return this.#text[this.#at++]!;
  }

  #take(letter: string): boolean {
    if (this.#text[this.#at] !== letter) return false;
    this.#at++;
    return true;
  }

  #path(): string {
    const kind = this.#next();
    switch (kind) {
      case 'C':
        return this.#identifier();
      case 'N': {
        const namespace = this.#next();
        const within = this.#path();
        const name = this.#identifier();
        if (namespace === 'C') return `${within}::{closure}`;
        return `${within}::${name}`;
      }
      case 'M': {
        this.#implementation();
        return `<${this.#type()}>`;
      }
      case 'X': {
        this.#implementation();
        const type = this.#type();
        return `<${type} as ${this.#path()}>`;
      }
      case 'Y': {
        const type = this.#type();
        return `<${type} as ${this.#path()}>`;
      }
      case 'I': {
        const path = this.#path();
        const given: string[] = [];
        while (!this.#take('E')) given.push(this.#generic());
        return `${path}<${given.join(', ')}>`;
      }
      case 'B':
        return this.#back(() => this.#path());
      default:
        throw new Unreadable();
    }
  }

  #implementation(): void {
    this.#disambiguator();
    this.#path();
  }

  #generic(): string {
    if (this.#take('L')) {
      this.#base62();
      return "'_";
    }
    if (this.#take('K')) {
      this.#next();
      const end = this.#text.indexOf('_', this.#at);
      if (end < 0) throw new Unreadable();
      this.#at = end + 1;
      return '_';
    }
    return this.#type();
  }

  #type(): string {
    const kind = this.#text[this.#at] ?? '';
    const basic = BASIC[kind];
    if (basic !== undefined) {
      this.#next();
      return basic;
    }
    switch (kind) {
      case 'R':
      case 'Q': {
        this.#next();
        if (this.#take('L')) this.#base62();
        return `${kind === 'R' ? '&' : '&mut '}${this.#type()}`;
      }
      case 'P':
      case 'O':
        this.#next();
        return `${kind === 'P' ? '*const ' : '*mut '}${this.#type()}`;
      case 'S':
        this.#next();
        return `[${this.#type()}]`;
      case 'T': {
        this.#next();
        const of: string[] = [];
        while (!this.#take('E')) of.push(this.#type());
        return `(${of.join(', ')})`;
      }
      case 'B':
        this.#next();
        return this.#back(() => this.#type());
      default:
        return this.#path();
    }
  }

  /** What stood earlier in the name. */
  #back(read: () => string): string {
    const to = this.#base62();
    const after = this.#at;
    if (to >= after) throw new Unreadable();
    this.#at = to;
    const found = read();
    this.#at = after;
    return found;
  }

  #disambiguator(): void {
    if (this.#take('s')) this.#base62();
  }

  #identifier(): string {
    this.#disambiguator();
    if (this.#take('u')) throw new Unreadable();
    const length = /^\d{1,3}/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0] ?? '';
    this.#at += length.length;
    // Where the name itself begins with a digit or an underscore.
    this.#take('_');
    const name = this.#text.slice(this.#at, this.#at + Number(length));
    this.#at += Number(length);
    if (length === '' || name.length < Number(length)) throw new Unreadable();
    return name;
  }

  #base62(): number {
    let value = 0;
    if (this.#take('_')) return 0;
    for (;;) {
      const letter = this.#next();
      if (letter === '_') return value + 1;
      const digit = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(letter);
      if (digit < 0) throw new Unreadable();
      value = value * 62 + digit;
    }
  }
}
