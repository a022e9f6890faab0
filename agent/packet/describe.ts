/** A dissected packet as an object for JSON and as a line for people. Must not know how headers are read. */
import { formatIpv4, formatIpv6 } from '../inventory/addresses.ts';
import { Layer, layerName } from './layers.ts';
import { etherTypeName, icmpTypeName, PROTOCOL_NAMES, tcpFlagNames } from './names.ts';
import type { Flow, Packet } from './packet.ts';
import { tunnelId } from './tunnel.ts';

/** What is not known, or does not apply, is left out. */
export interface FlowDescription {
  source_mac?: string;
  destination_mac?: string;
  /** The outermost first. */
  vlans?: number[];
  /** The network protocol: a name, or a number like `0x88cc`. */
  network?: string;
  source?: string;
  destination?: string;
  /** The upper-layer protocol: a name, or a decimal number. */
  protocol?: string;
  source_port?: number;
  destination_port?: number;
  /** The lowest bit first. */
  tcp_flags?: string[];
  icmp_type?: number;
  icmp_code?: number;
  /** 1 request, 2 reply. */
  arp_operation?: number;
  /** Bytes. Both are there for fragments only. */
  fragment_offset?: number;
  more_fragments?: boolean;
  /** The tunnel in which the next flow is, and its VNI, key or session. */
  tunnel?: string;
  tunnel_id?: number;
}

export interface PacketDescription {
  /** The headers that are whole, the outermost first. */
  layers: string[];
  /** The outermost first: one, and one more for each tunnel. */
  flows: FlowDescription[];
  /** The header that was cut off. */
  truncated?: string;
  malformed?: string;
  /** There are more headers than are looked at. */
  too_deep?: true;
}

export function describePacket(packet: Packet): PacketDescription {
  const { layers, layerCount, flows, flowCount, truncated, malformed } = packet;
  return {
    layers: Array.from(layers.subarray(0, layerCount), (layer) => layerName(layer as Layer)),
    flows: flows.slice(0, flowCount).map((flow) => describeFlow(packet.bytes, flow)),
    ...(truncated !== Layer.none && { truncated: layerName(truncated) }),
    ...(malformed !== Layer.none && { malformed: layerName(malformed) }),
    ...(packet.tooDeep && { too_deep: true }),
  };
}

function describeFlow(bytes: Uint8Array, flow: Flow): FlowDescription {
  const { protocol, fragmentOffset, moreFragments } = flow;
  const id = tunnelId(bytes, flow);
  return {
    ...(flow.ethernet >= 0 && {
      source_mac: macAt(bytes, flow.ethernet + 6),
      destination_mac: macAt(bytes, flow.ethernet),
    }),
    ...(flow.vlanCount > 0 && { vlans: vlans(bytes, flow) }),
    ...(flow.etherType >= 0 && { network: etherTypeName(flow.etherType) }),
    ...(flow.source >= 0 && {
      source: addressAt(bytes, flow.source, flow.addressBytes),
      destination: addressAt(bytes, flow.destination, flow.addressBytes),
    }),
    ...(protocol >= 0 && { protocol: PROTOCOL_NAMES.get(protocol) ?? String(protocol) }),
    ...(flow.sourcePort >= 0 && { source_port: flow.sourcePort, destination_port: flow.destinationPort }),
    ...(flow.tcpFlags >= 0 && { tcp_flags: tcpFlagNames(flow.tcpFlags) }),
    ...(flow.icmpType >= 0 && { icmp_type: flow.icmpType, icmp_code: flow.icmpCode }),
    ...(flow.arpOperation >= 0 && { arp_operation: flow.arpOperation }),
    ...(isFragment(flow) && { fragment_offset: fragmentOffset, more_fragments: moreFragments }),
    ...(flow.tunnel !== Layer.none && { tunnel: layerName(flow.tunnel) }),
    ...(id >= 0 && { tunnel_id: id }),
  };
}

/**
 * A line without its end: `10.0.0.1:53 → 10.0.0.2:4242 UDP`. Of tunnels the innermost flow comes first, each following one
 * carries it.
 */
export function formatPacket(packet: Packet): string {
  const flows: string[] = [];
  for (let i = packet.flowCount - 1; i >= 0; i--) {
    const text = formatFlow(packet.bytes, packet.flows[i] as Flow);
    if (text !== '') flows.push(text);
  }
  const notes: string[] = [];
  if (packet.truncated !== Layer.none) notes.push(`${layerName(packet.truncated)} truncated`);
  if (packet.malformed !== Layer.none) notes.push(`${layerName(packet.malformed)} malformed`);
  if (packet.tooDeep) notes.push('nested too deep');
  const text = flows.length > 0 ? flows.join(' in ') : 'no header';
  return notes.length > 0 ? `${text} (${notes.join(', ')})` : text;
}

function formatFlow(bytes: Uint8Array, flow: Flow): string {
  const words: string[] = [];
  if (flow.source >= 0) {
    const source = addressAt(bytes, flow.source, flow.addressBytes);
    const destination = addressAt(bytes, flow.destination, flow.addressBytes);
    words.push(endpoint(source, flow.sourcePort), '→', endpoint(destination, flow.destinationPort));
  } else if (flow.ethernet >= 0) {
    words.push(macAt(bytes, flow.ethernet + 6), '→', macAt(bytes, flow.ethernet));
  }
  words.push(...protocolWords(bytes, flow));
  if (flow.vlanCount > 0) words.push('vlan', vlans(bytes, flow).join('.'));
  return words.join(' ');
}

function protocolWords(bytes: Uint8Array, flow: Flow): string[] {
  const { protocol, etherType } = flow;
  if (flow.tunnel !== Layer.none) {
    const id = tunnelId(bytes, flow);
    return id < 0 ? [layerName(flow.tunnel)] : [layerName(flow.tunnel), String(id)];
  }
  if (flow.arpOperation >= 0) return ['ARP', arpOperationName(flow.arpOperation)];
  if (protocol < 0) return etherType < 0 ? [] : [etherTypeName(etherType)];
  const words = [PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`];
  if (flow.tcpFlags >= 0) words.push(...tcpFlagNames(flow.tcpFlags));
  if (flow.icmpType >= 0) {
    words.push(icmpTypeName(protocol, flow.icmpType));
    if (flow.icmpCode > 0) words.push(`code ${flow.icmpCode}`);
  }
  if (isFragment(flow)) words.push(`fragment at ${flow.fragmentOffset}`);
  return words;
}

function arpOperationName(operation: number): string {
  if (operation === 1) return 'request';
  return operation === 2 ? 'reply' : `operation ${operation}`;
}

function isFragment(flow: Flow): boolean {
  return flow.fragmentOffset > 0 || flow.moreFragments;
}

function endpoint(address: string, port: number): string {
  if (port < 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function addressAt(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 16) return formatIpv6(bytes.subarray(offset, offset + 16));
  return formatIpv4(new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(0));
}

function macAt(bytes: Uint8Array, offset: number): string {
  return Array.from(bytes.subarray(offset, offset + 6), (byte) => byte.toString(16).padStart(2, '0')).join(
    ':',
  );
}

function vlans(bytes: Uint8Array, flow: Flow): number[] {
  const tag = new DataView(bytes.buffer, bytes.byteOffset + flow.vlans);
  return Array.from({ length: flow.vlanCount }, (_, i) => tag.getUint16(i * 4) & 0xfff);
}
