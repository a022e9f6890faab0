/**
 * Writes captures in the pcapng format, which Wireshark, tshark and tcpdump read. Pure: the bytes go to a function. Must not
 * know what the packets are or why they are written.
 *
 * Wire format: the IETF's draft-ietf-opsawg-pcapng. A section header, and then blocks in any order so long as an interface
 * is described before its packets; each block holds its length at both ends, and all is padded to 32 bits. Written
 * little-endian. The section's length is left open, so that nothing is written twice and the file can be a pipe.
 */

/** Takes bytes of the file, in order. They are overwritten when it has returned. */
type Sink = (bytes: Uint8Array) => void;

/** Some of tcpdump.org's link types. */
export const LinkType = {
  ethernet: 1,
  /** IPv4 or IPv6, with no link-layer header. */
  raw: 101,
} as const;

/** Bits of a packet's flags: which way it went, and whom it was sent to. */
export const PacketFlag = {
  inbound: 1,
  outbound: 2,
  unicast: 1 << 2,
  multicast: 2 << 2,
  broadcast: 3 << 2,
  promiscuous: 4 << 2,
} as const;

/** More than any packet has, and the most that Wireshark reads. */
export const MOST_SNAP_LENGTH = 262_144;
/** Bytes of UTF-8 that a text may have; what is longer is cut. */
const MOST_TEXT_BYTES = 4096;
const BUFFER_BYTES = 65_536;

/** What the file says of where it was captured. What is empty is left out. */
export interface Section {
  readonly hardware: string;
  readonly os: string;
  readonly application: string;
}

export interface CaptureInterface {
  readonly name: string;
  readonly description: string;
  readonly linkType: number;
  /** How many bytes of a packet are written at most; from 1 to MOST_SNAP_LENGTH. */
  readonly snapLength: number;
  /** The unit of its timestamps. */
  readonly resolution: 'us' | 'ns';
}

/** Since 1970, in the interface's unit. Numbers do for microseconds. */
type Timestamp = number | bigint;

export interface CapturedPacket {
  /** As returned by addInterface(). */
  readonly interface: number;
  readonly timestamp: Timestamp;
  /** The packet is `length` bytes of these from `start` on. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  /** Its length where it was captured, cut or not. */
  readonly originalLength: number;
  readonly comments: readonly string[];
  /** Of PacketFlag; 0 when nothing is known. */
  readonly flags: number;
  /** How many packets of this interface the capture lost between the one before and this one. */
  readonly lostBefore: number;
}

export interface InterfaceStatistics {
  readonly interface: number;
  /** When the capture began, and when these numbers were read. */
  readonly start: Timestamp;
  readonly end: Timestamp;
  /** Packets that there were to capture. */
  readonly received: number;
  /** Those of them that the filter let through. */
  readonly accepted: number;
  /** Those that the capture lost: of these there is no telling whether the filter would have let them through. */
  readonly lost: number;
}

/** A defect in how the writer is used. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: 'CAPTURE_INTERFACE' | 'CAPTURE_SNAP_LENGTH';

  constructor(code: CaptureError['code'], message: string) {
    super(`capture: ${message}`);
    this.code = code;
  }
}

const Block = { section: 0x0a0d_0d0a, interface: 1, statistics: 5, packet: 6 } as const;
/** Options have numbers of their own in each kind of block, but for comments. */
const Option = {
  end: 0,
  comment: 1,
  section: { hardware: 2, os: 3, application: 4 },
  interface: { name: 2, description: 3, timestampResolution: 9 },
  packet: { flags: 2, dropCount: 4 },
  statistics: { start: 2, end: 3, received: 4, interfaceDrops: 5, accepted: 6, osDrops: 7, delivered: 8 },
} as const;
/** A block without options and packet, and an option that holds no text, have fewer bytes than this. */
const BLOCK_BYTES = 256;
const OPTION_BYTES = 16;

/** Gathers blocks in one buffer, which it hands on when it is full, when it is told to, and at the end. */
export class PcapngWriter {
  readonly #sink: Sink;
  readonly #interfaces: { readonly snapLength: number; delivered: number }[] = [];
  #buffer = Buffer.alloc(BUFFER_BYTES);
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
  #used = 0;
  /** Where the block that is being written begins. */
  #block = 0;

  constructor(sink: Sink, { hardware, os, application }: Section) {
    this.#sink = sink;
    this.#begin(Block.section, 3 * (OPTION_BYTES + MOST_TEXT_BYTES));
    this.#u32(0x1a2b_3c4d);
    this.#u16(1);
    this.#u16(0);
    this.#u32(0xffff_ffff);
    this.#u32(0xffff_ffff);
    this.#text(Option.section.hardware, hardware);
    this.#text(Option.section.os, os);
    this.#text(Option.section.application, application);
    this.#end();
  }

