/**
 * Samples of dropped packets as the program lets them through: their maps and their turns. It must not know what a kind of
 * drop is called.
 */

import { BpfMap, MapType } from '../../../kernel/bpf/map.ts';
import { RingBuffer } from '../../../kernel/bpf/ring-buffer.ts';
import { possibleCpuCount } from '../../../kernel/cpus.ts';
import type { PacketFilter } from './filter.ts';
import type { SampleLayout } from './layout.ts';
import { CONTROL_BYTES, LACKED_BYTES, RECORD, type Sampling } from './program.ts';
import { type RawSample, SampleReader } from './sample.ts';

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

const DEFAULT_SNAP_LENGTH = 128;
const DEFAULT_RING_BYTES = 256 * 1024;

export class Sampler {
  /** For the program. */
  readonly sampling: Sampling;
  readonly #resources: DisposableStack;
  readonly #ring: RingBuffer;
  readonly #words: Uint32Array;
  readonly #control = new ArrayBuffer(CONTROL_BYTES);
  readonly #onlyKey = new ArrayBuffer(4);
  readonly #lacked: BigUint64Array<ArrayBuffer>;
  readonly #samples: SampleReader;

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
    this.#samples = new SampleReader(bytes);
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
    return this.#ring.read((start, length) => {
      visit(this.#samples.read(start, length), this.#words, (start + RECORD.location) >>> 2);
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
}
