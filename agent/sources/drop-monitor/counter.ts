/**
 * Counts the drop monitor's alerts by kind, and keeps the first packet of each kind and turn. Alerts of known kinds cost
 * no allocation. It must not know reports or windows; whoever reads decides when.
 */

import { DropOrigin, LIMITS } from '@netfall/proto';
import { KNOWN_PROTOCOLS, protocolName } from '../../names/protocols.ts';
import { NO_REASON } from '../../names/reasons.ts';
import { type CodeLocation, openSymbols, type SymbolResolver } from '../../names/symbols.ts';
import { type DropRow, newDropRow } from '../../source.ts';
import type { AlertKind, Range } from './alert-reader.ts';
import { Kinds } from './kinds.ts';
import { firstEtherType, parseCutSymbol, SYMBOL_CHARACTERS } from './packet.ts';
import type { Tap, TapLosses } from './tap.ts';

/** Where and why packets of one kind are dropped. */
export type Site = Required<Omit<DropRow, 'events' | 'packets' | 'bytes'>>;

/** The first bytes of a packet. The object is used again: copy what is kept. */
export interface PacketSample {
  readonly timeUs: number;
  readonly bytes: Uint8Array;
  copied: number;
  /** The EtherType of what they begin with, 0 for an Ethernet header. */
  readonly etherType: number;
  readonly length: number;
  readonly interfaceIndex: number;
}

/** What was not counted under a name, since the counter was opened. */
export interface DropMonitorLosses extends TapLosses {
  /** Alerts of kinds beyond the bounded table. */
  readonly kinds_full: number;
  /** Summaries in which the kernel's table was full: an unknown number of drops is missing. */
  readonly summary_table_full: number;
  /** Addresses that nothing names; their drops are counted. */
  readonly unresolved_symbols: number;
}

export interface CounterOptions {
  /** Stands in for `/`. */
  readonly root: string;
  /** Whether software's drops are another source's. */
  readonly hardwareOnly?: boolean;
  /** Packets that are kept between two readings at most; 0 for none. */
  readonly samples?: number;
  /** Default: what this machine offers. */
  readonly symbols?: () => SymbolResolver;
}

const MOST_KINDS = 4096;
/** Of a thousand alerts each; 8 MiB hold about ten times that. */
const MOST_DRAINS = 16;
const HARDWARE_TAG = 0x100;
const SUMMARY_TAG = 0x200;
/** Of a kind of which nothing is known but that it was dropped. */
const NO_TRAP = 'HARDWARE';

export class DropMonitorCounter {
  readonly #tap: Tap;
  readonly #options: CounterOptions;
  readonly #kinds = new Kinds(MOST_KINDS);
  readonly #sites: Site[] = [];
  /** The turn in which each kind last gave a sample. */
  readonly #turns = new Uint32Array(MOST_KINDS);
  #turn = 1;
  readonly #samples: Sample[];
  #sampled = 0;
  #symbols: SymbolResolver | undefined;
  #kindsFull = 0;
  #tablesFull = 0;
  #unresolved = 0;
  readonly #row = newDropRow();

  constructor(tap: Tap, options: CounterOptions) {
    this.#tap = tap;
    this.#options = options;
    this.#samples = Array.from({ length: options.samples ?? 0 }, () => new Sample());
  }

  /**
   * Takes in the alerts that wait, so that the socket has room for others.
   * @returns whether that may not be all. @throws KernelError
   */
  drain(): boolean {
    const more = this.#tap.alerts.read(this.#take);
    this.#symbols?.endBatch();
    return more;
  }

  /** Takes in as many as the socket can hold, and no more of those that come meanwhile. @throws KernelError */
  drainAll(): void {
    for (let i = 0; i < MOST_DRAINS && this.drain(); i++);
  }

  /** Visits each kind of drop that moved since the last reading, with how far. */
  read(visit: (row: Readonly<Required<DropRow>>) => void): void {
    this.#kinds.take((number, events, bytes) => {
      Object.assign(this.#row, this.#sites[number]);
      this.#row.events = this.#row.packets = events;
      this.#row.bytes = bytes;
      visit(this.#row);
    });
  }

  /** Visits the samples that were kept since the last time. Kinds give samples anew from here on. */
  readSamples(visit: (site: Readonly<Site>, sample: Readonly<PacketSample>) => void): void {
    for (let i = 0; i < this.#sampled; i++) {
      const sample = this.#samples[i]!;
      visit(this.#sites[sample.kind]!, sample);
    }
    this.#sampled = 0;
    this.#turn++;
  }

  /** @throws KernelError, Error of fs */
  losses(): DropMonitorLosses {
    return {
      ...this.#tap.losses(),
      kinds_full: this.#kindsFull,
      summary_table_full: this.#tablesFull,
      unresolved_symbols: this.#unresolved,
    };
  }

  /** Lets go of what names addresses; the tap stays open. */
  close(): void {
    this.#symbols?.close();
    this.#symbols = undefined;
  }

  readonly #take = (kind: AlertKind): void => {
    if (kind === 'packet') this.#takePacket();
    else if (kind === 'summary') this.#takeSummary();
    else if (kind === 'hardware-summary') this.#takeTraps();
  };