  /** Describes an interface. Returns the number that its packets name it by. */
  addInterface({ name, description, linkType, snapLength, resolution }: CaptureInterface): number {
    if (!(snapLength >= 1 && snapLength <= MOST_SNAP_LENGTH)) {
      const message = `${snapLength} bytes of a packet cannot be kept: give from 1 to ${MOST_SNAP_LENGTH}`;
      throw new CaptureError('CAPTURE_SNAP_LENGTH', message);
    }
    this.#begin(Block.interface, 3 * (OPTION_BYTES + MOST_TEXT_BYTES));
    this.#u16(linkType);
    this.#u16(0);
    this.#u32(snapLength);
    this.#text(Option.interface.name, name);
    this.#text(Option.interface.description, description);
    this.#option(Option.interface.timestampResolution, 1);
    this.#u32(resolution === 'us' ? 6 : 9);
    this.#end();
    return this.#interfaces.push({ snapLength, delivered: 0 }) - 1;
  }

  packet(packet: CapturedPacket): void {
    const captured = this.#interface(packet.interface);
    const { start, comments, flags, lostBefore } = packet;
    const bytes = packet.bytes.subarray(start, start + Math.min(packet.length, captured.snapLength));
    captured.delivered++;
    this.#begin(Block.packet, bytes.length + comments.length * (OPTION_BYTES + MOST_TEXT_BYTES));
    this.#u32(packet.interface);
    this.#timestamp(packet.timestamp);
    this.#u32(bytes.length);
    this.#u32(Math.max(packet.originalLength, bytes.length));
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#pad();
    for (const comment of comments) this.#text(Option.comment, comment);
    if (flags !== 0) {
      this.#option(Option.packet.flags, 4);
      this.#u32(flags);
    }
    if (lostBefore !== 0) this.#counter(Option.packet.dropCount, lostBefore);
    this.#end();
  }

  /** Says how complete the capture of an interface is; to be called last. */
  statistics({ start, end, received, accepted, lost, ...of }: InterfaceStatistics): void {
    const { delivered } = this.#interface(of.interface);
    this.#begin(Block.statistics, 0);
    this.#u32(of.interface);
    this.#timestamp(end);
    this.#option(Option.statistics.start, 8);
    this.#timestamp(start);
    this.#option(Option.statistics.end, 8);
    this.#timestamp(end);
    this.#counter(Option.statistics.received, received);
    // The system lost them, and not the interface; but it is the interface's drops that Wireshark shows.
    this.#counter(Option.statistics.interfaceDrops, lost);
    this.#counter(Option.statistics.accepted, accepted);
    this.#counter(Option.statistics.osDrops, lost);
    this.#counter(Option.statistics.delivered, delivered);
    this.#end();
  }

  /** Hands on what has been written so far: whole blocks. */
  flush(): void {
    if (this.#used === 0) return;
    this.#sink(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #interface(number: number): { readonly snapLength: number; delivered: number } {
    const known = this.#interfaces[number];
    if (!known) throw new CaptureError('CAPTURE_INTERFACE', `interface ${number} is not known: add it first`);
    return known;
  }

  /** Begins a block that has room for so many bytes of packet and texts. */
  #begin(type: number, bytes: number): void {
    const room = BLOCK_BYTES + bytes;
    if (room > this.#buffer.length - this.#used) this.flush();
    if (room > this.#buffer.length) {
      this.#buffer = Buffer.alloc(room);
      this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, room);
    }
    this.#block = this.#used;
    this.#u32(type);
    this.#used += 4;
  }

  #end(): void {
    this.#option(Option.end, 0);
    const length = this.#used - this.#block + 4;
    this.#view.setUint32(this.#block + 4, length, true);
    this.#u32(length);
  }

  #u16(value: number): void {
    this.#view.setUint16(this.#used, value, true);
    this.#used += 2;
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#used, value, true);
    this.#used += 4;
  }

  #pad(): void {
    while ((this.#used - this.#block) % 4 !== 0) this.#buffer[this.#used++] = 0;
  }

  #option(code: number, length: number): void {
    this.#u16(code);
    this.#u16(length);
  }

  #text(code: number, text: string): void {
    if (text === '') return;
    const length = this.#buffer.write(text, this.#used + 4, MOST_TEXT_BYTES);
    this.#option(code, length);
    this.#used += length;
    this.#pad();
  }

  #counter(code: number, value: number): void {
    this.#option(code, 8);
    this.#u32(value);
    this.#u32(value / 2 ** 32);
  }

  /** The upper half comes first, whatever the byte order. */
  #timestamp(timestamp: Timestamp): void {
    const isBig = typeof timestamp === 'bigint';
    this.#u32(isBig ? Number(timestamp >> 32n) : timestamp / 2 ** 32);
    this.#u32(isBig ? Number(timestamp & 0xffff_ffffn) : timestamp);
  }
}
