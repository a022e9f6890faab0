/**
 * What a dying host's netoops driver puts on the wire: from its log to datagrams. Pure; shares no code with what receives
 * them, so that each checks the other.
 *
 * Format, of integers in little-endian, without padding between fields: the netoops driver as posted to linux-kernel in
 * November 2010 ("netoops: add core functionality") for version 2, and its successors for version 3, whose datagrams are
 * told apart by data_offset, arch_offset and length. docs/netoops-sender.md has the fields with their offsets.
 *
 * A log lies in a ring buffer, so there are two segments of it, the older one first. Each is cut into pieces of 1024 bytes
 * from its beginning, and only its last piece may be shorter; that is padded with zeros. The driver sends pieces from the
 * newest to the oldest, numbered from 0, all of the newer segment and then all of the older one, and then all of it twice
 * more. It takes the length of a last piece to be the remainder of the segment's by 1024: where that is 0, it sends zeros
 * instead of the newest KiB.
 */

/** Bytes of the log in every datagram. */
export const DATA_BYTES = 1024;
/** How often the driver sends a dump. */
export const TRANSMISSIONS = 3;
/** The UDP port that the driver sends from and to. */
export const NETOOPS_PORT = 2004;

const KERNEL_VERSION_BYTES = 64;
/** A panic or an oops, and a soft lockup or the like. */
const TYPE_HARD = 1;
const TYPE_SOFT = 3;
/** Both of x86's; which of them it is, version 3's length says. */
const ARCH_X86 = 2;

/** version, header_size, arch, dump_id, type, packet_count, packet_no, reserved, kernel_version, reserved. */
const V2_HEADER_BYTES = 217;
/** version, dump_id, data_offset, arch, arch_offset, type, packet_count, packet_no. */
const V3_FIXED_BYTES = 20;
const BOOT_ID_BYTES = 4;
const USER_BLOB_BYTES = 128;
/** vendor, family, model and stepping, a byte each, stand before the registers. */
const CPU_BYTES = 4;
/** `struct pt_regs`. */
const REGISTER_BYTES = { x86_64: 168, i386: 60 } as const;

/** Which driver sends. */
export type Format = Version2 | Version3;

export interface Version2 {
  readonly version: 2;
  /** Bytes before the data, as later drivers may have more of them: at least 217, which is the default. */
  readonly headerSize?: number;
}

export interface Version3 {
  readonly version: 3;
  /** `plain` ends with kernel_version; `boot-id` has a boot_id and the processor; `user-blob` has a user_blob, too. */
  readonly layout: Layout;
  /** Whose registers there are, in all layouts but `plain`. Default: x86_64. */
  readonly machine?: keyof typeof REGISTER_BYTES;
  /** Random for each boot. Default: 0. */
  readonly bootId?: number;
  /** At most 128 bytes, zeros behind them. */
  readonly userBlob?: Uint8Array;
  /** vendor, family, model and stepping. */
  readonly cpu?: readonly [number, number, number, number];
  /** At most 168 bytes, or 60 of i386; zeros behind them. */
  readonly registers?: Uint8Array;
}

