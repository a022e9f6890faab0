/**
 * What counting consists of in the kernel: its maps, sized to the machine, and its program. Nothing here attaches.
 */

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { BpfMap, MapType } from '../../kernel/bpf/map.ts';
import { BpfProgram, ProgramType, TRACE_RAW_TRACEPOINT } from '../../kernel/bpf/program.ts';
import { Btf } from '../../kernel/btf.ts';
import { liftMemoryLockLimit } from '../../kernel/libc.ts';
import type { Layout } from './layout.ts';
import type { OnlyNamespace } from './namespace.ts';
import { countDrops, type DropMaps, KEY_BYTES, MAX_SLOTS, SLOT_BYTES, VALUE_BYTES } from './program.ts';
import type { Sampling } from './samples/program.ts';
import type { SampleOptions } from './samples/sampler.ts';

export interface KfreeSkbOptions {
  /** Keys that the kernel's table holds; drops of further ones go to the overflow. Default 10 240. */
  readonly maxEntries?: number;
  /** Bytes of kernel memory that the table may take at most: fewer entries on machines with many CPUs. Default 32 MiB. */
  readonly maxTableBytes?: number;
  /** Lets some packets through as samples. */
  readonly samples?: SampleOptions;
  /** Counts what is of the reader's own network namespace alone. Default: false, and all are counted. */
  readonly ownNamespace?: boolean;
  /** Stands in for `/` where files of /sys and /proc are read. */
  readonly root?: string;
}

const DEFAULT_ENTRIES = 10_240;
const DEFAULT_TABLE_BYTES = 32 * 1024 * 1024;

/** The slots in front of the table are few beside its entries. */
const ENTRIES_PER_SLOT = 16;

/** What an entry of the kernel's table takes beside its values: key, links, per-CPU pointer and bucket. */
const ENTRY_OVERHEAD_BYTES = 96;

/** How many keys the table gets, within the limit of memory. */
export function tableEntries(options: KfreeSkbOptions, cpus: number): number {
  const perEntry = ENTRY_OVERHEAD_BYTES + cpus * VALUE_BYTES;
  const affordable = Math.floor((options.maxTableBytes ?? DEFAULT_TABLE_BYTES) / perEntry);
  return Math.max(1, Math.min(options.maxEntries ?? DEFAULT_ENTRIES, affordable));
}

/** The running kernel's BTF. */
export function readBtf(root: string): Btf {
  return new Btf(readFileSync(`${root}/sys/kernel/btf/vmlinux`));
}

/** The BTF of the module that a subsystem's name begins with: `MAC80211_UNUSABLE` is defined in `mac80211`. */
export function readModuleBtf(root: string, subsystem: string): Btf | undefined {
  for (
    let name = subsystem.toLowerCase();
    name !== '';
    name = name.slice(0, Math.max(0, name.lastIndexOf('_')))
  ) {
    const path = `${root}/sys/kernel/btf/${name}`;
    if (/^[a-z0-9_]+$/.test(name) && existsSync(path)) return new Btf(readFileSync(path), readBtf(root));
  }
  return undefined;
}

/** Loads the program without attaching it. */
export function loadProgram(
  layout: Layout,
  maps: DropMaps,
  sampling?: Sampling,
  only?: OnlyNamespace,
): BpfProgram {
  return BpfProgram.load({
    type: ProgramType.tracing,
    expectedAttachType: TRACE_RAW_TRACEPOINT,
    attachBtfId: layout.tracepoint,
    code: countDrops(layout, maps, sampling, only),
    name: 'netfall_drops',
  });
}

/** The maps that the program counts in; `resources` closes them. A table that is small has no slots in front. */
export function createMaps(maxEntries: number, resources: DisposableStack): DropMaps {
  allowLockedMemory();
  const create = (type: (typeof MapType)[keyof typeof MapType], valueBytes: number, name: string) =>
    resources.use(BpfMap.create({ type, keyBytes: 4, valueBytes, maxEntries: 1, name }));
  const slots = Math.min(MAX_SLOTS, 2 ** Math.floor(Math.log2(maxEntries / ENTRIES_PER_SLOT)));
  const front =
    slots < 1 ? undefined : { slots, map: create(MapType.perCpuArray, slots * SLOT_BYTES, 'netfall_front') };
  const overflow = create(MapType.perCpuArray, VALUE_BYTES, 'netfall_over');
  const table = resources.use(
    BpfMap.create({
      type: MapType.perCpuHash,
      keyBytes: KEY_BYTES,
      valueBytes: VALUE_BYTES,
      maxEntries,
      name: 'netfall_drops',
    }),
  );
  return { front, table, overflow };
}

/** Before Linux 5.11 maps count as locked memory, of which an ordinary process may have 64 KiB. */
function allowLockedMemory(): void {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 11)) return;
  try {
    liftMemoryLockLimit();
  } catch {
    // Without CAP_SYS_RESOURCE the limit stays, and creating a map says whether it sufficed.
  }
}
