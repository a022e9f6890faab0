/**
 * Samples of dropped packets as the program lets them through: their maps, their turns, and their reading. It must not
 * know what a kind of drop is called.
 */

import { BpfMap, MapType } from '../../../kernel/bpf/map.ts';
import { RingBuffer } from '../../../kernel/bpf/ring-buffer.ts';
import { possibleCpuCount } from '../../../kernel/cpus.ts';
import { OTHER_PROTOCOL } from '../../../names/protocols.ts';
import type { PacketFilter } from './filter.ts';
import type { SampleLayout } from './layout.ts';
import { CONTROL_BYTES, LACKED_BYTES, RECORD, type Sampling } from './program.ts';

export interface SampleOptions {
  /** Samples that a kind may give on each CPU between one {@link Sampler.beginTurn} and the next. */
  readonly budget: number;
  /** Bytes of a packet that a sample holds at most. Default 128. */
  readonly snapLength?: number;
  /** Kernel memory that samples may wait in, a power of two. Default 256 KiB. */
  readonly ringBytes?: number;
  /** Which packets may become samples; all when absent. */
  readonly filter?: PacketFilter;
}

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

const DEFAULT_SNAP_LENGTH = 128;
const DEFAULT_RING_BYTES = 256 * 1024;
const NO_MAC_HEADER = 0xffff;
/** Inodes of namespaces are numbered from here on (include/linux/proc_ns.h and lib/idr). */
const FIRST_NAMESPACE = 0xefff_fff0;

export class Sampler {
  /** For the program. */
  readonly sampling: Sampling;
  readonly #resources: DisposableStack;
  readonly #ring: RingBuffer;
  readonly #words: Uint32Array;
  readonly #control = new ArrayBuffer(CONTROL_BYTES);
  readonly #onlyKey = new ArrayBuffer(4);
  readonly #lacked: BigUint64Array<ArrayBuffer>;
  readonly #sample: RawSample;

  /** @throws KernelError */
  constructor(layout: SampleLayout, options: SampleOptions) {
    using resources = new DisposableStack();
    const array = (type: (typeof MapType)[keyof typeof MapType], valueBytes: number, name: string) =>
      resources.use(BpfMap.create({ type, keyBytes: 4, valueBytes, maxEntries: 1, name }));
    this.#ring = resources.use(new RingBuffer(options.ringBytes ?? DEFAULT_RING_BYTES, 'netfall_samples'));
    this.sampling = {
      layout,
      ring: this.#ring,
      control: array(MapType.array, CONTROL_BYTES, 'netfall_control'),
      lacked: array(MapType.perCpuArray, LACKED_BYTES, 'netfall_lacked'),
      snapLength: Math.ceil((options.snapLength ?? DEFAULT_SNAP_LENGTH) / 8) * 8,
      filter: options.filter,
    };
    const { bytes } = this.#ring;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    this.#lacked = new BigUint64Array(possibleCpuCount());
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
    new Uint32Array(this.#control)[1] = options.budget;
    this.beginTurn();
    this.#resources = resources.move();
  }

  /** Gives every kind its budget anew. */
  beginTurn(): void {
    new Uint32Array(this.#control)[0]!++;
    this.sampling.control.update(this.#onlyKey, this.#control);
  }

  /**
   * Visits the samples that wait, in the order in which they were taken.
   * @param visit gets the sample, and where in `words` the four words of its kind's key are.
   * @returns how many there were.
   */
  read(visit: (sample: Readonly<RawSample>, words: Uint32Array, key: number) => void): number {
    return this.#ring.read((start) => {
      this.#decode(start);
      visit(this.#sample, this.#words, (start + RECORD.location) >>> 2);
    });
  }

  /** Samples that were not taken because too many waited, since it was made. */
  lacked(): number {
    this.sampling.lacked.lookup(this.#onlyKey, this.#lacked.buffer);
    return Number(this.#lacked.reduce((sum, count) => sum + count));
  }

  /** Lets go of the maps; a second time does nothing. */
  close(): void {
    this.#resources.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #decode(at: number): void {
    const words = this.#words;
    const sample = this.#sample;
    const first = at >>> 2;
    sample.monotonicUs = Math.floor(
      (words[first + RECORD.time / 4]! + words[first + RECORD.time / 4 + 1]! * 2 ** 32) / 1000,
    );
    sample.start = at + RECORD.bytes;
    sample.copied = words[first + RECORD.copied / 4]!;
    const start = words[first + RECORD.start / 4]!;
    const headers = words[first + RECORD.mac / 4]!;
    const network = headers >>> 16;
    sample.mac = (headers & 0xffff) !== NO_MAC_HEADER && network !== start;
    sample.network = network >= start && network > 0 ? network - start : -1;
    sample.etherType = words[first + RECORD.kind / 4 + 1]! & 0xffff;
    // `data` may stand before or behind the first byte copied; the packet ends where it ends.
    const length = (words[first + RECORD.length / 4]! + words[first + RECORD.data / 4]! - start) | 0;
    sample.length = Math.max(sample.copied, length);
    sample.arrivedOn = words[first + RECORD.arrivedOn / 4]!;
    const namespace = words[first + RECORD.namespace / 4]!;
    const known = namespace >= FIRST_NAMESPACE;
    sample.namespace = known ? namespace : 0;
    sample.deviceIndex = known ? words[first + RECORD.deviceIndex / 4]! : 0;
  }
}

/** The EtherType of what a sample's bytes begin with; 0 for an Ethernet header, -1 when that cannot be told. */
export function firstEtherType({ mac, network, etherType, bytes, start }: Readonly<RawSample>): number {
  const ETHERNET_BYTES = 14;
  if (mac) return network < 0 || network >= ETHERNET_BYTES ? 0 : -1;
  if (etherType !== 0 && etherType !== OTHER_PROTOCOL) return etherType;
  // Packets that this host made have no EtherType until they are about to leave.
  const version = bytes[start]! >> 4;
  if (version === 4) return 0x0800;
  return version === 6 ? 0x86dd : -1;
}
