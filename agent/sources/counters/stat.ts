/**
 * Files below /proc/net/stat (nf_conntrack, arp_cache, ndisc_cache): a line of names, then one a CPU of 32-bit hexadecimal
 * values. Formats: net/netfilter/nf_conntrack_standalone.c, net/core/neighbour.c. Names are the file's and the column's
 * in one word ("nf_conntrack_insert_failed"); values of all CPUs are added up.
 */
import type { Collector } from '../../source.ts';
import { type Counter, type Growth, NO_SLOT } from './growth.ts';
import { Scanner } from './scanner.ts';
import { copyOf, MOST_COLUMNS, nameOf, type TableParser } from './table.ts';

/** The table's level, the same in every line. */
const GAUGE = 'entries';
const MOST_CPUS = 8192;

export class StatParser implements TableParser {
  readonly #growth: Growth;
  readonly #prefix: string;
  readonly #scanner = new Scanner();
  #header = new Uint8Array(0);
  /** By column; undefined for the table's level. */
  #counters: readonly (Counter | undefined)[] = [];
  /** By CPU: the file has a line for each that there can be. */
  #slots: Int32Array[] = [];
  readonly #values = new Uint32Array(MOST_COLUMNS);

  /** @param file names the counters: "nf_conntrack". */
  constructor(growth: Growth, file: string) {
    this.#growth = growth;
    this.#prefix = `${file}_`;
  }

  parse(bytes: Uint8Array, length: number, into: Collector): number {
    const scanner = this.#scanner;
    scanner.open(bytes, length);
    if (!scanner.nextLine() || !this.#readHeader()) return 1;
    let malformed = 0;
    for (let cpu = 0; scanner.nextLine(); cpu++) {
      if (cpu >= MOST_CPUS || !this.#readValues()) {
        malformed++;
        continue;
      }
      const slots = this.#slotsOf(cpu);
      for (let i = 0; i < slots.length; i++) {
        this.#growth.put(slots[i] as number, 0, this.#values[i] as number, into);
      }
    }
    return malformed;
  }

  #readHeader(): boolean {
    const scanner = this.#scanner;
    const { bytes, lineStart, lineEnd } = scanner;
    if (this.#header.length === lineEnd - lineStart && scanner.matches(lineStart, this.#header)) {
      return this.#counters.length > 0;
    }
    const counters: (Counter | undefined)[] = [];
    while (scanner.skipSpace()) {
      const start = scanner.at;
      scanner.skipWord();
      const name = nameOf(bytes, start, scanner.at);
      if (name === undefined || counters.length === MOST_COLUMNS) return false;
      const column = { name: this.#prefix + name, interface: '', total: '' };
      counters.push(name === GAUGE ? undefined : column);
    }
    // A CPU whose line was malformed has none.
    for (const slots of Object.values(this.#slots)) for (const slot of slots) this.#growth.remove(slot);
    this.#slots = [];
    this.#header = copyOf(bytes, lineStart, lineEnd);
    this.#counters = counters;
    return counters.length > 0;
  }

  /** Whether the present line has a value for each column. */
  #readValues(): boolean {
    const scanner = this.#scanner;
    for (let i = 0; i < this.#counters.length; i++) {
      if (!scanner.hexadecimal()) return false;
      this.#values[i] = scanner.low;
    }
    return !scanner.skipSpace();
  }

  #slotsOf(cpu: number): Int32Array {
    this.#slots[cpu] ??= Int32Array.from(this.#counters, (counter) => {
      return counter ? this.#growth.add(counter, false) : NO_SLOT;
    });
    return this.#slots[cpu];
  }
}
