/**
 * The counter of dropped packets: the program, its maps, and readings of them. It knows no windows and no
 * reports; whoever reads decides when.
 */

import type { FileDescriptor } from '../../kernel/bpf/bpf.ts';
import { MapReader } from '../../kernel/bpf/map.ts';
import type { BpfProgram } from '../../kernel/bpf/program.ts';
import { possibleCpuCount } from '../../kernel/cpus.ts';
import { protocolName } from '../../names/protocols.ts';
import { NO_REASON, ReasonNames } from '../../names/reasons.ts';
import { type CodeLocation, openSymbols, type SymbolResolver } from '../../names/symbols.ts';
import { readLayout } from './layout.ts';
import {
  createMaps,
  type KfreeSkbOptions,
  loadProgram,
  readBtf,
  readModuleBtf,
  tableEntries,
} from './load.ts';
import { ownNamespace, readNamespaceLayout } from './namespace.ts';
import { type DropMaps, KEY_BYTES, SLOT_BYTES, VALUE_BYTES } from './program.ts';
import { readSampleLayout } from './samples/layout.ts';
import type { RawSample } from './samples/sample.ts';
import { Sampler } from './samples/sampler.ts';
import { Totals } from './totals.ts';

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
  /** Samples that were not taken because too many waited to be read. */
  samplesLacked: number;
}

/** Where and why packets of one kind are dropped. */
export type DropSite = Pick<DropRow, 'reason' | 'function' | 'offset' | 'module' | 'protocol'>;

export interface KfreeSkbCounter extends Disposable {
  /** Visits each kind of drop that moved since the last reading, with how far. @throws KernelError */
  read(visit: (row: Readonly<DropRow>) => void): void;
  /**
   * Visits the samples that were taken since the last time; nothing without the option `samples`. Kinds give samples
   * anew from here on.
   */
  readSamples(visit: (site: Readonly<DropSite>, sample: Readonly<RawSample>) => void): void;
  ledger(): KfreeSkbLedger;
  /** How long the program ran, and how often, while the kernel measured that; see `enableRunTimeStats`. */
  runTime(): { readonly ns: number; readonly runs: number };
  /** Detaches and unloads everything. A second time does nothing. */
  close(): void;
}

/** Keys a system call: more than a chain of the kernel's table is long, and few enough for a small buffer. */
const BATCH_ENTRIES = 256;

/**
 * Begins to count drops on this machine, in all network namespaces unless the options say otherwise.
 * @throws KernelError, VerifierError, BtfError, LayoutError: `probeKfreeSkb()` says in words what is missing.
 */
export function openKfreeSkb(options: KfreeSkbOptions = {}): KfreeSkbCounter {
  return new Counter(options);
}

class Counter implements KfreeSkbCounter {
  readonly #resources: DisposableStack;
  readonly #program: BpfProgram;
  readonly #maps: DropMaps;
  readonly #onlyKey = new ArrayBuffer(4);
  readonly #overflowWords: Uint32Array<ArrayBuffer>;
  readonly #frontWords: Uint32Array<ArrayBuffer>;
  readonly #reader: MapReader;
  readonly #keyWords: Uint32Array;
  readonly #valueWords: Uint32Array;
  readonly #cpus: number;
  readonly #totals: Totals;
  readonly #sampler: Sampler | undefined;
  readonly #sites: DropSite[] = [];
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

    const only = options.ownNamespace
      ? { layout: readNamespaceLayout(btf), inode: ownNamespace(root) }
      : undefined;

    using resources = new DisposableStack();
    this.#maps = createMaps(maxEntries, resources);
    if (options.samples) this.#sampler = resources.use(new Sampler(readSampleLayout(btf), options.samples));
    this.#program = resources.use(loadProgram(layout, this.#maps, this.#sampler?.sampling, only));
    this.#symbols = resources.adopt(openSymbols(root), (symbols) => symbols.close());

    this.#reasons =
      layout.reasonArgument === undefined
        ? undefined
        : new ReasonNames(btf, (subsystem) => readModuleBtf(root, subsystem));
    this.#reader = new MapReader(this.#maps.table, this.#cpus * VALUE_BYTES, BATCH_ENTRIES);
    this.#keyWords = new Uint32Array(this.#reader.keys);
    this.#valueWords = new Uint32Array(this.#reader.values);
    this.#overflowWords = new Uint32Array(this.#cpus * VALUE_WORDS);
    const slots = this.#cpus * (this.#maps.front?.slots ?? 0);
    this.#frontWords = new Uint32Array(slots * SLOT_WORDS);
    this.#totals = new Totals(maxEntries + slots);
    resources.use<FileDescriptor>(this.#program.attachRawTracepoint());
    this.#resources = resources.move();
  }

