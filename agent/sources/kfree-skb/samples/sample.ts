/**
 * A sample out of the record that the program wrote. Pure: it is read where it lies, and nothing is allocated for it. It must
 * not know how records come here.
 */

import { OTHER_PROTOCOL } from '../../../names/protocols.ts';
import { RECORD } from './program.ts';

/** What is known of a sampled packet, its bytes in place. The object is used again: copy what is kept. */
export interface RawSample {
  /** CLOCK_MONOTONIC, µs. */
  monotonicUs: number;
  /** The packet's bytes as far as they were copied: `bytes[start, start + copied)`. Overwritten after the visit. */
  readonly bytes: Uint8Array;
  start: number;
  copied: number;
  /** Whether they begin with a MAC header. */
  mac: boolean;
  /** Where in them the network header is, -1 if that is not known. */
  network: number;
  /** As in the key of its kind: 0 when the kernel had not set it, 0xffff for one that is not told apart. */
  etherType: number;
  /** Length of the packet from `start` on, copied or not. */
  length: number;
  /** Interface indices; 0 where there is none, anything if the packet lost its device. */
  arrivedOn: number;
  deviceIndex: number;
  /** The inode of the network namespace, 0 if it is not known. */
  namespace: number;
}

const NO_MAC_HEADER = 0xffff;
/** Inodes of namespaces are numbered from here on (include/linux/proc_ns.h and lib/idr). */
export const FIRST_NAMESPACE = 0xefff_fff0;
const ETHERNET_BYTES = 14;

/** Reads the records in a ring buffer. */
export class SampleReader {
  readonly #words: Uint32Array;
  readonly #sample: RawSample;

  /** @param bytes of the ring buffer, which begin at a multiple of 4 */
  constructor(bytes: Uint8Array) {
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    this.#sample = {
      monotonicUs: 0,
      bytes,
      start: 0,
      copied: 0,
      mac: false,
      network: -1,
      etherType: 0,
      length: 0,
      arrivedOn: 0,
      deviceIndex: 0,
      namespace: 0,
    };
  }

  /**
   * Reads the record at `at`, a multiple of 4. What it found is valid until the next one.
   * @param length of the whole record, at least RECORD.bytes: that much the program reserved.
   */
  read(at: number, length: number): RawSample {
    const words = this.#words;
    const sample = this.#sample;
    const first = at >>> 2;
    sample.monotonicUs = Math.floor(
      (words[first + RECORD.time / 4]! + words[first + RECORD.time / 4 + 1]! * 2 ** 32) / 1000,
    );
    sample.start = at + RECORD.bytes;
    sample.copied = Math.min(words[first + RECORD.copied / 4]!, length - RECORD.bytes);
    const start = words[first + RECORD.start / 4]!;
    const headers = words[first + RECORD.mac / 4]!;
    const network = headers >>> 16;
    sample.mac = (headers & 0xffff) !== NO_MAC_HEADER && network !== start;
    sample.network = network >= start && network > 0 ? network - start : -1;
    sample.etherType = words[first + RECORD.kind / 4 + 1]! & 0xffff;
    // `data` may stand before or behind the first byte copied; the packet ends where it ends.
    const total = (words[first + RECORD.length / 4]! + words[first + RECORD.data / 4]! - start) | 0;
    sample.length = Math.max(sample.copied, total);
    sample.arrivedOn = words[first + RECORD.arrivedOn / 4]!;
    const namespace = words[first + RECORD.namespace / 4]!;
    const known = namespace >= FIRST_NAMESPACE;
    sample.namespace = known ? namespace : 0;
    sample.deviceIndex = known ? words[first + RECORD.deviceIndex / 4]! : 0;
    return sample;
  }
}

/** The EtherType of what a sample's bytes begin with; 0 for an Ethernet header, -1 when that cannot be told. */
export function firstEtherType(sample: Readonly<RawSample>): number {
  const { mac, network, etherType, bytes, start, copied } = sample;
  if (mac) return network < 0 || network >= ETHERNET_BYTES ? 0 : -1;
  if (etherType !== 0 && etherType !== OTHER_PROTOCOL) return etherType;
  // Packets that this host made have no EtherType until they are about to leave.
  const version = copied > 0 ? bytes[start]! >> 4 : 0;
  if (version === 4) return 0x0800;
  return version === 6 ? 0x86dd : -1;
}
