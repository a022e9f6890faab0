/**
 * The counter of dropped packets: the program, its maps, and readings of them. It knows no windows and no
 * reports; whoever reads decides when.
 */

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { FileDescriptor } from '../../kernel/bpf/bpf.ts';
import { BpfMap, MapReader, MapType } from '../../kernel/bpf/map.ts';
import { BpfProgram, ProgramType, TRACE_RAW_TRACEPOINT } from '../../kernel/bpf/program.ts';
import { Btf } from '../../kernel/btf.ts';
import { possibleCpuCount } from '../../kernel/cpus.ts';
import { liftMemoryLockLimit } from '../../kernel/libc.ts';
import { type Layout, readLayout } from './layout.ts';
import { countDrops, KEY_BYTES, LICENSE, VALUE_BYTES } from './program.ts';
import { protocolName } from './protocols.ts';
import { NO_REASON, ReasonNames } from './reasons.ts';
import { type CodeLocation, KernelPrintedSymbols, ListedSymbols, type SymbolResolver } from './symbols.ts';
import { Totals } from './totals.ts';

export interface KfreeSkbOptions {
  /** Keys that the kernel's table holds; drops of further ones go to the overflow. Default 10 240. */
  readonly maxEntries?: number;
  /** Bytes of kernel memory that the table may take at most: fewer entries on machines with many CPUs. Default 32 MiB. */
  readonly maxTableBytes?: number;
  /** Stands in for `/` where files of /sys and /proc are read. */
  readonly root?: string;
}

/** Drops of one kind since the last reading. The object is used again for the next row: copy what is kept. */
export interface DropRow {
  /** As the kernel calls it, without its prefix; `SUBSYSTEM/number` if it has no name. */
  reason: string;
  /** The function that dropped, or `?`. */
  function: string;
  /** Bytes into the function. */
  offset: number;
  /** The module that the function lives in; '' for the kernel itself. */
  module: string;
  /** `IPv4`, `IPv6`, `ARP` …, `none` for a packet without EtherType, `other` for one that is not told apart. */
  protocol: string;
  /** Buffers dropped. */
  events: number;
  /** Packets on the wire that these buffers were, or would have become. */
  packets: number;
  /** Bytes in the buffers, with the headers that had not been removed yet. */
  bytes: number;
}

/** What was not counted under a name, since the counter was opened. */
export interface KfreeSkbLedger {
  /** Drops whose key found no place in the table. */
  overflowEvents: number;
  overflowPackets: number;
  overflowBytes: number;
  /** Drops that the kernel did not run the program for, because it was running on that CPU already. */
  misses: number;
  /** Addresses that nothing names: their drops are counted under the function `?`. */
  unresolvedSymbols: number;
}

export interface KfreeSkbCounter extends Disposable {
  /** Visits each kind of drop that moved since the last reading, with how far. @throws KernelError */
  read(visit: (row: Readonly<DropRow>) => void): void;
  ledger(): KfreeSkbLedger;
  /** Nanoseconds that the program ran while the kernel's run-time statistics were on; else 0. */
  runTimeNs(): number;
  /** Detaches and unloads everything. A second time does nothing. */
  close(): void;
}

const DEFAULT_ENTRIES = 10_240;
const DEFAULT_TABLE_BYTES = 32 * 1024 * 1024;

/** Keys a system call: more than a chain of the kernel's table is long, and few enough for a small buffer. */
const BATCH_ENTRIES = 256;

/** What an entry of the kernel's table takes beside its values: key, links, per-CPU pointer and bucket. */
const ENTRY_OVERHEAD_BYTES = 96;

/**
 * Begins to count drops on this machine, in all network namespaces.
 * @throws KernelError, VerifierError, BtfError, LayoutError: `probeKfreeSkb()` says in words what is missing.
 */
export function openKfreeSkb(options: KfreeSkbOptions = {}): KfreeSkbCounter {
  return new Counter(options);
}

