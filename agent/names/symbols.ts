/**
 * Names for the addresses that drops come from.
 *
 * The kernel prints them itself, in a small program that is run for each new address (`%pS`, Linux 5.13): that
 * needs no more than counting does, whereas /proc/kallsyms shows zeros without CAP_SYSLOG. On older kernels
 * kallsyms has to do.
 */

import { readFileSync } from 'node:fs';
import { assemble, Helper, r1, r2, r3, r4, r5, r6, r10 } from '../kernel/bpf/assembler.ts';
import { BpfMap, MapType, READ_ONLY_FOR_PROGRAM } from '../kernel/bpf/map.ts';
import { BpfProgram, ProgramType } from '../kernel/bpf/program.ts';
import { findSymbol } from '../kernel/kallsyms.ts';

/** A place in the kernel's code. */
export interface CodeLocation {
  /** The function as its source names it: what compilers append (`.isra.0`, `.cold`) is cut off. */
  readonly function: string;
  readonly offset: number;
  readonly size: number;
  /** '' in the kernel itself. */
  readonly module: string;
}

/** Finds the code that an address lies in. */
export interface SymbolResolver {
  /** undefined when nothing names the address. */
  resolve(address: bigint): CodeLocation | undefined;
  /** Called when no more addresses follow for the moment. */
  endBatch(): void;
  close(): void;
}

/** Longest symbol that the kernel prints: KSYM_SYMBOL_LEN, rounded up. */
const SYMBOL_BYTES = 640;

/** Reads `function+0x4bc/0xd00 [module]`; undefined for an address that the kernel could not name. */
export function parseSymbol(text: string): CodeLocation | undefined {
  const match =
    /^([^\s+]{1,512})\+0x([0-9a-f]{1,8})\/0x([0-9a-f]{1,12})(?: \[([^\s\]]{1,64})[^\]]{0,128}\])?$/.exec(
      text,
    );
  if (match === null) return undefined;
  return {
    function: sourceName(match[1]!),
    offset: Number.parseInt(match[2]!, 16),
    size: Number.parseInt(match[3]!, 16),
    module: match[4] ?? '',
  };
}

/** C identifiers hold no dot: what follows one was appended by the compiler. */
function sourceName(symbol: string): string {
  const dot = symbol.indexOf('.', 1);
  return dot < 0 ? symbol : symbol.slice(0, dot);
}

/** Lets the kernel print symbols. */
export class KernelPrintedSymbols implements SymbolResolver {
  readonly #resources = new DisposableStack();
  readonly #program: BpfProgram;
  readonly #output: BpfMap;
  readonly #key = new ArrayBuffer(4);
  readonly #context = new ArrayBuffer(8);
  readonly #text = new ArrayBuffer(SYMBOL_BYTES);

  /** @throws KernelError: EINVAL before Linux 5.13, EPERM without CAP_BPF and CAP_PERFMON. */
  constructor() {
    using resources = new DisposableStack();
    const format = BpfMap.create({
      type: MapType.array,
      keyBytes: 4,
      valueBytes: 8,
      maxEntries: 1,
      flags: READ_ONLY_FOR_PROGRAM,
      name: 'netfall_format',
    });
    resources.use(format);
    const formatText = new ArrayBuffer(8);
    Buffer.from(formatText).write('%pS', 'latin1');
    format.update(this.#key, formatText);
    format.freeze();
    this.#output = resources.use(
      BpfMap.create({
        type: MapType.array,
        keyBytes: 4,
        valueBytes: SYMBOL_BYTES,
        maxEntries: 1,
        name: 'netfall_symbol',
      }),
    );
    this.#program = resources.use(
      BpfProgram.load({
        type: ProgramType.rawTracepoint,
        code: printSymbol(format, this.#output),
        name: 'netfall_symbol',
      }),
    );
    this.#resources = resources.move();
  }

  resolve(address: bigint): CodeLocation | undefined {
    new DataView(this.#context).setBigUint64(0, address, true);
    this.#program.run(this.#context);
    this.#output.lookup(this.#key, this.#text);
    const text = Buffer.from(this.#text);
    return parseSymbol(text.toString('latin1', 0, Math.max(0, text.indexOf(0))));
  }

  endBatch(): void {}

  close(): void {
    this.#resources.dispose();
  }
}

/** Prints the address that it is given as its first argument into the map `output`. */
function printSymbol(format: BpfMap, output: BpfMap): ArrayBuffer {
  return assemble((b) => {
    b.ldx(64, r6, r1, 0);
    b.stx(64, r10, -8, r6);
    b.loadMapValue(r1, output);
    b.mov(r2, SYMBOL_BYTES);
    b.loadMapValue(r3, format);
    b.mov(r4, r10);
    b.add(r4, -8);
    b.mov(r5, 8);
    b.call(Helper.snprintf);
    b.exit();
  });
}

/** Looks symbols up in /proc/kallsyms. It is long and rarely needed, so it is let go after each batch. */
export class ListedSymbols implements SymbolResolver {
  readonly #path: string;
  #listing: Uint8Array | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  resolve(address: bigint): CodeLocation | undefined {
    this.#listing ??= readFileSync(this.#path);
    const symbol = findSymbol(this.#listing, address);
    if (symbol === undefined) return undefined;
    const { name, offset, size, module } = symbol;
    return { function: sourceName(name), offset, size, module };
  }

  endBatch(): void {
    this.#listing = undefined;
  }

  close(): void {
    this.#listing = undefined;
  }
}

/** The best way to name addresses that this machine offers. */
export function openSymbols(root: string): SymbolResolver {
  try {
    return new KernelPrintedSymbols();
  } catch {
    return new ListedSymbols(`${root}/proc/kallsyms`);
  }
}
