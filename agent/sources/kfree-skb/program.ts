/**
 * The program that counts drops in the kernel, at the tracepoint `skb:kfree_skb`. It runs for every dropped
 * packet, on any CPU and in any context, so every instruction counts.
 *
 * It adds {1, wire packets, bytes} to the value of a key: where the packet was dropped, why, and its protocol.
 * The value stands in one of three places.
 * 1. In a few slots that each CPU has in front of the table. A key that finds its slot free keeps it for good. The
 *    slots are found without calling into the kernel, which halves what a drop costs.
 * 2. In a per-CPU hash table, when the slot belongs to another key.
 * 3. In the overflow, one value for all keys that the table has no place for.
 *
 * Values only grow and keys stay where they are: to take an entry out while the program runs would lose what
 * arrives between the copy and the removal. The kernel never runs the program twice at once on one CPU (it counts
 * a miss instead), so that plain additions suffice.
 */

import {
  type Assembler,
  assemble,
  Helper,
  type Register,
  r0,
  r1,
  r2,
  r3,
  r4,
  r6,
  r7,
  r8,
  r9,
  r10,
} from '../../kernel/bpf/assembler.ts';
import type { BpfMap } from '../../kernel/bpf/map.ts';
import { KNOWN_PROTOCOLS, OTHER_PROTOCOL } from '../../names/protocols.ts';
import type { Layout } from './layout.ts';
import { type OnlyNamespace, passOverOthers } from './namespace.ts';
import { FILTER_FRAME_BYTES, filterPackets } from './samples/filter.ts';
import { BUDGET_BYTES, type Sampling, spendBudget, writeSample } from './samples/program.ts';

/**
 * A key: location u64 @0, reason u32 @8, EtherType in host order u16 @12, and {@link KEY_MARK} u16 @14, so that
 * neither half of a key is ever zero.
 */
export const KEY_BYTES = 16;
const KEY_MARK = 1;

/** A value: events, wire packets and bytes, each u64, and what it may still give in samples. */
export const VALUE_BYTES = 24 + BUDGET_BYTES;
const VALUE = { events: 0, packets: 8, bytes: 16, budget: 24 } as const;

/** A slot: a value, and the key that it belongs to; zeros while it is free. */
export const SLOT_BYTES = VALUE_BYTES + KEY_BYTES;
const SLOT = { location: VALUE_BYTES, kind: VALUE_BYTES + 8 } as const;

/** The maps that the program counts in. */
export interface DropMaps {
  /** A per-CPU array of one value of `slots` slots; absent for a program without. */
  readonly front: { readonly map: BpfMap; readonly slots: number } | undefined;
  /** A per-CPU hash of keys to values. */
  readonly table: BpfMap;
  /** A per-CPU array of one value. */
  readonly overflow: BpfMap;
}

/** Places in the program's stack frame, relative to its end. */
const FRAME = {
  key: -16,
  value: -48,
  zero: -52,
  segments: -56,
  skb: -64,
  counted: -72,
  filter: -72 - FILTER_FRAME_BYTES,
} as const;

/** Spreads locations, which differ in their low 32 bits, over bits 26 to 31 and below. */
const SPREAD = 0x61c8_8647;
const SPREAD_SHIFT = 26;

/** Most slots that {@link SPREAD} reaches. */
export const MAX_SLOTS = 64;

