/**
 * The part of the drop program that lets some packets through to user space: at most so many of a kind, a CPU and a
 * turn, each with its first bytes, in a ring buffer. It must not know how drops are counted.
 *
 * A kind's value holds the turn in which it was last sampled and how many samples it may still give in that turn.
 * User space begins a turn by changing a number, which costs the program one load and one comparison a drop.
 */

import {
  type Assembler,
  Helper,
  type Register,
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r9,
  r10,
} from '../../../kernel/bpf/assembler.ts';
import type { BpfMap } from '../../../kernel/bpf/map.ts';
import { NO_WAKEUP, type RingBuffer } from '../../../kernel/bpf/ring-buffer.ts';
import type { Layout } from '../layout.ts';
import type { PacketFilter } from './filter.ts';
import type { SampleLayout } from './layout.ts';

/**
 * A sample as the program writes it. `start`, `mac` and `network` count from the buffer's head: the bytes that follow
 * the record begin at `start`, the MAC header (0xffff: none) and the network header (0: none) where they say; `data` is
 * what the layer that dropped it looked at.
 */
export const RECORD = {
  /** CLOCK_MONOTONIC, ns, u64. */
  time: 0,
  /** The key of its kind. */
  location: 8,
  kind: 16,
  /** Bytes from `data` on, u32. */
  length: 24,
  /** The interface that it arrived on, u32; 0 for one that this host made. */
  arrivedOn: 28,
  /** The inode of its network namespace, and the interface of its device, u32; anything when the device is stale. */
  namespace: 32,
  deviceIndex: 36,
  start: 40,
  data: 44,
  /** u16 each. */
  mac: 48,
  network: 50,
  /** Bytes that follow, u32. */
  copied: 52,
  bytes: 56,
} as const;

/** `{turn u32, budget u32}`, in an array of one value. */
export const CONTROL_BYTES = 8;
/** `{room lacked u64}` a CPU. */
export const LACKED_BYTES = 8;
/** `{turn u32, left u32}`, in the value of a kind. */
export const BUDGET_BYTES = 8;

export interface Sampling {
  readonly layout: SampleLayout;
  readonly control: BpfMap;
  readonly ring: RingBuffer;
  /** A per-CPU array of one value: samples that the ring had no room for. */
  readonly lacked: BpfMap;
  /** Bytes of a packet that a sample holds at most, a multiple of 8. */
  readonly snapLength: number;
  /** Which packets may become samples; all when absent. */
  readonly filter: PacketFilter | undefined;
}

/** Registers that hold, and keep, what the sample needs; the packet's buffer is a typed pointer. */
export interface Drop {
  readonly skb: Register;
  readonly location: Register;
  readonly kind: Register;
}

/** Goes on at `end` unless the kind whose value r0 points to may give a sample; takes that from its budget. */
export function spendBudget(b: Assembler, { control }: Sampling, budget: number): void {
  b.loadMapValue(r1, control);
  b.ldx(32, r2, r1, 0);
  b.ldx(32, r3, r0, budget);
  b.jeq(r2, r3, 'in this turn');
  b.ldx(32, r3, r1, 4);
  b.stx(32, r0, budget, r2);
  b.stx(32, r0, budget + 4, r3);
  b.label('in this turn');
  b.ldx(32, r3, r0, budget + 4);
  b.jeq(r3, 0, 'end');
  b.sub(r3, 1);
  b.stx(32, r0, budget + 4, r3);
}

