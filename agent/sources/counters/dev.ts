/**
 * /proc/net/dev: a line an interface; the columns are named in its second line. Format: net/core/net-procfs.c. Names are
 * those of /sys/class/net/IFACE/statistics. Note that the kernel adds several of those into one column here:
 * rx_dropped holds rx_missed_errors too.
 */
import { RECEIVED_PACKETS, SENT_PACKETS } from '../../report/counters.ts';
import type { Collector } from '../../source.ts';
import { type Growth, NO_SLOT } from './growth.ts';
import { Scanner } from './scanner.ts';
import { Values } from './slots.ts';
import { copyOf, type TableParser } from './table.ts';

/** Interfaces read at most; the lines beyond are counted as malformed. */
const MOST_INTERFACES = 4096;
const MOST_COLUMNS = 64;
/** IFNAMSIZ without its NUL. */
const MOST_NAME_BYTES = 15;

const NAMES: Readonly<Record<string, string>> = {
  errs: 'errors',
  drop: 'dropped',
  fifo: 'fifo_errors',
  frame: 'frame_errors',
  colls: 'collisions',
  carrier: 'carrier_errors',
};
/** Columns that belong to no direction elsewhere. */
const WHOLE: Readonly<Record<string, string>> = { rx_multicast: 'multicast', tx_collisions: 'collisions' };

const TRAFFIC = /^([rt]x_(bytes|packets|compressed)|multicast)$/;
const TOTALS: Readonly<Record<string, string>> = { rx_packets: RECEIVED_PACKETS, tx_packets: SENT_PACKETS };

/** Whether a statistic is of traffic rather than trouble. Reported for uplinks alone: a host of containers has thousands. */
export function isTraffic(name: string): boolean {
  return TRAFFIC.test(name);
}

/** The host-wide counter that an uplink's statistic adds to; empty for none. */
export function totalOf(name: string): string {
  return TOTALS[name] ?? '';
}

const COLON = 0x3a;

interface Interface {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly slots: Int32Array;
  /** The reading that it was last seen in. */
  seen: number;
}

export class DevParser implements TableParser {
  readonly #growth: Growth;
  readonly #isUplink: (name: string) => boolean;
  readonly #scanner = new Scanner();
  readonly #interfaces = new Map<string, Interface>();
  /** By place in the file, so that names need not be made to find an interface again. */
  readonly #places: Interface[] = [];
  #header = new Uint8Array(0);
  #columns: readonly string[] = [];
  readonly #values: Values;
  #reading = 0;

  /** @param isUplink asked once for each interface that appears */
  constructor(growth: Growth, isUplink: (name: string) => boolean) {
    this.#growth = growth;
    this.#values = new Values(growth);
    this.#isUplink = isUplink;
  }

  parse(bytes: Uint8Array, length: number, into: Collector): number {
    const scanner = this.#scanner;
    scanner.open(bytes, length);
    if (!scanner.nextLine() || !scanner.nextLine() || !this.#readHeader()) return 1;
    this.#reading++;
    let malformed = 0;
    let place = 0;
    while (scanner.nextLine()) {
      const found = this.#interface(place);
      if (!found) {
        malformed++;
        continue;
      }
      found.seen = this.#reading;
      place++;
      if (!this.#values.take(scanner, found.slots, into)) malformed++;
    }
    if (place !== this.#interfaces.size) this.#forgetVanished();
    return malformed;
  }

  /** Learns the columns: ` face |bytes packets …|bytes packets …`. */
  #readHeader(): boolean {
    const { bytes, lineStart, lineEnd } = this.#scanner;
    if (this.#header.length === lineEnd - lineStart && this.#scanner.matches(lineStart, this.#header)) {
      return this.#columns.length > 0;
    }
    const header = copyOf(bytes, lineStart, lineEnd);
    const [, received = '', sent = ''] = Buffer.from(header).toString('latin1').split('|');
    const columns = [...named('rx', received), ...named('tx', sent)];
    this.#header = header;
    this.#columns = columns.length <= MOST_COLUMNS ? columns : [];
    // The same interface has other columns now.
    for (const { name } of this.#interfaces.values()) this.#forget(name);
    return this.#columns.length > 0;
  }

  /** The interface that the present line is about; the scanner then stands behind its name. */
  #interface(place: number): Interface | undefined {
    const scanner = this.#scanner;
    if (!scanner.skipSpace()) return undefined;
    const start = scanner.at;
    const known = this.#places[place];
    if (known && this.#interfaces.get(known.name) === known && scanner.matches(start, known.bytes)) {
      scanner.at = start + known.bytes.length;
      return known.seen === this.#reading ? undefined : known;
    }
    const colon = scanner.bytes.indexOf(COLON, start);
    if (colon <= start || colon >= scanner.lineEnd || colon - start > MOST_NAME_BYTES) return undefined;
    scanner.at = colon + 1;
    const bytes = copyOf(scanner.bytes, start, colon + 1);
    const name = Buffer.from(bytes.subarray(0, -1)).toString('utf8');
    let found = this.#interfaces.get(name);
    if (!found) {
      if (this.#interfaces.size >= MOST_INTERFACES) return undefined;
      found = { name, bytes, slots: this.#makeSlots(name), seen: 0 };
      this.#interfaces.set(name, found);
    }
    this.#places[place] = found;
    return found.seen === this.#reading ? undefined : found;
  }

  /**
   * Growth is counted from an interface's first reading on, not from zero: one that is moved here from another network
   * namespace brings its counts along.
   */
  #makeSlots(name: string): Int32Array {
    const isUplink = this.#isUplink(name);
    return Int32Array.from(this.#columns, (column) => {
      if (!isUplink && isTraffic(column)) return NO_SLOT;
      const total = isUplink ? totalOf(column) : '';
      return this.#growth.add({ name: column, interface: name, total }, false);
    });
  }

  #forgetVanished(): void {
    for (const { name, seen } of this.#interfaces.values()) if (seen !== this.#reading) this.#forget(name);
  }

  #forget(name: string): void {
    for (const slot of this.#interfaces.get(name)?.slots ?? []) this.#growth.remove(slot);
    this.#interfaces.delete(name);
  }
}

function named(direction: string, columns: string): string[] {
  return columns
    .trim()
    .split(/\s+/)
    .filter((column) => column !== '')
    .map((column) => `${direction}_${NAMES[column] ?? column}`)
    .map((name) => WHOLE[name] ?? name);
}
