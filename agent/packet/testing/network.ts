/** Builders of Ethernet, VLAN tags, ARP, IPv4 and IPv6 with its extension headers. */
import type { FlowDescription } from '../describe.ts';
import { PROTOCOL_NAMES } from '../names.ts';
import { type Address, type Built, payload, u16, u32, wrap } from './built.ts';

export interface EthernetFields {
  readonly source: Address;
  readonly destination: Address;
  /** The tags' identifiers, the outermost first, each with the EtherType that announces it. */
  readonly vlans?: readonly { readonly id: number; readonly etherType: number }[];
}

export function ethernet({ source, destination, vlans = [] }: EthernetFields, inner: Built): Built {
  const { etherType } = inner;
  const tagged = vlans.reduceRight<Built>(
    (packet, { id, etherType }) =>
      wrap(
        'VLAN',
        Uint8Array.from([...u16(0xe000 | id), ...u16(packet.etherType)]),
        packet,
        {},
        { etherType },
      ),
    inner,
  );
  const header = [...destination.bytes, ...source.bytes, ...u16(tagged.etherType)];
  const flow = {
    source_mac: source.text,
    destination_mac: destination.text,
    ...(vlans.length > 0 && { vlans: vlans.map(({ id }) => id) }),
    network: `0x${etherType.toString(16).padStart(4, '0')}`,
  };
  return wrap('Ethernet', Uint8Array.from(header), tagged, flow, { etherType: 0x6558 });
}

export interface ArpFields {
  readonly operation: number;
  readonly senderMac: Address;
  readonly sender: Address;
  readonly targetMac: Address;
  readonly target: Address;
}

export function arp({ operation, senderMac, sender, targetMac, target }: ArpFields): Built {
  const header = [
    ...[...u16(1), ...u16(0x0800), 6, 4, ...u16(operation)],
    ...[...senderMac.bytes, ...sender.bytes, ...targetMac.bytes, ...target.bytes],
  ];
  const flow = {
    network: 'ARP',
    arp_operation: operation,
    source: sender.text,
    destination: target.text,
  };
  return wrap('ARP', Uint8Array.from(header), payload(new Uint8Array(0)), flow, { etherType: 0x0806 });
}

export interface Ipv4Fields {
  readonly source: Address;
  readonly destination: Address;
  /** At most 40 bytes, whole words. */
  readonly options?: Uint8Array;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
}

export function ipv4(fields: Ipv4Fields, inner: Built): Built {
  const {
    source,
    destination,
    options = new Uint8Array(0),
    fragmentOffset = 0,
    moreFragments = false,
  } = fields;
  const headerBytes = 20 + options.length;
  const header = [
    ...[0x40 | (headerBytes / 4), 0, ...u16(headerBytes + inner.bytes.length)],
    ...[0x12, 0x34, ...u16((moreFragments ? 0x2000 : 0) | (fragmentOffset / 8)), 64, inner.protocol, 0, 0],
    ...[...source.bytes, ...destination.bytes, ...options],
  ];
  const flow = {
    network: 'IPv4',
    source: source.text,
    destination: destination.text,
    ...fragmentOf(fragmentOffset, moreFragments),
  };
  return ip('IPv4', Uint8Array.from(header), inner, flow, { etherType: 0x0800, protocol: 4 });
}

export interface Ipv6Fields {
  readonly source: Address;
  readonly destination: Address;
}

export function ipv6({ source, destination }: Ipv6Fields, inner: Built): Built {
  const header = [
    0x60,
    0,
    0,
    0,
    ...u16(inner.bytes.length),
    inner.protocol,
    64,
    ...source.bytes,
    ...destination.bytes,
  ];
  const flow = { network: 'IPv6', source: source.text, destination: destination.text };
  return ip('IPv6', Uint8Array.from(header), inner, flow, { etherType: 0x86dd, protocol: 41 });
}

/** An IP header carries another one in a flow of its own, and names any other upper layer itself. */
function ip(
  layer: string,
  header: Uint8Array,
  inner: Built,
  flow: FlowDescription,
  as: { etherType?: number; protocol: number },
): Built {
  const carries = inner.etherType === 0x0800 || inner.etherType === 0x86dd;
  return wrap(layer, header, inner, { ...flow, protocol: nameOf(inner.protocol) }, { ...as, carries });
}

function nameOf(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? String(protocol);
}

function fragmentOf(offset: number, more: boolean): FlowDescription {
  return offset > 0 || more ? { fragment_offset: offset, more_fragments: more } : {};
}

/** Hop-by-hop options, a routing header of an unknown type, or destination options: zeros, which are padding. */
export function options(
  layer: 'hop-by-hop' | 'routing' | 'destination-options',
  words: number,
  inner: Built,
): Built {
  const protocol = { 'hop-by-hop': 0, routing: 43, 'destination-options': 60 }[layer];
  const header = new Uint8Array(8 * (words + 1));
  header.set([inner.protocol, words]);
  if (layer === 'routing') header[2] = 253;
  return ip(layer, header, inner, {}, { protocol });
}

export function fragment(offset: number, more: boolean, inner: Built): Built {
  const header = [inner.protocol, 0, ...u16(offset | (more ? 1 : 0)), ...u32(0x1234_5678)];
  return ip('fragment', Uint8Array.from(header), inner, fragmentOf(offset, more), { protocol: 44 });
}

/** @param icv the integrity check value: whole words, at least one */
export function ah(icv: Uint8Array, inner: Built): Built {
  const header = [inner.protocol, icv.length / 4 + 1, 0, 0, ...u32(0xaabb), ...u32(1), ...icv];
  return ip('AH', Uint8Array.from(header), inner, {}, { protocol: 51 });
}