/** How many keys the table gets, within the limit of memory. */
export function tableEntries(options: KfreeSkbOptions, cpus: number): number {
  const perEntry = ENTRY_OVERHEAD_BYTES + cpus * VALUE_BYTES;
  const affordable = Math.floor((options.maxTableBytes ?? DEFAULT_TABLE_BYTES) / perEntry);
  return Math.max(1, Math.min(options.maxEntries ?? DEFAULT_ENTRIES, affordable));
}

/** The running kernel's BTF. */
export function readBtf(root: string): Btf {
  return new Btf(readFileSync(`${root}/sys/kernel/btf/vmlinux`));
}

/** Loads the program without attaching it. */
export function loadProgram(layout: Layout, drops: BpfMap, overflow: BpfMap): BpfProgram {
  return BpfProgram.load({
    type: ProgramType.tracing,
    expectedAttachType: TRACE_RAW_TRACEPOINT,
    attachBtfId: layout.tracepoint,
    code: countDrops(layout, drops, overflow),
    license: LICENSE,
    name: 'netfall_drops',
  });
}

/** The table and the overflow value that the program counts in. */
export function createMaps(maxEntries: number): { drops: BpfMap; overflow: BpfMap } {
  allowLockedMemory();
  using resources = new DisposableStack();
  const shape = { keyBytes: KEY_BYTES, valueBytes: VALUE_BYTES, maxEntries };
  const drops = resources.use(BpfMap.create({ ...shape, type: MapType.perCpuHash, name: 'netfall_drops' }));
  const overflow = BpfMap.create({
    ...shape,
    type: MapType.perCpuArray,
    keyBytes: 4,
    maxEntries: 1,
    name: 'netfall_over',
  });
  resources.move();
  return { drops, overflow };
}

