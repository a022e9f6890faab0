/**
 * The drop monitor's alerts, as bytes. Pure: they are read where they lie, into objects that are used again, and nothing
 * that is malformed throws.
 *
 * Format: net/core/drop_monitor.c.
 */

import { AttributeCursor, GENERIC_HEADER_BYTES, type MessageCursor } from '../../kernel/netlink/message.ts';
import { Attribute, Command, PortAttribute } from './wire.ts';

const ORIGIN_HARDWARE = 1;

/** Program counters in the kernel's table; what comes when it is full is lost and counted nowhere. */
const SUMMARY_POINTS = 64;

const POINTS_HEADER_BYTES = 4;
const POINT_BYTES = 12;

/** Where something lies in the slab; empty when the message has none. */
export interface Range {
  start: number;
  end: number;
}

/** A dropped packet. */
class PacketAlert {
  hardware = false;
  /** Where in the kernel's code, in two halves: an address has more bits than a number. 0 for hardware. */
  pcHigh = 0;
  pcLow = 0;
  /** The same as text, `function+0x…/0x…`, cut to 39 characters. */
  readonly symbol: Range = { start: 0, end: 0 };
  /** The drop reason's name, since Linux 5.18. */
  readonly reason: Range = { start: 0, end: 0 };
  readonly trapGroup: Range = { start: 0, end: 0 };
  readonly trap: Range = { start: 0, end: 0 };
  /** The interface that it came in by; 0 for none. Its name is given for hardware only. */
  inIndex = 0;
  readonly inName: Range = { start: 0, end: 0 };
  /** Since 1970. */
  timestampUs = 0;
  /** Before it was truncated. */
  originalBytes = 0;
  /** The EtherType; 0 when it has no payload. */
  protocol = 0;
  /** From the MAC header on. */
  readonly payload: Range = { start: 0, end: 0 };
  /** What the rule that dropped it in hardware was given by who made it. */
  readonly cookie: Range = { start: 0, end: 0 };

  clear(): void {
    this.hardware = false;
    this.pcHigh = 0;
    this.pcLow = 0;
    this.inIndex = 0;
    this.timestampUs = 0;
    this.originalBytes = 0;
    this.protocol = 0;
    for (const range of this.#ranges) range.start = range.end = 0;
  }

  readonly #ranges = [
    this.symbol,
    this.reason,
    this.trapGroup,
    this.trap,
    this.inName,
    this.payload,
    this.cookie,
  ];
}

/** The places in the kernel's code at which one CPU dropped within about a second. */
export class SummaryPoints {
  /** An address of 0 stands for an interface whose `rx_dropped` rose: a hint, not a packet. */
  pcHigh = 0;
  pcLow = 0;
  count = 0;
  /** How many there are. */
  size = 0;
  readonly #view: DataView;
  #next = 0;
  #end = 0;

  constructor(slab: Uint8Array) {
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
  }

  /** Whether the kernel's table was full: further drops may be lost. */
  get full(): boolean {
    return this.size >= SUMMARY_POINTS;
  }

  /** Begins at the payload of the attribute. @returns whether it holds as many as it says. */
  reset(start: number, end: number): boolean {
    this.size = 0;
    this.#next = this.#end = start;
    if (end - start < POINTS_HEADER_BYTES) return false;
    const size = this.#view.getUint32(start, true);
    if (size > (end - start - POINTS_HEADER_BYTES) / POINT_BYTES) return false;
    this.size = size;
    this.#next = start + POINTS_HEADER_BYTES;
    this.#end = this.#next + size * POINT_BYTES;
    return true;
  }

  next(): boolean {
    if (this.#next >= this.#end) return false;
    this.pcLow = this.#view.getUint32(this.#next, true);
    this.pcHigh = this.#view.getUint32(this.#next + 4, true);
    this.count = this.#view.getUint32(this.#next + 8, true);
    this.#next += POINT_BYTES;
    return true;
  }
}

/** The traps by which one CPU got dropped packets of hardware within about a second. */
export class TrapCounts {
  readonly trap: Range = { start: 0, end: 0 };
  count = 0;
  readonly #entry: AttributeCursor;
  readonly #attribute: AttributeCursor;

  constructor(slab: Uint8Array) {
    this.#entry = new AttributeCursor(slab);
    this.#attribute = new AttributeCursor(slab);
  }

  reset(start: number, end: number): void {
    this.#entry.reset(start, end);
  }

