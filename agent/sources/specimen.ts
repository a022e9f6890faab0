/**
 * Makes what a message carries of one dropped packet out of the bytes that a source caught: flows, and names of interface
 * and namespace. It must not know how packets are caught.
 */
import { DropOrigin, type DropSample, type Flow, LIMITS } from '@netfall/proto';
import type { Links } from '../kernel/netlink/links.ts';
import { interfaceName } from '../names/interfaces.ts';
import { describePacket, type FlowDescription } from '../packet/describe.ts';
import { Dissector } from '../packet/dissect.ts';
import { icmpTypeName } from '../packet/names.ts';

/** A packet as it was caught; `bytes` need not outlive the call. */
export interface Caught {
  readonly observedUs: number;
  readonly reason: string;
  readonly function: string;
  readonly origin?: DropOrigin;
  readonly trap?: string;
  /** Its first bytes: `bytes[start, start + copied)`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly copied: number;
  /** The EtherType of what they begin with, 0 for an Ethernet header. */
  readonly etherType: number;
  readonly length: number;
  /** Index of the interface in its namespace; 0 when it is not known. */
  readonly interfaceIndex: number;
  /** What the namespace belongs to; empty for the host's own, and when it is not known. */
  readonly namespace: string;
}

const dissector = new Dissector();

/** @param links names the host's own interfaces; without it, and in other namespaces, they go by their index. */
export function specimenOf(caught: Caught, links: Links | undefined): DropSample {
  const { bytes, start, copied, etherType, namespace } = caught;
  const packet =
    etherType === 0
      ? dissector.frame(bytes, start, copied)
      : dissector.network(etherType, bytes, start, copied);
  return {
    observed_us: Math.min(Math.max(0, caught.observedUs), LIMITS.timeUs),
    reason: caught.reason.slice(0, LIMITS.string),
    function: caught.function.slice(0, LIMITS.string),
    origin: caught.origin ?? DropOrigin.DROP_ORIGIN_SOFTWARE,
    trap: (caught.trap ?? '').slice(0, LIMITS.string),
    interface: interfaceName(caught.interfaceIndex, namespace, links),
    // A file's name, as of a namespace, may be longer.
    namespace: namespace.slice(0, LIMITS.string).toWellFormed(),
    length: caught.length,
    flows: describePacket(packet).flows.map(flowOf),
    header: bytes.slice(start, start + Math.min(copied, LIMITS.header)),
    ether_type: etherType,
  };
}

function flowOf(flow: FlowDescription): Flow {
  const icmp =
    flow.icmp_type === undefined ? '' : icmpTypeName(flow.protocol === 'ICMP' ? 1 : 58, flow.icmp_type);
  return {
    source: flow.source ?? flow.source_mac ?? '',
    destination: flow.destination ?? flow.destination_mac ?? '',
    protocol: flow.tunnel ?? flow.protocol ?? flow.network ?? '',
    source_port: flow.source_port ?? 0,
    destination_port: flow.destination_port ?? 0,
    vlans: (flow.vlans ?? []).slice(0, LIMITS.vlans),
    tunnel_id: flow.tunnel_id ?? 0,
    detail: flow.tcp_flags?.join(' ') ?? icmp,
  };
}
