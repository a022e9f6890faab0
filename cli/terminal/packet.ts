/** A sampled packet in one line. Pure. What it holds comes from the network, so it is cleaned. */
import type { DropSample, Flow } from '@netfall/proto';
import { clean } from './text.ts';

/** What the line tells. */
export type Packet = Pick<DropSample, 'interface' | 'namespace' | 'length' | 'flows'>;

/**
 * Who talked to whom, the innermost first; by which interface; whose: what is not known is left out. The ends of tunnels
 * are told where they fit into `width` columns; what else there is may be longer.
 */
export function packetLine(packet: Packet, width: number = Number.POSITIVE_INFINITY): string {
  const whole = lineOf(packet, true);
  return whole.length <= width ? whole : lineOf(packet, false);
}

function lineOf({ flows, interface: iface, namespace, length }: Packet, tunnelEnds: boolean): string {
  const who = flows
    .toReversed()
    .map((flow, depth) => flowText(flow, tunnelEnds || depth === 0))
    .filter((text) => text !== '')
    .join(' in ');
  return clean([who || `${length} bytes`, iface, namespace].filter((text) => text !== '').join(' · '));
}

function flowText(flow: Flow, ends: boolean): string {
  const { source, source_port, destination, destination_port, protocol, tunnel_id, vlans, detail } = flow;
  const known = source !== '' || destination !== '';
  return [
    ...(ends && known ? [`${end(source, source_port)} > ${end(destination, destination_port)}`] : []),
    ...(protocol ? [protocol] : []),
    ...(tunnel_id > 0 ? [String(tunnel_id)] : []),
    ...(detail ? [detail] : []),
    ...vlans.map((vlan) => `vlan ${vlan}`),
  ].join(' ');
}

/** An address with its port: IPv6 in brackets, as RFC 3986 has it. */
function end(address: string, port: number): string {
  if (port === 0) return address || '?';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
