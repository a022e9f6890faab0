/** /proc/net/snmp6: a line a counter, `Ip6InReceives   1`, whose name is nstat's. Format: net/ipv6/proc.c. */
import type { Collector } from '../../source.ts';
import type { Growth } from './growth.ts';
import { Scanner } from './scanner.ts';
import { NamedSlots } from './slots.ts';
import { copyOf, MOST_COLUMNS, nameOf, type TableParser } from './table.ts';

interface Line {
  readonly name: Uint8Array;
  readonly slot: number;
}

export class Mib6Parser implements TableParser {
  readonly #growth: Growth;
  readonly #scanner = new Scanner();
  /** By place in the file. */
  readonly #lines: Line[] = [];
  readonly #slots: NamedSlots;

  constructor(growth: Growth) {
    this.#growth = growth;
    this.#slots = new NamedSlots(growth);
  }

  parse(bytes: Uint8Array, length: number, into: Collector): number {
    const scanner = this.#scanner;
    scanner.open(bytes, length);
    let malformed = 0;
    for (let place = 0; scanner.nextLine(); place++) {
      scanner.skipWord();
      const line = this.#line(place);
      if (line && scanner.decimal() && !scanner.negative && !scanner.skipSpace()) {
        this.#growth.put(line.slot, scanner.high, scanner.low, into);
      } else {
        malformed++;
      }
    }
    if (malformed === 0 && length > 0) this.#slots.learned();
    return malformed;
  }

  #line(place: number): Line | undefined {
    const { bytes, lineStart, at } = this.#scanner;
    const known = this.#lines[place];
    if (known && known.name.length === at - lineStart && this.#scanner.matches(lineStart, known.name)) {
      return known;
    }
    const name = nameOf(bytes, lineStart, at);
    if (name === undefined || place >= MOST_COLUMNS) return undefined;
    const line = { name: copyOf(bytes, lineStart, at), slot: this.#slots.of(name) };
    this.#lines[place] = line;
    return line;
  }
}
