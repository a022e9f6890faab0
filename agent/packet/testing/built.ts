/**
 * Builds packets header by header, the innermost first, together with what a dissection of them has to say. Knows the
 * formats, and nothing of how they are dissected.
 */
import type { FlowDescription } from '../describe.ts';

/** A header and all that it encloses. */
export interface Built {
  readonly bytes: Uint8Array;
  /** The headers' names, and where each one ends in the bytes. */
  readonly layers: readonly string[];
  readonly ends: readonly number[];
  /** The first is that which the outermost header belongs to. */
  readonly flows: readonly FlowDescription[];
  /** What the header outside of it has to call it. */
  readonly etherType: number;
  readonly protocol: number;
}

const NO_ETHER_TYPE = 0x88b5;
const NO_PROTOCOL = 253;

export function payload(
  bytes: Uint8Array,
  { protocol = NO_PROTOCOL, etherType = NO_ETHER_TYPE } = {},
): Built {
  return { bytes, layers: [], ends: [], flows: [{}], etherType, protocol };
}

export interface Address {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Puts a header before a packet: of the same flow, or of one that carries it. */
export function wrap(
  layer: string,
  header: Uint8Array,
  inner: Built,
  flow: FlowDescription,
  { protocol = NO_PROTOCOL, etherType = NO_ETHER_TYPE, carries = false },
): Built {
  const [first, ...rest] = inner.flows;
  return {
    bytes: Buffer.concat([header, inner.bytes]),
    layers: [layer, ...inner.layers],
    ends: [header.length, ...inner.ends.map((end) => end + header.length)],
    flows: carries ? [flow, ...inner.flows] : [{ ...flow, ...first }, ...rest],
    protocol,
    etherType,
  };
}

export function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

export function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}
