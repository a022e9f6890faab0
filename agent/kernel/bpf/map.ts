/**
 * BPF maps: tables that programs in the kernel and this process share. Keys and values are bytes in buffers
 * that the caller owns and reuses.
 */

import { KernelError } from '../libc.ts';
import { Attributes, bpf, FileDescriptor, tryBpf } from './bpf.ts';

/** Kinds of maps, by their number. A per-CPU map holds a value for each possible CPU, in steps of 8 bytes. */
export const MapType = { hash: 1, array: 2, perCpuHash: 5, perCpuArray: 6, ringBuffer: 27 } as const;

/** The program may read the map but not write it: needed for format strings, with {@link BpfMap.freeze}. */
export const READ_ONLY_FOR_PROGRAM = 1 << 7;

export interface MapOptions {
  readonly type: (typeof MapType)[keyof typeof MapType];
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  readonly flags?: number;
  /** Shown by tools such as bpftool. */
  readonly name: string;
}

export class BpfMap extends FileDescriptor {
  readonly keyBytes: number;
  readonly maxEntries: number;

  private constructor(fd: number, options: MapOptions) {
    super(fd);
    this.keyBytes = options.keyBytes;
    this.maxEntries = options.maxEntries;
  }

  /** @throws KernelError: EPERM without CAP_BPF, ENOMEM or E2BIG when it is too large. */
  static create(options: MapOptions): BpfMap {
    const attributes = new Attributes(44);
    attributes.setU32(0, options.type);
    attributes.setU32(4, options.keyBytes);
    attributes.setU32(8, options.valueBytes);
    attributes.setU32(12, options.maxEntries);
    attributes.setU32(16, options.flags ?? 0);
    attributes.setName(28, options.name);
    return new BpfMap(bpf('BPF_MAP_CREATE', attributes), options);
  }

  /**
   * Copies the value under a key into `value`, which holds one value, or one for each possible CPU.
   * @throws KernelError: ENOENT when there is none.
   */
  lookup(key: ArrayBuffer, value: ArrayBuffer): void {
    bpf('BPF_MAP_LOOKUP_ELEM', this.#element(key, value));
  }

  /** Sets the value under a key. @throws KernelError: E2BIG when the map is full. */
  update(key: ArrayBuffer, value: ArrayBuffer): void {
    bpf('BPF_MAP_UPDATE_ELEM', this.#element(key, value));
  }

  /** From now on this process cannot change the map either. */
  freeze(): void {
    const attributes = new Attributes(4);
    attributes.setU32(0, this.fd);
    bpf('BPF_MAP_FREEZE', attributes);
  }

  #element(key: ArrayBuffer, value: ArrayBuffer): Attributes {
    const attributes = new Attributes(32);
    attributes.setU32(0, this.fd);
    attributes.setPointer(8, key);
    attributes.setPointer(16, value);
    return attributes;
  }
}

/**
 * Walks over a whole hash map in batches (Linux 5.6), always into the same buffers.
 *
 * Keys that are neither added nor removed meanwhile are met exactly once; programs go on writing all the time.
 */
export class MapReader {
  /** The keys of the last batch, one after the other. */
  readonly keys: ArrayBuffer;
  /** Their values; of a per-CPU map, `possible CPUs` values a key. */
  readonly values: ArrayBuffer;
  readonly #map: BpfMap;
  readonly #batchEntries: number;
  readonly #attributes = new Attributes(56);
  readonly #position = new ArrayBuffer(4);
  #ended = true;

  /**
   * @param valueBytes bytes that one key's values take.
   * @param batchEntries keys a system call; must exceed the longest chain of the hash table, or {@link next} throws.
   */
  constructor(map: BpfMap, valueBytes: number, batchEntries: number) {
    this.#map = map;
    this.#batchEntries = Math.min(batchEntries, map.maxEntries);
    this.keys = new ArrayBuffer(this.#batchEntries * map.keyBytes);
    this.values = new ArrayBuffer(this.#batchEntries * valueBytes);
    this.#attributes.setPointer(16, this.keys);
    this.#attributes.setPointer(24, this.values);
    this.#attributes.setPointer(8, this.#position);
  }

  /** Begins at the map's first bucket. */
  rewind(): void {
    this.#ended = false;
    this.#attributes.setPointer(0, undefined);
  }

  /** Reads the next batch. @returns the number of keys in it, or -1 after the last. @throws KernelError */
  next(): number {
    if (this.#ended) return -1;
    this.#attributes.setU32(32, this.#batchEntries);
    this.#attributes.setU32(36, this.#map.fd);
    const result = tryBpf('BPF_MAP_LOOKUP_BATCH', this.#attributes);
    if (result === -ENOENT) this.#ended = true;
    else if (result < 0) throw new KernelError('bpf(BPF_MAP_LOOKUP_BATCH)', -result);
    this.#attributes.setPointer(0, this.#position);
    return this.#attributes.getU32(32);
  }
}

const ENOENT = 2;
