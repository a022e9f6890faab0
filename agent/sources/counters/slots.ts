/**
 * Where a table's values go: slots by a counter's name, and lines of values that are taken whole or not at all. It must
 * not know what the lines of a file look like.
 */
import type { Collector } from '../../source.ts';
import { type Growth, NO_SLOT } from './growth.ts';
import type { Scanner } from './scanner.ts';
import { MOST_COLUMNS } from './table.ts';

/** The slots of host-wide counters. */
export class NamedSlots {
  readonly #growth: Growth;
  readonly #slots = new Map<string, number>();
  #learned = false;

  constructor(growth: Growth) {
    this.#growth = growth;
  }

  /** A counter's slot; NO_SLOT when there is no room. */
  of(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#growth.add({ name, interface: '', total: '' }, this.#learned);
    if (slot !== NO_SLOT) this.#slots.set(name, slot);
    return slot;
  }

  /** The file was read without fault: a name that is new from here on began at zero. */
  learned(): void {
    this.#learned = true;
  }
}

/** Holds the values of one line while it is read: one for all tables, of which there are some for each namespace. */
const high = new Uint32Array(MOST_COLUMNS);
const low = new Uint32Array(MOST_COLUMNS);

/** A line's values. */
export class Values {
  readonly #growth: Growth;

  constructor(growth: Growth) {
    this.#growth = growth;
  }

  /**
   * Takes a value for each slot from the rest of the present line, and reports their growth. Returns false, and takes
   * none, when the line has fewer or more, or one that no counter can have; without a slot a value may be negative.
   */
  take(scanner: Scanner, slots: Int32Array, into: Collector): boolean {
    for (let i = 0; i < slots.length; i++) {
      if (!scanner.decimal() || (scanner.negative && slots[i] !== NO_SLOT)) return false;
      high[i] = scanner.high;
      low[i] = scanner.low;
    }
    if (scanner.skipSpace()) return false;
    for (let i = 0; i < slots.length; i++) {
      this.#growth.put(slots[i] as number, high[i] as number, low[i] as number, into);
    }
    return true;
  }
}
