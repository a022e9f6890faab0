/**
 * /proc/net/snmp and /proc/net/netstat: pairs of lines, `Tcp: RtoMin … InSegs` and `Tcp: 200 … 12699`. Columns come and go
 * with kernels: names are read from the first line of a pair. Format: net/ipv4/proc.c. Names are nstat's: the protocol
 * and the column in one word ("TcpInSegs", "TcpExtListenDrops").
 */
import type { Collector } from '../../source.ts';
import { type Growth, NO_SLOT } from './growth.ts';
import { Scanner } from './scanner.ts';
import { NamedSlots, Values } from './slots.ts';
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
  readonly #scanner = new Scanner();
  /** By place in the file. */
  readonly #pairs: Pair[] = [];
  readonly #slots: NamedSlots;
  readonly #values: Values;

  constructor(growth: Growth) {
    this.#slots = new NamedSlots(growth);
    this.#values = new Values(growth);
  }

  parse(bytes: Uint8Array, length: number, into: Collector): number {
    const scanner = this.#scanner;
    scanner.open(bytes, length);
    let malformed = 0;
    let pair: Pair | undefined;
    for (let place = 0; scanner.nextLine(); ) {
      if (pair && scanner.matches(scanner.lineStart, pair.prefix)) {
        scanner.at = scanner.lineStart + pair.prefix.length;
        // Some of the settings, which have no slot, are signed: Tcp's MaxConn is -1.
        if (this.#values.take(scanner, pair.slots, into)) place++;
        else malformed++;
        pair = undefined;
        continue;
      }
      if (pair) malformed++;
      pair = this.#header(place);
      if (!pair) malformed++;
    }
    if (pair) malformed++;
    if (malformed === 0 && length > 0) this.#slots.learned();
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
      const name = protocol + column;
      slots.push(GAUGES.has(name) ? NO_SLOT : this.#slots.of(name));
    }
    const pair = {
      header: copyOf(bytes, lineStart, lineEnd),
      prefix: copyOf(bytes, lineStart, colon + 1),
      slots: Int32Array.from(slots),
    };
    this.#pairs[place] = pair;
    return pair;
  }
}
