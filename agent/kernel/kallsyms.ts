/**
 * /proc/kallsyms, the kernel's symbols by address, read from bytes.
 *
 * A line is `<address in hex> <type> <name>[\t[<module>]]`. Addresses are all zero for whoever may not see them
 * (kptr_restrict, CAP_SYSLOG). Modules follow the kernel and are not sorted.
 */

/** The symbol that an address lies in. `size` reaches to the next symbol; 0 for the last one. */
export interface KernelSymbol {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** '' in the kernel itself. */
  readonly module: string;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TEXT_TYPES = new Set(['t', 'T', 'w', 'W'].map((type) => type.charCodeAt(0)));

/** Farther than any function reaches: an address beyond belongs to something that kallsyms does not list. */
const MAX_FUNCTION_BYTES = 1 << 20;

/** The function that an address lies in, or undefined. One pass; lines that are no symbols are skipped. */
export function findSymbol(kallsyms: Uint8Array, address: bigint): KernelSymbol | undefined {
  let start = 0n;
  let line = -1;
  let next = 0n;
  forEachLine(kallsyms, (from, to) => {
    const at = addressAt(kallsyms, from, to);
    if (at === undefined || at === 0n || !TEXT_TYPES.has(kallsyms[from + 17]!)) return;
    if (at > address) {
      if (next === 0n || at < next) next = at;
    } else if (at > start) {
      start = at;
      line = from;
    }
  });
  const offset = Number(address - start);
  if (line < 0 || offset >= MAX_FUNCTION_BYTES) return undefined;
  const newline = kallsyms.indexOf(NEWLINE, line);
  const end = newline < 0 ? kallsyms.length : newline;
  const [name = '', module = ''] = Buffer.from(kallsyms.subarray(line + 19, end))
    .toString('latin1')
    .split('\t');
  return {
    name,
    offset,
    size: next === 0n ? 0 : Number(next - start),
    module: module.replace(/^\[(.*)\]$/, '$1'),
  };
}

/** Whether the listing shows addresses rather than zeros. */
export function showsAddresses(kallsyms: Uint8Array): boolean {
  const first = addressAt(kallsyms, 0, kallsyms.length);
  if (first === undefined) return false;
  // On some machines the first symbols are per-CPU offsets that begin at zero.
  let shown = first !== 0n;
  forEachLine(kallsyms, (from, to) => {
    if (!shown) shown = (addressAt(kallsyms, from, to) ?? 0n) !== 0n;
  });
  return shown;
}

function forEachLine(bytes: Uint8Array, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from);
    const to = newline < 0 ? bytes.length : newline;
    visit(from, to);
    from = to + 1;
  }
}

/** The 16 hexadecimal digits that a line begins with, or undefined. */
function addressAt(bytes: Uint8Array, line: number, end: number): bigint | undefined {
  if (line + 19 >= end || bytes[line + 16] !== SPACE || bytes[line + 18] !== SPACE) return undefined;
  let high = 0;
  let low = 0;
  for (let i = 0; i < 16; i++) {
    const digit = hexDigit(bytes[line + i]!);
    if (digit < 0) return undefined;
    if (i < 8) high = high * 16 + digit;
    else low = low * 16 + digit;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

function hexDigit(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  if (character >= 0x61 && character <= 0x66) return character - 0x57;
  return -1;
}