/** Assembles the program, with samples or without, for all network namespaces or for one. */
export function countDrops(
  layout: Layout,
  maps: DropMaps,
  sampling?: Sampling,
  only?: OnlyNamespace,
): ArrayBuffer {
  const location = r6;
  const kind = r7;
  const bytes = r8;
  const packets = r9;
  return assemble((b) => {
    const skb = r3;
    b.ldx(64, skb, r1, 0);
    if (only !== undefined) passOverOthers(b, only, r1, skb);
    if (sampling !== undefined) b.stx(64, r10, FRAME.skb, skb);
    b.ldx(64, location, r1, 8);
    if (layout.reasonArgument === undefined) b.mov(kind, 0);
    else b.ldx(64, kind, r1, layout.reasonArgument * 8);
    b.clearUpper(kind);

    const protocol = r2;
    b.ldx(16, protocol, skb, layout.protocol);
    b.swap16(protocol);
    for (const known of KNOWN_PROTOCOLS) b.jeq(protocol, known, 'known');
    b.mov(protocol, OTHER_PROTOCOL);
    b.label('known');
    b.or(protocol, KEY_MARK << 16);
    b.lsh(protocol, 32);
    b.or(kind, protocol);
    b.stx(64, r10, FRAME.key, location);
    b.stx(64, r10, FRAME.key + 8, kind);

    b.ldx(32, bytes, skb, layout.length);
    loadSegments(b, layout, skb, packets);
    b.jne(packets, 0, 'counted');
    b.mov(packets, 1);
    b.label('counted');

    b.stx(32, r10, FRAME.zero, 0);
    if (maps.front !== undefined) findSlot(b, maps.front, location, kind);

    b.label('table');
    lookUp(b, maps.table, FRAME.key);
    b.jeq(r0, 0, 'new');

    b.label('add');
    addTo(b, VALUE.bytes, bytes);
    addTo(b, VALUE.packets, packets);
    // Last, and first to be read: whoever sees the event sees its packets and bytes too.
    addTo(b, VALUE.events, 1);
    if (sampling !== undefined) {
      const drop = { skb: bytes, location, kind };
      b.ldx(64, drop.skb, r10, FRAME.skb);
      if (sampling.filter !== undefined) {
        b.stx(64, r10, FRAME.counted, r0);
        filterPackets(b, layout, sampling.layout, sampling.filter, drop, FRAME.filter);
        b.ldx(64, r0, r10, FRAME.counted);
      }
      spendBudget(b, sampling, VALUE.budget);
      writeSample(b, layout, sampling, drop, FRAME.zero);
    }
    b.label('end');
    b.mov(r0, 0);
    b.exit();

    // On the other CPUs a new key begins at zero, and this one cannot have counted under it meanwhile.
    b.label('new');
    for (let at = 0; at < VALUE_BYTES; at += 8) b.stx(64, r10, FRAME.value + at, 0);
    b.loadMap(r1, maps.table);
    b.mov(r2, r10);
    b.add(r2, FRAME.key);
    b.mov(r3, r10);
    b.add(r3, FRAME.value);
    b.mov(r4, 0);
    b.call(Helper.mapUpdateElem);
    b.jne(r0, 0, 'full');
    lookUp(b, maps.table, FRAME.key);
    b.jne(r0, 0, 'add');

    b.label('full');
    lookUp(b, maps.overflow, FRAME.zero);
    b.jne(r0, 0, 'add');
    b.jump('end');
  });
}

/** Goes to `add` with r0 at the key's slot, if it has one or finds it free; else on. */
function findSlot(
  b: Assembler,
  { map, slots }: { map: BpfMap; slots: number },
  location: Register,
  kind: Register,
): void {
  lookUp(b, map, FRAME.zero);
  b.jeq(r0, 0, 'table');
  b.mov(r1, location);
  b.add(r1, kind);
  b.mul(r1, SPREAD);
  b.rsh(r1, SPREAD_SHIFT);
  b.and(r1, slots - 1);
  b.mul(r1, SLOT_BYTES);
  b.add(r0, r1);
  b.ldx(64, r1, r0, SLOT.location);
  b.jeq(r1, location, 'taken');
  b.jne(r1, 0, 'table');
  b.stx(64, r0, SLOT.location, location);
  b.stx(64, r0, SLOT.kind, kind);
  b.jump('add');
  b.label('taken');
  b.ldx(64, r1, r0, SLOT.kind);
  b.jeq(r1, kind, 'add');
}

/** `packets` = the packets on the wire that a segmentation offload made one buffer of; 0 if none did. */
function loadSegments(b: Assembler, layout: Layout, skb: Register, packets: Register): void {
  const sharedInfo = r1;
  b.ldx(64, sharedInfo, skb, layout.head);
  b.ldx(32, r2, skb, layout.end);
  b.add(sharedInfo, r2);
  if (layout.readOnlyCast !== undefined) {
    b.mov(r2, layout.readOnlyCast.sharedInfo);
    b.callKernel(layout.readOnlyCast.function);
    b.ldx(16, packets, r0, layout.segments);
    return;
  }
  b.mov(r3, sharedInfo);
  b.add(r3, layout.segments);
  b.mov(r1, r10);
  b.add(r1, FRAME.segments);
  b.mov(r2, 2);
  b.stx(32, r10, FRAME.segments, 0);
  b.call(Helper.probeReadKernel);
  b.ldx(16, packets, r10, FRAME.segments);
}

/** r0 = the address of the value under the key in the frame, or 0. */
function lookUp(b: Assembler, map: BpfMap, key: number): void {
  b.loadMap(r1, map);
  b.mov(r2, r10);
  b.add(r2, key);
  b.call(Helper.mapLookupElem);
}

function addTo(b: Assembler, offset: number, value: Register | number): void {
  b.ldx(64, r1, r0, offset);
  b.add(r1, value);
  b.stx(64, r0, offset, r1);
}