/** Before Linux 5.11 maps count as locked memory, of which an ordinary process may have 64 KiB. */
function allowLockedMemory(): void {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 11)) return;
  try {
    liftMemoryLockLimit();
  } catch {
    // Without CAP_SYS_RESOURCE the limit stays, and creating a map says whether it sufficed.
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

class Counter implements KfreeSkbCounter {
  readonly #resources: DisposableStack;
  readonly #program: BpfProgram;
  readonly #overflow: BpfMap;
  readonly #overflowKey = new ArrayBuffer(4);
  readonly #overflowValue: ArrayBuffer;
  readonly #overflowWords: Uint32Array;
  readonly #reader: MapReader;
  readonly #keys: Uint32Array;
  readonly #values: Uint32Array;
  readonly #cpus: number;
  readonly #totals: Totals;
  readonly #sites: Site[] = [];
  readonly #locations = new Map<bigint, CodeLocation | undefined>();
  readonly #reasons: ReasonNames | undefined;
  readonly #symbols: SymbolResolver;
  readonly #row: DropRow = {
    reason: '',
    function: '',
    offset: 0,
    module: '',
    protocol: '',
    events: 0,
    packets: 0,
    bytes: 0,
  };
  #unresolved = 0;

  constructor(options: KfreeSkbOptions) {
    const root = options.root ?? '';
    const btf = readBtf(root);
    const layout = readLayout(btf);
    this.#cpus = possibleCpuCount(root);
    const maxEntries = tableEntries(options, this.#cpus);

    using resources = new DisposableStack();
    const { drops, overflow } = createMaps(maxEntries);
    resources.use(drops);
    this.#overflow = resources.use(overflow);
    this.#program = resources.use(loadProgram(layout, drops, overflow));
    this.#symbols = resources.adopt(openSymbols(root), (symbols) => symbols.close());

    this.#reasons =
      layout.reasonArgument === undefined
        ? undefined
        : new ReasonNames(btf, (subsystem) => readModuleBtf(root, subsystem));
    this.#reader = new MapReader(drops, this.#cpus * VALUE_BYTES, BATCH_ENTRIES);
    this.#keys = new Uint32Array(this.#reader.keys);
    this.#values = new Uint32Array(this.#reader.values);
    this.#overflowValue = new ArrayBuffer(this.#cpus * VALUE_BYTES);
    this.#overflowWords = new Uint32Array(this.#overflowValue);
    this.#totals = new Totals(maxEntries);
    resources.use<FileDescriptor>(this.#program.attachRawTracepoint());
    this.#resources = resources.move();
  }

  read(visit: (row: Readonly<DropRow>) => void): void {
    this.#reader.rewind();
    for (let count = this.#reader.next(); count >= 0; count = this.#reader.next()) {
      for (let entry = 0; entry < count; entry++) this.#visitEntry(entry, visit);
    }
    this.#symbols.endBatch();
  }

  ledger(): KfreeSkbLedger {
    this.#overflow.lookup(this.#overflowKey, this.#overflowValue);
    return {
      overflowEvents: sumOverCpus(this.#overflowWords, 0, this.#cpus),
      overflowPackets: sumOverCpus(this.#overflowWords, 2, this.#cpus),
      overflowBytes: sumOverCpus(this.#overflowWords, 4, this.#cpus),
      misses: this.#program.info().recursionMisses,
      unresolvedSymbols: this.#unresolved,
    };
  }

  runTimeNs(): number {
    return this.#program.info().runTimeNs;
  }

  close(): void {
    this.#resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #visitEntry(entry: number, visit: (row: Readonly<DropRow>) => void): void {
    const number = this.#totals.number(this.#keys, entry * KEY_WORDS);
    const at = entry * this.#cpus * VALUE_WORDS;
    const events = sumOverCpus(this.#values, at, this.#cpus);
    const packets = sumOverCpus(this.#values, at + 2, this.#cpus);
    const bytes = sumOverCpus(this.#values, at + 4, this.#cpus);
    if (!this.#totals.move(number, events, packets, bytes)) return;
    this.#sites[number] ??= this.#describe(entry * KEY_WORDS);
    Object.assign(this.#row, this.#sites[number]);
    this.#row.events = this.#totals.events;
    this.#row.packets = this.#totals.packets;
    this.#row.bytes = this.#totals.bytes;
    visit(this.#row);
  }

  /** Names what a key stands for; once for each key. */
  #describe(at: number): Site {
    const address = BigInt(this.#keys[at]!) | (BigInt(this.#keys[at + 1]!) << 32n);
    if (!this.#locations.has(address)) {
      const location = this.#symbols.resolve(address);
      if (location === undefined) this.#unresolved++;
      this.#locations.set(address, location);
    }
    const location = this.#locations.get(address);
    return {
      reason: this.#reasons?.name(this.#keys[at + 2]!) ?? NO_REASON,
      function: location?.function ?? '?',
      offset: location?.offset ?? 0,
      module: location?.module ?? '',
      protocol: protocolName(this.#keys[at + 3]!),
    };
  }
}

type Site = Pick<DropRow, 'reason' | 'function' | 'offset' | 'module' | 'protocol'>;

const KEY_WORDS = KEY_BYTES / 4;
const VALUE_WORDS = VALUE_BYTES / 4;

/** Adds up one u64 of each CPU's value. Both architectures are little-endian; sums are exact up to 2^53. */
function sumOverCpus(words: Uint32Array, at: number, cpus: number): number {
  let low = 0;
  let high = 0;
  for (let cpu = 0, word = at; cpu < cpus; cpu++, word += VALUE_WORDS) {
    low += words[word]!;
    high += words[word + 1]!;
  }
  return low + high * 2 ** 32;
}

/** The BTF of the module that a subsystem's name begins with: `MAC80211_UNUSABLE` is defined in `mac80211`. */
function readModuleBtf(root: string, subsystem: string): Btf | undefined {
  for (
    let name = subsystem.toLowerCase();
    name !== '';
    name = name.slice(0, Math.max(0, name.lastIndexOf('_')))
  ) {
    const path = `${root}/sys/kernel/btf/${name}`;
    if (/^[a-z0-9_]+$/.test(name) && existsSync(path)) return new Btf(readFileSync(path), readBtf(root));
  }
  return undefined;
}