  #takePacket(): void {
    const { slab, reader } = this.#tap.alerts;
    const { packet } = reader;
    const { hardware, pcHigh, pcLow, payload } = packet;
    if (!hardware && this.#options.hardwareOnly) return;
    const protocol = KNOWN_PROTOCOLS.indexOf(packet.protocol) & 0xff;
    const name = hardware ? packet.trap : packet.reason;
    const tag = hardware ? HARDWARE_TAG | protocol : protocol;
    const number = this.#kinds.number(pcHigh, pcLow, tag, slab, name.start, name.end);
    if (number < 0) {
      this.#kindsFull++;
      return;
    }
    if (number === this.#sites.length) {
      const etherType = protocolName(packet.protocol);
      this.#sites.push(hardware ? trapSite(this.#text(name), etherType) : this.#packetSite(etherType));
    }
    const length = packet.originalBytes > 0 ? packet.originalBytes : payload.end - payload.start;
    this.#kinds.add(number, 1, length);
    if (this.#turns[number] === this.#turn || this.#sampled === this.#samples.length) return;
    if (payload.end === payload.start) return;
    this.#turns[number] = this.#turn;
    this.#samples[this.#sampled++]!.keep(number, this.#tap.alerts);
  }

  #takeSummary(): void {
    if (this.#options.hardwareOnly) return;
    const { slab, reader } = this.#tap.alerts;
    const { points } = reader;
    if (points.full) this.#tablesFull++;
    while (points.next()) {
      const { pcHigh, pcLow, count } = points;
      // An interface's counter rose: no packet that could not also stand under its place.
      if (pcHigh === 0 && pcLow === 0) continue;
      const number = this.#kinds.number(pcHigh, pcLow, SUMMARY_TAG, slab, 0, 0);
      if (number < 0) {
        this.#kindsFull += count;
        continue;
      }
      if (number === this.#sites.length) {
        const location = this.#locate(pcHigh, pcLow);
        this.#sites.push(softwareSite(NO_REASON, location, ''));
      }
      this.#kinds.add(number, count, 0);
    }
  }

  #takeTraps(): void {
    const { slab, reader } = this.#tap.alerts;
    const { traps } = reader;
    while (traps.next()) {
      const { trap, count } = traps;
      const number = this.#kinds.number(0, 0, HARDWARE_TAG | SUMMARY_TAG, slab, trap.start, trap.end);
      if (number < 0) {
        this.#kindsFull += count;
        continue;
      }
      if (number === this.#sites.length) this.#sites.push(trapSite(this.#text(trap), ''));
      this.#kinds.add(number, count, 0);
    }
  }

  #packetSite(protocol: string): Site {
    const { pcHigh, pcLow, symbol, reason } = this.#tap.alerts.reader.packet;
    const text = this.#text(symbol);
    const printed = parseCutSymbol(text);
    // Cut off, or not a name at all: what else there is may know it.
    const location =
      printed && text.length < SYMBOL_CHARACTERS ? printed : (this.#resolve(pcHigh, pcLow) ?? printed);
    if (location === undefined) this.#unresolved++;
    return softwareSite(this.#text(reason) || NO_REASON, location, protocol);
  }

  #locate(high: number, low: number): CodeLocation | undefined {
    const location = this.#resolve(high, low);
    if (location === undefined) this.#unresolved++;
    return location;
  }

  #resolve(high: number, low: number): CodeLocation | undefined {
    this.#symbols ??= (this.#options.symbols ?? (() => openSymbols(this.#options.root)))();
    return this.#symbols.resolve((BigInt(high) << 32n) | BigInt(low));
  }

  #text({ start, end }: Range): string {
    return Buffer.from(this.#tap.alerts.slab.subarray(start, Math.min(end, start + LIMITS.string))).toString(
      'latin1',
    );
  }
}

function softwareSite(reason: string, location: CodeLocation | undefined, protocol: string): Site {
  const { function: name = '', offset = 0, module = '' } = location ?? {};
  const origin = DropOrigin.DROP_ORIGIN_SOFTWARE;
  return { reason, function: name, offset, module, protocol, origin, trap: '' };
}

/** Hardware gives no reason but its trap, by which its drops are told apart everywhere. */
function trapSite(trap: string, protocol: string): Site {
  const origin = DropOrigin.DROP_ORIGIN_HARDWARE;
  return { reason: trap || NO_TRAP, function: '', offset: 0, module: '', protocol, origin, trap };
}

class Sample implements PacketSample {
  kind = 0;
  timeUs = 0;
  readonly bytes = new Uint8Array(LIMITS.header);
  copied = 0;
  etherType = 0;
  length = 0;
  interfaceIndex = 0;

  keep(kind: number, { slab, reader: { packet } }: Tap['alerts']): void {
    const { start, end } = packet.payload;
    this.kind = kind;
    this.timeUs = packet.timestampUs;
    this.copied = Math.min(end - start, this.bytes.length);
    for (let i = 0; i < this.copied; i++) this.bytes[i] = slab[start + i]!;
    this.etherType = firstEtherType(slab, start, end, packet.protocol);
    this.length = packet.originalBytes > 0 ? packet.originalBytes : end - start;
    this.interfaceIndex = packet.inIndex;
  }
}
