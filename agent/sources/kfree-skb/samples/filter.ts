/**
 * The part of the drop program that keeps packets out of the ring buffer which nobody asked for. It lets through whatever
 * it cannot judge (tunnels, extension headers, what is not IP): user space has the last word. It must not know what
 * happens to the packets.
 */

import { type Assembler, Helper, type Register, r1, r2, r3, r9, r10 } from '../../../kernel/bpf/assembler.ts';
import type { Layout } from '../layout.ts';
import type { SampleLayout } from './layout.ts';

/** Which packets may become samples: all of the lists that are given have to hold the packet. */
export interface PacketFilter {
  /** Numbers of the running kernel. */
  readonly reasons?: readonly number[];
  /** Indices of interfaces; a packet that came by none passes. */
  readonly interfaces?: readonly number[];
  /** Numbers of upper-layer protocols. */
  readonly protocols?: readonly number[];
  /** Of source or destination, 4 or 16 bytes, of which the first `bits` count. */
  readonly prefixes?: readonly { readonly address: Uint8Array; readonly bits: number }[];
  /** Of source or destination. */
  readonly ports?: readonly { readonly first: number; readonly last: number }[];
}

/** Where in the header of an IP version the upper layer's number and the addresses are. */
interface Version {
  readonly number: 4 | 6;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly addressBytes: 4 | 16;
}

const IPV4: Version = { number: 4, protocol: 9, source: 12, destination: 16, addressBytes: 4 };
const IPV6: Version = { number: 6, protocol: 6, source: 8, destination: 24, addressBytes: 16 };
const IPV6_BYTES = 40;
const TCP = 6;
const UDP = 17;
const SCTP = 132;
const ICMPV6 = 58;
/** IPIP, 6in4, GRE: what is inside may be asked for. */
const TUNNELS = [4, 41, 47];
/** VXLAN, as IANA has it and as Linux once had it, and Geneve. */
const TUNNEL_PORTS = [4789, 8472, 6081];

/** Bytes of the stack frame that the filter uses: an IP header, and behind it the ports. */
export const FILTER_FRAME_BYTES = 48;
const PORTS = 40;

/**
 * Goes on at `end` for a packet that is not asked for, else behind itself.
 * @param kind holds the reason in its lower half. @param frame where in the stack frame it may write.
 */
export function filterPackets(
  b: Assembler,
  common: Layout,
  layout: SampleLayout,
  filter: PacketFilter,
  drop: { readonly skb: Register; readonly kind: Register },
  frame: number,
): void {
  const { reasons, interfaces, protocols, prefixes, ports } = filter;
  if (reasons) {
    b.mov(r1, drop.kind);
    b.clearUpper(r1);
    for (const reason of reasons) equals(b, r1, reason, 'reason matches');
    b.jump('end');
    b.label('reason matches');
  }
  if (interfaces) {
    b.ldx(32, r1, drop.skb, layout.arrivedOn);
    b.jeq(r1, 0, 'interface matches');
    for (const index of interfaces) equals(b, r1, index, 'interface matches');
    b.jump('end');
    b.label('interface matches');
  }
  if (!protocols && !prefixes && !ports) return;

  const header = r9;
  b.ldx(16, r1, drop.skb, layout.networkHeader);
  b.jeq(r1, 0, 'passes');
  b.ldx(64, header, drop.skb, common.head);
  b.add(header, r1);
  read(b, frame, IPV6_BYTES, header);
  b.ldx(8, r1, r10, frame);
  b.rsh(r1, 4);
  b.jeq(r1, 6, 'ipv6');
  b.jne(r1, 4, 'passes');
  b.ldx(8, r1, r10, frame + IPV4.protocol);
  for (const tunnel of TUNNELS) b.jeq(r1, tunnel, 'passes');
  b.ldx(8, r1, r10, frame);
  b.and(r1, 0xf);
  b.lsh(r1, 2);
  b.add(header, r1);
  judge(b, filter, IPV4, frame, header);

  b.label('ipv6');
  b.ldx(8, r1, r10, frame + IPV6.protocol);
  for (const known of [TCP, UDP, ICMPV6, SCTP]) b.jeq(r1, known, 'no extension header');
  b.jump('passes');
  b.label('no extension header');
  b.add(header, IPV6_BYTES);
  judge(b, filter, IPV6, frame, header);
  b.label('passes');
}