  next(): boolean {
    while (this.#entry.next()) {
      if (this.#entry.type !== Attribute.hardwareEntry) continue;
      this.trap.start = this.trap.end = 0;
      this.count = 0;
      this.#attribute.reset(this.#entry.start, this.#entry.end);
      while (this.#attribute.next()) {
        if (this.#attribute.type === Attribute.trap) setToString(this.trap, this.#attribute);
        else if (this.#attribute.type === Attribute.trapCount)
          this.count = Math.max(0, this.#attribute.u32());
      }
      return true;
    }
    return false;
  }
}

/** What a message turned out to be. */
export type AlertKind = 'packet' | 'summary' | 'hardware-summary' | 'other' | 'malformed';

/** Reads alerts out of a slab. */
export class AlertReader {
  /** After `packet`. */
  readonly packet = new PacketAlert();
  /** After `summary`. */
  readonly points: SummaryPoints;
  /** After `hardware-summary`. */
  readonly traps: TrapCounts;
  readonly #slab: Uint8Array;
  readonly #attribute: AttributeCursor;
  readonly #nested: AttributeCursor;

  constructor(slab: Uint8Array) {
    this.#slab = slab;
    this.points = new SummaryPoints(slab);
    this.traps = new TrapCounts(slab);
    this.#attribute = new AttributeCursor(slab);
    this.#nested = new AttributeCursor(slab);
  }

  /** Reads the message that a cursor over the same slab stands on. What it found is valid until the next one. */
  read(message: MessageCursor): AlertKind {
    if (message.end - message.start < GENERIC_HEADER_BYTES) return 'malformed';
    const command = this.#slab[message.start];
    this.#attribute.reset(message.start + GENERIC_HEADER_BYTES, message.end);
    if (command === Command.packetAlert) return this.#readPacket();
    if (command === Command.summaryAlert) return this.#readSummary();
    return 'other';
  }

  #readSummary(): AlertKind {
    let kind: AlertKind = 'malformed';
    const attribute = this.#attribute;
    while (attribute.next()) {
      if (attribute.type === Attribute.points) {
        if (!this.points.reset(attribute.start, attribute.end)) return 'malformed';
        kind = 'summary';
      } else if (attribute.type === Attribute.hardwareEntries) {
        // It follows on an empty list of points, which is there for readers that know no other.
        this.traps.reset(attribute.start, attribute.end);
        kind = 'hardware-summary';
      }
    }
    return attribute.rest > 0 ? 'malformed' : kind;
  }

  #readPacket(): AlertKind {
    this.packet.clear();
    const attribute = this.#attribute;
    while (attribute.next()) if (!this.#readPacketAttribute(attribute)) return 'malformed';
    return attribute.rest > 0 ? 'malformed' : 'packet';
  }

  /** @returns false when the attribute does not hold what it should. Unknown ones are passed over. */
  #readPacketAttribute(attribute: AttributeCursor): boolean {
    const { packet } = this;
    const bytes = attribute.end - attribute.start;
    switch (attribute.type) {
      case Attribute.origin:
        packet.hardware = attribute.u16() === ORIGIN_HARDWARE;
        return bytes >= 2;
      case Attribute.pc:
        if (bytes < 8) return false;
        packet.pcLow = this.#u32(attribute.start);
        packet.pcHigh = this.#u32(attribute.start + 4);
        return true;
      case Attribute.symbol:
        setToString(packet.symbol, attribute);
        return true;
      case Attribute.reason:
        setToString(packet.reason, attribute);
        return true;
      case Attribute.trapGroup:
        setToString(packet.trapGroup, attribute);
        return true;
      case Attribute.trap:
        setToString(packet.trap, attribute);
        return true;
      case Attribute.inPort:
        return this.#readPort(attribute);
      case Attribute.timestamp:
        if (bytes < 8) return false;
        packet.timestampUs = microseconds(this.#u32(attribute.start + 4), this.#u32(attribute.start));
        return Number.isSafeInteger(packet.timestampUs);
      case Attribute.originalBytes:
        packet.originalBytes = attribute.u32();
        return bytes >= 4;
      case Attribute.protocol:
        packet.protocol = attribute.u16();
        return bytes >= 2;
      case Attribute.payload:
        setTo(packet.payload, attribute.start, attribute.end);
        return true;
      case Attribute.cookie:
        setTo(packet.cookie, attribute.start, attribute.end);
        return true;
      default:
        return true;
    }
  }

  #readPort(port: AttributeCursor): boolean {
    const nested = this.#nested;
    nested.reset(port.start, port.end);
    while (nested.next()) {
      if (nested.type === PortAttribute.index) {
        if (nested.end - nested.start < 4) return false;
        this.packet.inIndex = nested.u32();
      } else if (nested.type === PortAttribute.name) {
        setToString(this.packet.inName, nested);
      }
    }
    return nested.rest === 0;
  }

  #u32(at: number): number {
    const slab = this.#slab;
    return (slab[at]! | (slab[at + 1]! << 8) | (slab[at + 2]! << 16) | (slab[at + 3]! << 24)) >>> 0;
  }
}

/** 64 bits of nanoseconds as microseconds, exactly: 2^32 ns are 4 294 967 µs and 296 ns. */
function microseconds(high: number, low: number): number {
  return high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
}

function setTo(range: Range, start: number, end: number): void {
  range.start = start;
  range.end = end;
}

function setToString(range: Range, attribute: AttributeCursor): void {
  setTo(range, attribute.start, attribute.stringEnd());
}
