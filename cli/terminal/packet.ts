/** A sampled packet in one line. Pure. What it holds comes from the network, so it is cleaned. */
import type { DropSample, Flow } from '@netfall/proto';
import { clean } from './text.ts';

/** What the line tells. */
export type Packet = Pick<DropSample, 'interface' | 'namespace' | 'length' | 'flows'>;

/** Who talked to whom, the innermost first; by which interface; whose: what is not known is left out. */
export function packetLine({ flows, interface: iface, namespace, length }: Packet): string {
  const who = flows
    .map(flowText)
    .filter((text) => text !== '')
    .toReversed()
    .join(' in ');
  return clean([who || `${length} bytes`, iface, namespace].filter((text) => text !== '').join(' · '));
}

function flowText(flow: Flow): string {
  const { source, source_port, destination, destination_port, protocol, tunnel_id, vlans, detail } = flow;
  return [
    ...(source || destination ? [`${end(source, source_port)} > ${end(destination, destination_port)}`] : []),
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