/** Goes on at `passes` or at `end`. @param header the address of the upper layer's. */
function judge(b: Assembler, filter: PacketFilter, version: Version, frame: number, header: Register): void {
  const name = `ipv${version.number}`;
  read(b, frame + PORTS, 4, header);
  b.ldx(8, r1, r10, frame + version.protocol);
  b.jne(r1, UDP, `${name} is no tunnel`);
  for (const place of [0, 2]) {
    b.ldx(16, r2, r10, frame + PORTS + place);
    b.swap16(r2);
    for (const port of TUNNEL_PORTS) b.jeq(r2, port, 'passes');
  }
  b.label(`${name} is no tunnel`);

  if (filter.protocols) {
    for (const protocol of filter.protocols) b.jeq(r1, protocol, `${name} protocol`);
    b.jump('end');
    b.label(`${name} protocol`);
  }
  const prefixes = filter.prefixes?.filter(({ address }) => address.length === version.addressBytes);
  if (prefixes && !prefixes.some(({ bits }) => bits === 0)) {
    for (const [number, { address, bits }] of prefixes.entries()) {
      for (const place of [version.source, version.destination]) {
        const next = `${name} prefix ${number} not at ${place}`;
        matchPrefix(b, address, bits, frame + place, next);
        b.jump(`${name} address`);
        b.label(next);
      }
    }
    b.jump('end');
    if (prefixes.length === 0) return;
    b.label(`${name} address`);
  }
  if (!filter.ports) {
    b.jump('passes');
    return;
  }
  for (const place of [0, 2]) {
    b.ldx(16, r1, r10, frame + PORTS + place);
    b.swap16(r1);
    for (const [number, { first, last }] of filter.ports.entries()) {
      const next = `${name} port ${number} not at ${place}`;
      b.jgt(r1, last, next);
      if (first > 0) b.jle(r1, first - 1, next);
      b.jump('passes');
      b.label(next);
    }
  }
  b.jump('end');
}

/** Goes on at `otherwise` unless the address at `place` in the frame has the prefix. Words as they lie in memory. */
function matchPrefix(
  b: Assembler,
  address: Uint8Array,
  bits: number,
  place: number,
  otherwise: string,
): void {
  const words = new DataView(address.buffer, address.byteOffset, address.length);
  for (let at = 0; at * 8 < bits; at += 4) {
    const mask = maskOf(Math.min(32, bits - at * 8));
    b.ldx(32, r1, r10, place + at);
    b.mov(r2, mask);
    b.and(r1, r2);
    b.mov(r2, words.getInt32(at, true) & mask);
    b.clearUpper(r2);
    b.jne(r1, r2, otherwise);
  }
}

/** The first `bits` bits of four bytes in memory, as a little-endian word. */
function maskOf(bits: number): number {
  const mask = new DataView(new ArrayBuffer(4));
  mask.setUint32(0, bits === 32 ? 0xffff_ffff : ~(0xffff_ffff >>> bits));
  return mask.getInt32(0, true);
}

/** Copies bytes of the kernel's memory into the frame; zeros where they cannot be read. */
function read(b: Assembler, frame: number, bytes: number, from: Register): void {
  b.mov(r1, r10);
  b.add(r1, frame);
  b.mov(r2, bytes);
  b.mov(r3, from);
  b.call(Helper.probeReadKernel);
}

/** Jumps if a register whose upper half is zero equals a number of 32 bits. */
function equals(b: Assembler, register: Register, value: number, label: string): void {
  b.mov(r2, value | 0);
  b.clearUpper(r2);
  b.jeq(register, r2, label);
}