  read(visit: (row: Readonly<DropRow>) => void): void {
    this.#addSlots();
    this.#addTable();
    for (let number = 0; number < this.#totals.size; number++) {
      if (!this.#totals.settle(number)) continue;
      Object.assign(this.#row, this.#site(number));
      this.#row.events = this.#totals.events;
      this.#row.packets = this.#totals.packets;
      this.#row.bytes = this.#totals.bytes;
      visit(this.#row);
    }
    this.#symbols.endBatch();
  }

  readSamples(visit: (site: Readonly<DropSite>, sample: Readonly<RawSample>) => void): void {
    if (!this.#sampler) return;
    const last = new Uint32Array(KEY_WORDS);
    let site: DropSite | undefined;
    this.#sampler.read((sample, words, key) => {
      // Most samples are of the kind of the one before.
      if (
        site === undefined ||
        words[key] !== last[0] ||
        words[key + 1] !== last[1] ||
        words[key + 2] !== last[2] ||
        words[key + 3] !== last[3]
      ) {
        for (let word = 0; word < KEY_WORDS; word++) last[word] = words[key + word]!;
        const number = this.#totals.find(last, 0);
        // Of a kind that was not read yet, or is in the overflow.
        site = number < 0 ? this.#describe(last, 0) : this.#site(number);
      }
      visit(site, sample);
    });
    this.#sampler.beginTurn();
    this.#symbols.endBatch();
  }

  ledger(): KfreeSkbLedger {
    this.#maps.overflow.lookup(this.#onlyKey, this.#overflowWords.buffer);
    return {
      overflowEvents: sumOverCpus(this.#overflowWords, 0, this.#cpus),
      overflowPackets: sumOverCpus(this.#overflowWords, 2, this.#cpus),
      overflowBytes: sumOverCpus(this.#overflowWords, 4, this.#cpus),
      misses: this.#program.info().recursionMisses,
      unresolvedSymbols: this.#unresolved,
      samplesLacked: this.#sampler?.lacked() ?? 0,
    };
  }

  runTime(): { ns: number; runs: number } {
    const { runTimeNs, runs } = this.#program.info();
    return { ns: runTimeNs, runs };
  }

  close(): void {
    this.#resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #addSlots(): void {
    if (this.#maps.front === undefined) return;
    const words = this.#frontWords;
    this.#maps.front.map.lookup(this.#onlyKey, words.buffer);
    for (let at = 0; at < words.length; at += SLOT_WORDS) {
      const key = at + VALUE_WORDS;
      // A slot that is free, or was being taken while it was copied: its first counts come the next time.
      if (words[key] === 0 || words[key + 3] === 0) continue;
      this.#totals.add(
        this.#totals.number(words, key),
        words[at]! + words[at + 1]! * 2 ** 32,
        words[at + 2]! + words[at + 3]! * 2 ** 32,
        words[at + 4]! + words[at + 5]! * 2 ** 32,
      );
    }
  }

  #addTable(): void {
    this.#reader.rewind();
    for (let count = this.#reader.next(); count >= 0; count = this.#reader.next()) {
      for (let entry = 0; entry < count; entry++) {
        const at = entry * this.#cpus * VALUE_WORDS;
        this.#totals.add(
          this.#totals.number(this.#keyWords, entry * KEY_WORDS),
          sumOverCpus(this.#valueWords, at, this.#cpus),
          sumOverCpus(this.#valueWords, at + 2, this.#cpus),
          sumOverCpus(this.#valueWords, at + 4, this.#cpus),
        );
      }
    }
  }

  /** What a known key stands for, named once. */
  #site(number: number): DropSite {
    const known = this.#sites[number];
    if (known) return known;
    const words = Uint32Array.from({ length: KEY_WORDS }, (_, index) => this.#totals.word(number, index));
    const site = this.#describe(words, 0);
    this.#sites[number] = site;
    return site;
  }

  /** Names what the key at `words[at]` stands for. */
  #describe(words: Uint32Array, at: number): DropSite {
    const address = BigInt(words[at]!) | (BigInt(words[at + 1]!) << 32n);
    if (!this.#locations.has(address)) {
      const location = this.#symbols.resolve(address);
      if (location === undefined) this.#unresolved++;
      this.#locations.set(address, location);
    }
    const location = this.#locations.get(address);
    return {
      reason: this.#reasons?.name(words[at + 2]!) ?? NO_REASON,
      function: location?.function ?? '?',
      offset: location?.offset ?? 0,
      module: location?.module ?? '',
      protocol: protocolName(words[at + 3]! & 0xffff),
    };
  }
}

const KEY_WORDS = KEY_BYTES / 4;
const VALUE_WORDS = VALUE_BYTES / 4;
const SLOT_WORDS = SLOT_BYTES / 4;

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