export const LAYOUTS = ['plain', 'boot-id', 'user-blob'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** A crash, as its host's driver sees it. */
export interface Dump {
  readonly segments: Segments;
  /** As `uname -r`; cut at 64 bytes, with no NUL behind the last. */
  readonly kernelVersion: string;
  /** The kernel's clock in whole seconds. Its lower 16 bits are the dump's id. */
  readonly seconds: number;
  /** A soft lockup rather than a panic or an oops. Default: false. */
  readonly soft?: boolean;
  readonly format: Format;
  /** Default: {@link TRANSMISSIONS}. */
  readonly transmissions?: number;
}

/** A log: s1 is the older part of it and s2 the newer. */
export interface Segments {
  readonly s1: Uint8Array;
  readonly s2: Uint8Array;
}

/**
 * A log as it lies in the kernel's ring buffer.
 * @param wrap how many of its bytes lie before the end of the buffer, where it goes on at the buffer's beginning; 0 when the
 *   log has not come that far
 * @throws RangeError when the log has not as many bytes
 */
export function segmentsOf(log: Uint8Array, wrap: number): Segments {
  if (wrap > log.length) throw new RangeError(`a log of ${log.length} bytes cannot wrap after ${wrap}`);
  return { s1: log.subarray(0, wrap), s2: log.subarray(wrap) };
}

/**
 * The datagrams of a dump in the order in which the driver sends them. Those of a later transmission are the same objects
 * as those of the first. An empty log makes none.
 * @throws RangeError when something does not fit into its field
 */
export function netoopsDatagrams(dump: Dump): Uint8Array[] {
  const { s1, s2 } = dump.segments;
  const newer = piecesOf(s2);
  const pieces = [...newer, ...piecesOf(s1)];
  const blank = blankDatagram(dump, pieces.length);
  const datagrams = pieces.map((piece, i) => {
    const bytes = blank.bytes.slice();
    new DataView(bytes.buffer).setUint32(blank.packetNoAt, i, true);
    bytes.set(piece, blank.dataAt);
    return bytes;
  });
  return Array.from({ length: dump.transmissions ?? TRANSMISSIONS }, () => datagrams).flat();
}

/** The pieces of a segment, newest first; the first lacks what the driver fills with zeros, which may be all of it. */
function piecesOf(segment: Uint8Array): Uint8Array[] {
  const count = Math.ceil(segment.length / DATA_BYTES);
  return Array.from({ length: count }, (_, back) => {
    const start = (count - 1 - back) * DATA_BYTES;
    const length = back === 0 ? segment.length % DATA_BYTES : DATA_BYTES;
    return segment.subarray(start, start + length);
  });
}

/** A datagram without packet_no and data, which are zeros. */
interface Blank {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly packetNoAt: number;
  readonly dataAt: number;
}

function blankDatagram(dump: Dump, packetCount: number): Blank {
  return dump.format.version === 2
    ? blankVersion2(dump, dump.format, packetCount)
    : blankVersion3(dump, dump.format, packetCount);
}

function blankVersion2(dump: Dump, { headerSize = V2_HEADER_BYTES }: Version2, packetCount: number): Blank {
  if (headerSize < V2_HEADER_BYTES || headerSize > 0xffff)
    throw new RangeError(`header_size ${headerSize} is not from ${V2_HEADER_BYTES} to 65535`);
  const bytes = new Uint8Array(headerSize + DATA_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 2, true);
  view.setUint16(2, headerSize, true);
  view.setUint16(4, ARCH_X86, true);
  view.setUint16(6, dump.seconds & 0xffff, true);
  view.setUint16(8, dump.soft ? TYPE_SOFT : TYPE_HARD, true);
  view.setUint32(10, packetCount, true);
  bytes.set(kernelVersionOf(dump), 25);
  return { bytes, packetNoAt: 14, dataAt: headerSize };
}

function blankVersion3(dump: Dump, format: Version3, packetCount: number): Blank {
  const { layout, machine = 'x86_64', bootId = 0, cpu = [0, 0, 0, 0] } = format;
  const plain = layout === 'plain';
  const versionAt = V3_FIXED_BYTES + (plain ? 0 : BOOT_ID_BYTES);
  const blobAt = versionAt + KERNEL_VERSION_BYTES;
  const archAt = blobAt + (layout === 'user-blob' ? USER_BLOB_BYTES : 0);
  const dataAt = archAt + (plain ? 0 : CPU_BYTES + REGISTER_BYTES[machine]);
  const bytes = new Uint8Array(dataAt + DATA_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 3, true);
  view.setUint16(2, dump.seconds & 0xffff, true);
  view.setUint16(4, dataAt, true);
  view.setUint16(6, ARCH_X86, true);
  // Where there is nothing of the processor's, nothing of it lies between it and the data.
  view.setUint16(8, archAt, true);
  view.setUint16(10, dump.soft ? TYPE_SOFT : TYPE_HARD, true);
  view.setUint32(12, packetCount, true);
  bytes.set(kernelVersionOf(dump), versionAt);
  if (!plain) {
    view.setUint32(V3_FIXED_BYTES, bootId, true);
    bytes.set(cpu, archAt);
    bytes.set(fitting('registers', format.registers, REGISTER_BYTES[machine]), archAt + CPU_BYTES);
  }
  if (layout === 'user-blob') bytes.set(fitting('user_blob', format.userBlob, USER_BLOB_BYTES), blobAt);
  return { bytes, packetNoAt: 16, dataAt };
}

function kernelVersionOf({ kernelVersion }: Dump): Uint8Array {
  return new TextEncoder().encode(kernelVersion).subarray(0, KERNEL_VERSION_BYTES);
}

function fitting(field: string, value: Uint8Array | undefined, most: number): Uint8Array {
  if (value === undefined) return new Uint8Array();
  if (value.length > most) throw new RangeError(`${field} of ${value.length} bytes is longer than ${most}`);
  return value;
}
