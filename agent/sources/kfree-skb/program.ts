/**
 * The program that counts drops in the kernel, at the tracepoint `skb:kfree_skb`. It runs for every dropped
 * packet, on any CPU and in any context, so every instruction counts.
 *
 * It adds {1, wire packets, bytes} to the value of (location, reason, protocol) in a per-CPU hash, and when
 * that takes no new key, to the overflow value. Values only grow and keys stay: taking an entry out while the
 * program runs would lose what arrives between the copy and the removal. The kernel never runs it twice at
 * once on one CPU (it counts a miss instead), so that plain additions suffice.
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
import type { Layout } from './layout.ts';
import { KNOWN_PROTOCOLS, OTHER_PROTOCOL } from './protocols.ts';

/** Helpers that read kernel memory are open to GPL-compatible programs only; the instructions here are offered under both. */
export const LICENSE = 'Dual MIT/GPL';

/** Key of the table: location u64 @0, reason u32 @8, EtherType as u32 in host order @12. */
export const KEY_BYTES = 16;

/** Value of the table and of the overflow: events, wire packets and bytes, each u64. */
export const VALUE_BYTES = 24;

const VALUE = { events: 0, packets: 8, bytes: 16 } as const;

/** Places in the program's stack frame, relative to its end. */
const FRAME = { key: -16, value: -40, segments: -48, zero: -44 } as const;

/**
 * Assembles the program.
 * @param drops a per-CPU hash of {@link KEY_BYTES} to {@link VALUE_BYTES}.
 * @param overflow a per-CPU array of one value.
 */
export function countDrops(layout: Layout, drops: BpfMap, overflow: BpfMap): ArrayBuffer {
  const skb = r7;
  const bytes = r8;
  const packets = r9;
  return assemble((b) => {
    b.mov(r6, r1);
    b.ldx(64, skb, r6, 0);

    b.ldx(64, r1, r6, 8);
    b.stx(64, r10, FRAME.key, r1);
    if (layout.reasonArgument === undefined) {
      b.stx(32, r10, FRAME.key + 8, 0);
    } else {
      b.ldx(64, r1, r6, layout.reasonArgument * 8);
      b.stx(32, r10, FRAME.key + 8, r1);
    }
    b.ldx(16, r1, skb, layout.protocol);
    b.swap16(r1);
    for (const protocol of KNOWN_PROTOCOLS) b.jeq(r1, protocol, 'known');
    b.mov(r1, OTHER_PROTOCOL);
    b.label('known');
    b.stx(32, r10, FRAME.key + 12, r1);

    b.ldx(32, bytes, skb, layout.length);
    loadSegments(b, layout, skb, packets);
    b.jne(packets, 0, 'counted');
    b.mov(packets, 1);
    b.label('counted');

    b.loadMap(r1, drops);
    b.mov(r2, r10);
    b.add(r2, FRAME.key);
    b.call(Helper.mapLookupElem);
    b.jeq(r0, 0, 'new');

    b.label('add');
    addTo(b, VALUE.bytes, bytes);
    addTo(b, VALUE.packets, packets);
    // Last, and first to be read: whoever sees the event sees its packets and bytes too.
    addTo(b, VALUE.events, 1);
    b.label('end');
    b.mov(r0, 0);
    b.exit();

    // On the other CPUs a new key begins at zero, and this one cannot have counted under it meanwhile.
    b.label('new');
    b.stx(64, r10, FRAME.value + VALUE.events, 1);
    b.stx(64, r10, FRAME.value + VALUE.packets, packets);
    b.stx(64, r10, FRAME.value + VALUE.bytes, bytes);
    b.loadMap(r1, drops);
    b.mov(r2, r10);
    b.add(r2, FRAME.key);
    b.mov(r3, r10);
    b.add(r3, FRAME.value);
    b.mov(r4, 0);
    b.call(Helper.mapUpdateElem);
    b.jeq(r0, 0, 'end');

    b.stx(32, r10, FRAME.zero, 0);
    b.loadMap(r1, overflow);
    b.mov(r2, r10);
    b.add(r2, FRAME.zero);
    b.call(Helper.mapLookupElem);
    b.jne(r0, 0, 'add');
    b.jump('end');
  });
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

function addTo(b: Assembler, offset: number, value: Register | number): void {
  b.ldx(64, r1, r0, offset);
  b.add(r1, value);
  b.stx(64, r0, offset, r1);
}
