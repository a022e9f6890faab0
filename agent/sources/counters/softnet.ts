/**
 * /proc/net/softnet_stat: a line a CPU that is online, of 32-bit hexadecimal columns without names. Format: net/core/
 * net-procfs.c. Kernels have added columns at the end: 9 before 2.6.35, 10 with received_rps, 11 with flow_limit_count
 * (3.11), 13 with backlog length and the CPU's number (5.10), 15 since 6.2. Values of all CPUs are added up.
 */
import type { Collector } from '../../source.ts';
import { type Growth, NO_SLOT } from './growth.ts';
import { Scanner } from './scanner.ts';
import type { TableParser } from './table.ts';

/** The columns that are counters; the rest are zeros, levels, and the CPU's number. */
const COLUMNS: readonly (readonly [column: number, name: string])[] = [
  [0, 'softnet_processed'],
  [1, 'softnet_dropped'],
  [2, 'softnet_time_squeeze'],
  [9, 'softnet_received_rps'],
  [10, 'softnet_flow_limit_count'],
];
const LEAST_COLUMNS = 3;
const CPU_COLUMN = 12;
const MOST_CPUS = 8192;
const MOST_COLUMNS = 64;

export class SoftnetParser implements TableParser {
  readonly #growth: Growth;
  readonly #scanner = new Scanner();
  /** By CPU. A CPU that goes offline keeps its counters, and has them again when it comes back. */
  readonly #slots: Int32Array[] = [];
  readonly #values = new Uint32Array(MOST_COLUMNS);

  constructor(growth: Growth) {
    this.#growth = growth;
  }

  parse(bytes: Uint8Array, length: number, into: Collector): number {
    const scanner = this.#scanner;
    scanner.open(bytes, length);
    let malformed = 0;
    for (let place = 0; scanner.nextLine(); place++) {
      const columns = this.#read();
      // Before the column came, a CPU is known by its place among those online.
      const cpu = columns > CPU_COLUMN ? (this.#values[CPU_COLUMN] as number) : place;
      if (columns < LEAST_COLUMNS || cpu >= MOST_CPUS) {
        malformed++;
        continue;
      }
      const slots = this.#slotsOf(cpu);
      for (let i = 0; i < COLUMNS.length; i++) {
        const column = COLUMNS[i]?.[0] ?? 0;
        if (column < columns) this.#growth.put(slots[i] ?? NO_SLOT, 0, this.#values[column] as number, into);
      }
    }
    return malformed;
  }

  /** The present line's columns; 0 when it is malformed. */
  #read(): number {
    const scanner = this.#scanner;
    let columns = 0;
    while (scanner.skipSpace()) {
      if (columns === MOST_COLUMNS || !scanner.hexadecimal()) return 0;
      this.#values[columns++] = scanner.low;
    }
    return columns;
  }

  #slotsOf(cpu: number): Int32Array {
    this.#slots[cpu] ??= Int32Array.from(COLUMNS, ([, name]) => {
      return this.#growth.add({ name, interface: '', total: '' }, false);
    });
    return this.#slots[cpu];
  }
}