/** Writes a sample, and goes on at `end`. `frame` is a place of 4 zero bytes in the stack frame. */
export function writeSample(
  b: Assembler,
  common: Layout,
  sampling: Sampling,
  drop: Drop,
  zero: number,
): void {
  const { layout, ring, snapLength } = sampling;
  const { skb } = drop;
  const record = r9;
  b.loadMap(r1, ring.map);
  b.mov(r2, RECORD.bytes + snapLength);
  b.mov(r3, 0);
  b.call(Helper.ringbufReserve);
  b.jeq(r0, 0, 'no room');
  b.mov(record, r0);
  b.call(Helper.ktimeGetNs);
  b.stx(64, record, RECORD.time, r0);
  b.stx(64, record, RECORD.location, drop.location);
  b.stx(64, record, RECORD.kind, drop.kind);
  copyField(b, 32, skb, common.length, record, RECORD.length);
  copyField(b, 32, skb, layout.arrivedOn, record, RECORD.arrivedOn);
  writeOrigin(b, layout, skb, record);
  writeBytes(b, common, layout, skb, record, snapLength);
  b.mov(r1, record);
  b.mov(r2, NO_WAKEUP);
  b.call(Helper.ringbufSubmit);
  b.jump('end');

  b.label('no room');
  b.loadMap(r1, sampling.lacked);
  b.mov(r2, r10);
  b.add(r2, zero);
  b.call(Helper.mapLookupElem);
  b.jeq(r0, 0, 'end');
  b.ldx(64, r1, r0, 0);
  b.add(r1, 1);
  b.stx(64, r0, 0, r1);
  b.jump('end');
}

/** The packet's namespace, by its socket or else by its device, and the device's index. */
function writeOrigin(b: Assembler, layout: SampleLayout, skb: Register, record: Register): void {
  const [namespace, index] = [r4, r5];
  b.mov(namespace, 0);
  b.mov(index, 0);
  // The device shares its place with other members: where it is stale, the kernel reads zeros, or anything.
  b.ldx(64, r1, skb, layout.device);
  b.jeq(r1, 0, 'no device');
  b.ldx(32, index, r1, layout.deviceIndex);
  b.ldx(64, r2, r1, layout.deviceNamespace);
  b.jeq(r2, 0, 'no device');
  b.ldx(32, namespace, r2, layout.namespaceInode);
  b.label('no device');
  b.ldx(64, r1, skb, layout.socket);
  b.jeq(r1, 0, 'no socket');
  b.ldx(64, r2, r1, layout.socketNamespace);
  b.jeq(r2, 0, 'no socket');
  b.ldx(32, namespace, r2, layout.namespaceInode);
  b.label('no socket');
  b.stx(32, record, RECORD.namespace, namespace);
  b.stx(32, record, RECORD.deviceIndex, index);
}

/** The packet's bytes from its outermost header on, as far as they stand in one piece. */
function writeBytes(
  b: Assembler,
  common: Layout,
  layout: SampleLayout,
  skb: Register,
  record: Register,
  snapLength: number,
): void {
  const [head, start] = [r3, r4];
  b.ldx(64, head, skb, common.head);
  b.ldx(64, r1, skb, layout.data);
  b.sub(r1, head);
  b.stx(32, record, RECORD.data, r1);
  b.ldx(16, start, skb, layout.macHeader);
  b.ldx(16, r2, skb, layout.networkHeader);
  b.stx(16, record, RECORD.mac, start);
  b.stx(16, record, RECORD.network, r2);
  b.jne(start, 0xffff, 'start known');
  b.mov(start, r2);
  b.jne(start, 0, 'start known');
  b.mov(start, r1);
  b.label('start known');
  b.stx(32, record, RECORD.start, start);

  const length = r2;
  b.ldx(32, r1, skb, layout.tail);
  b.mov(length, 0);
  b.jgt(start, r1, 'length known');
  b.mov(length, r1);
  b.sub(length, start);
  b.jle(length, snapLength, 'length known');
  b.mov(length, snapLength);
  b.label('length known');
  b.stx(32, record, RECORD.copied, length);
  b.add(head, start);
  b.mov(r1, record);
  b.add(r1, RECORD.bytes);
  b.call(Helper.probeReadKernel);
}

function copyField(b: Assembler, width: 32, from: Register, at: number, to: Register, place: number): void {
  b.ldx(width, r1, from, at);
  b.stx(width, to, place, r1);
}
