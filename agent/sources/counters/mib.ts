/**
 * /proc/net/snmp and /proc/net/netstat: pairs of lines, `Tcp: RtoMin … InSegs` and `Tcp: 200 … 12699`. Columns come and go
 * with kernels: names are read from the first line of a pair. Format: net/ipv4/proc.c. Names are nstat's: the protocol
 * and the column in one word ("TcpInSegs", "TcpExtListenDrops").
 */
import type { Collector } from '../../source.ts';
import { type Growth, NO_SLOT } from './growth.ts';
import { Scanner } from './scanner.ts';
import { copyOf, MOST_COLUMNS, nameOf, type TableParser } from './table.ts';

/** Settings and levels among the counters: they say how things are, not how often something happened. */
const GAUGES: ReadonlySet<string> = new Set([
  'IpForwarding',
  'IpDefaultTTL',
  'TcpRtoAlgorithm',
  'TcpRtoMin',
  'TcpRtoMax',
  'TcpMaxConn',
  'TcpCurrEstab',
  'MPTcpExtMPCurrEstab',
]);

const COLON = 0x3a;

interface Pair {
  /** The line of names, as bytes. */
  readonly header: Uint8Array;
  /** "Tcp:" */
  readonly prefix: Uint8Array;
  readonly slots: Int32Array;
}

export class MibParser implements TableParser {
  readonly #growth: Growth;
  readonly #scanner = new Scanner();
  /** By place in the file. */
  readonly #pairs: Pair[] = [];
  readonly #slots = new Map<string, number>();
  readonly #high = new Uint32Array(MOST_COLUMNS);
  readonly #low = new Uint32Array(MOST_COLUMNS);
  /** Whether the file was read before without fault: a name that is new then began at zero. */
  #learned = false;

  constructor(growth: Growth) {
    this.#growth = growth;
  }

  parse(bytes: Uint8Array, length: number, into: Collector): number {
    const scanner = this.#scanner;
    scanner.open(bytes, length);
    let malformed = 0;
    let pair: Pair | undefined;
    for (let place = 0; scanner.nextLine(); ) {
      if (pair && scanner.matches(scanner.lineStart, pair.prefix)) {
        if (this.#values(pair, into)) place++;
        else malformed++;
        pair = undefined;
        continue;
      }
      if (pair) malformed++;
      pair = this.#header(place);
      if (!pair) malformed++;
    }
    if (pair) malformed++;
    if (malformed === 0 && length > 0) this.#learned = true;
    return malformed;
  }

  /** The pair whose names the present line holds. */
  #header(place: number): Pair | undefined {
    const { bytes, lineStart, lineEnd } = this.#scanner;
    const known = this.#pairs[place];
    if (
      known &&
      known.header.length === lineEnd - lineStart &&
      this.#scanner.matches(lineStart, known.header)
    ) {
      return known;
    }
    const colon = bytes.indexOf(COLON, lineStart);
    const protocol = colon < lineEnd ? nameOf(bytes, lineStart, colon) : undefined;
    if (protocol === undefined || place >= MOST_COLUMNS) return undefined;
    const slots: number[] = [];
    this.#scanner.at = colon + 1;
    while (this.#scanner.skipSpace()) {
      const start = this.#scanner.at;
      this.#scanner.skipWord();
      const column = nameOf(bytes, start, this.#scanner.at);
      if (column === undefined || slots.length >= MOST_COLUMNS) return undefined;
      slots.push(this.#slot(protocol + column));
    }
    const pair = {
      header: copyOf(bytes, lineStart, lineEnd),
      prefix: copyOf(bytes, lineStart, colon + 1),
      slots: Int32Array.from(slots),
    };
    this.#pairs[place] = pair;
    return pair;
  }

  #slot(name: string): number {
    if (GAUGES.has(name)) return NO_SLOT;
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#growth.add({ name, interface: '', total: '' }, this.#learned);
    if (slot !== NO_SLOT) this.#slots.set(name, slot);
    return slot;
  }

  /** Takes the present line's values; nothing of a line that is not whole. */
  #values(pair: Pair, into: Collector): boolean {
    const scanner = this.#scanner;
    scanner.at = scanner.lineStart + pair.prefix.length;
    const { slots } = pair;
    for (let i = 0; i < slots.length; i++) {
      // Some of the settings are signed: Tcp's MaxConn is -1.
      if (!scanner.decimal() || (scanner.negative && slots[i] !== NO_SLOT)) return false;
      this.#high[i] = scanner.high;
      this.#low[i] = scanner.low;
    }
    if (scanner.skipSpace()) return false;
    for (let i = 0; i < slots.length; i++) {
      this.#growth.put(slots[i] as number, this.#high[i] as number, this.#low[i] as number, into);
    }
    return true;
  }
}
