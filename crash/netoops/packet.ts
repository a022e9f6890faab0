/**
 * A netoops datagram: one KiB of a dying kernel's log, and who says it. A pure parser over bytes.
 *
 * Little-endian, packed. Version 2 is that of the driver proposed to the kernel in 2010 (`struct netoops_msg`); version 3 that
 * of later drivers, in three layouts that are told apart by where they say the architecture's block and the data begin:
 *
 *   version 2                          version 3
 *    0 u16 version = 2                  0 u16 version = 3
 *    2 u16 header_size: data is there   2 u16 dump_id
 *    4 u16 arch                         4 u16 data_offset
 *    6 u16 dump_id                      6 u16 arch
 *    8 u16 type                         8 u16 arch_offset
 *   10 u32 packet_count                10 u16 type
 *   14 u32 packet_no                   12 u32 packet_count
 *   18 reserved                        16 u32 packet_no
 *   25 char kernel_version[64]         20 char kernel_version[64], data at 84; or
 *   89 reserved                        20 u32 boot_id, 24 char kernel_version[64], 88 arch block, data behind it; or
 *      data[1024]                      the same with 88 char user_blob[128], 216 arch block
 *                                         data[1024]
 *
 * Strings need not end in NUL.
 */

/** The port that netoops sends to. */
export const NETOOPS_PORT = 2004;
/** Bytes of the log that a datagram carries. */
export const PIECE_BYTES = 1024;

const KERNEL_BYTES = 64;
const V2_KERNEL = 25;
const V3_KERNEL = 20;
const V3_BOOT_ID = 20;
const V3_KERNEL_BEHIND_BOOT_ID = 24;
const V3_ARCH = 88;
const V3_ARCH_BEHIND_BLOB = 216;
/** The block begins with the processor's vendor, family, model and stepping. */
const LEAST_ARCH_BYTES = 4;

/** Why a datagram is none of netoops. */
export type NetoopsDefect = 'version' | 'length' | 'layout' | 'numbers';

/** A datagram's header. One object reads them all. */
export class NetoopsPacket {
  version = 0;
  dumpId = 0;
  /** The number of the boot; -1 where the layout has none. */
  bootId = -1;
  /** 1 hard: an oops or a panic; 3 soft: a lockup and the like; other values are the sender's own. */
  type = 0;
  packetCount = 0;
  /** 0 is the newest piece of the log. */
  packetNo = 0;
  /** Where the piece of the log begins: {@link PIECE_BYTES} from there on are all there. */
  dataStart = 0;
  #kernelStart = 0;
  #bytes: Uint8Array = new Uint8Array();

  /** Reads the datagram `[start, end)`. @returns what is wrong with it, or null; then nothing else here counts. */
  read(bytes: Uint8Array, start: number, end: number): NetoopsDefect | null {
    this.#bytes = bytes;
    if (end - start < V2_KERNEL) return 'length';
    this.version = u16(bytes, start);
    const dataOffset =
      this.version === 2 ? this.#readV2(start) : this.version === 3 ? this.#readV3(start) : 0;
    if (dataOffset === 0) return 'version';
    if (dataOffset < 0) return 'layout';
    if (end - start !== dataOffset + PIECE_BYTES) return 'length';
    if (this.packetNo >= this.packetCount) return 'numbers';
    this.dataStart = start + dataOffset;
    return null;
  }

  /** The kernel's release, as far as it is printable. */
  kernel(): string {
    let text = '';
    for (let i = this.#kernelStart; i < this.#kernelStart + KERNEL_BYTES; i++) {
      const byte = this.#bytes[i]!;
      if (byte <= 0x20 || byte >= 0x7f) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** @returns where the data begins, or -1 */
  #readV2(start: number): number {
    const bytes = this.#bytes;
    const dataOffset = u16(bytes, start + 2);
    this.dumpId = u16(bytes, start + 6);
    this.type = u16(bytes, start + 8);
    this.packetCount = u32(bytes, start + 10);
    this.packetNo = u32(bytes, start + 14);
    this.bootId = -1;
    this.#kernelStart = start + V2_KERNEL;
    return dataOffset < V2_KERNEL + KERNEL_BYTES ? -1 : dataOffset;
  }

  /** @returns where the data begins, or -1 */
  #readV3(start: number): number {
    const bytes = this.#bytes;
    const dataOffset = u16(bytes, start + 4);
    this.dumpId = u16(bytes, start + 2);
    this.type = u16(bytes, start + 10);
    this.packetCount = u32(bytes, start + 12);
    this.packetNo = u32(bytes, start + 16);
    if (dataOffset === V3_KERNEL + KERNEL_BYTES) {
      this.bootId = -1;
      this.#kernelStart = start + V3_KERNEL;
      return dataOffset;
    }
    const archOffset = u16(bytes, start + 8);
    this.bootId = u32(bytes, start + V3_BOOT_ID);
    this.#kernelStart = start + V3_KERNEL_BEHIND_BOOT_ID;
    const isKnown = archOffset === V3_ARCH || archOffset === V3_ARCH_BEHIND_BLOB;
    return isKnown && dataOffset >= archOffset + LEAST_ARCH_BYTES ? dataOffset : -1;
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}
