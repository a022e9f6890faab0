/** Builders of the upper layers, TCP to ICMPv6, and of tunnels. */
import { type Built, payload, u16, u32, wrap } from './built.ts';

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The nine bits. */
  readonly flags: number;
  /** At most 40 bytes, whole words. */
  readonly options?: Uint8Array;
}

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];

export function tcp(fields: TcpFields, data: Uint8Array = new Uint8Array(0)): Built {
  const { sourcePort, destinationPort, flags, options = new Uint8Array(0) } = fields;
  const header = [
    ...[...u16(sourcePort), ...u16(destinationPort), ...u32(1), ...u32(2)],
    ...[...u16((((20 + options.length) / 4) << 12) | flags), ...u16(64_240), 0, 0, 0, 0, ...options],
  ];
  const flow = {
    source_port: sourcePort,
    destination_port: destinationPort,
    tcp_flags: TCP_FLAGS.filter((_, bit) => ((flags >> bit) & 1) === 1),
  };
  return wrap('TCP', Uint8Array.from(header), payload(data), flow, { protocol: 6 });
}

/** A datagram that holds data, or a tunnel's header. */
export function udp(sourcePort: number, destinationPort: number, inner: Built): Built {
  const header = [...u16(sourcePort), ...u16(destinationPort), ...u16(8 + inner.bytes.length), 0, 0];
  const flow = { source_port: sourcePort, destination_port: destinationPort };
  return wrap('UDP', Uint8Array.from(header), inner, flow, { protocol: 17 });
}

export function sctp(sourcePort: number, destinationPort: number): Built {
  const header = [...u16(sourcePort), ...u16(destinationPort), ...u32(7), ...u32(0)];
  const flow = { source_port: sourcePort, destination_port: destinationPort };
  return wrap('SCTP', Uint8Array.from(header), payload(new Uint8Array(0)), flow, { protocol: 132 });
}

export function icmp(type: number, code: number, data: Uint8Array): Built {
  const header = [type, code, 0, 0, 0, 0, 0, 0];
  const flow = { icmp_type: type, icmp_code: code };
  return wrap('ICMP', Uint8Array.from(header), payload(data), flow, { protocol: 1 });
}

export function icmpv6(type: number, code: number, data: Uint8Array): Built {
  const flow = { icmp_type: type, icmp_code: code };
  return wrap('ICMPv6', Uint8Array.of(type, code, 0, 0), payload(data), flow, { protocol: 58 });
}

export function esp(data: Uint8Array): Built {
  const header = Uint8Array.from([...u32(0x1000), ...u32(1)]);
  return wrap('ESP', header, payload(data), {}, { protocol: 50 });
}

/** @param inner an Ethernet frame */
export function vxlan(sourcePort: number, vni: number, inner: Built, port = 4789): Built {
  const header = Uint8Array.from([8, 0, 0, 0, ...u32(vni << 8)]);
  const flow = { tunnel: 'VXLAN', tunnel_id: vni };
  return udp(sourcePort, port, wrap('VXLAN', header, inner, flow, { carries: true }));
}

/**
 * @param options at most 252 bytes, whole words
 * @param inner an Ethernet frame, an IP packet, or anything with an EtherType
 */
export function geneve(sourcePort: number, vni: number, options: Uint8Array, inner: Built): Built {
  const header = Uint8Array.from([
    options.length / 4,
    0,
    ...u16(inner.etherType),
    ...u32(vni << 8),
    ...options,
  ]);
  const flow = { tunnel: 'Geneve', tunnel_id: vni };
  return udp(sourcePort, 6081, wrap('Geneve', header, named(inner), flow, { carries: true }));
}

export interface GreFields {
  readonly checksum?: boolean;
  readonly key?: number;
  readonly sequence?: number;
}

/** @param inner an Ethernet frame, an IP packet, or anything with an EtherType */
export function gre({ checksum = false, key, sequence }: GreFields, inner: Built): Built {
  const flags =
    (checksum ? 0x8000 : 0) | (key === undefined ? 0 : 0x2000) | (sequence === undefined ? 0 : 0x1000);
  const header = [
    ...[...u16(flags), ...u16(inner.etherType)],
    ...(checksum ? [0, 0, 0, 0] : []),
    ...(key === undefined ? [] : u32(key)),
    ...(sequence === undefined ? [] : u32(sequence)),
  ];
  const flow = { tunnel: 'GRE', ...(key !== undefined && { tunnel_id: key }) };
  return wrap('GRE', Uint8Array.from(header), named(inner), flow, { protocol: 47, carries: true });
}

/** @param inner an Ethernet frame */
export function erspan(
  type: 'I' | 'II' | 'III' | 'III with a subheader',
  session: number,
  inner: Built,
): Built {
  if (type === 'I') {
    const header = Uint8Array.from([0, 0, ...u16(0x88be)]);
    return wrap('GRE', header, inner, { tunnel: 'GRE' }, { protocol: 47, carries: true });
  }
  const hasSubheader = type === 'III with a subheader';
  const mirrored =
    type === 'II'
      ? [...u16(0x1000), ...u16(session), ...u32(0)]
      : [...u16(0x2000), ...u16(session), ...u32(0), ...u32(hasSubheader ? 1 : 0)];
  if (hasSubheader) mirrored.push(...u32(0), ...u32(0));
  const flow = { tunnel: 'ERSPAN', tunnel_id: session };
  const body = wrap('ERSPAN', Uint8Array.from(mirrored), inner, flow, { carries: true });
  const header = Uint8Array.from([...u16(0x1000), ...u16(type === 'II' ? 0x88be : 0x22eb), ...u32(9)]);
  return wrap('GRE', header, body, {}, { protocol: 47 });
}

/** A packet that only its EtherType tells of. */
function named(inner: Built): Built {
  if (inner.layers.length > 0) return inner;
  return { ...inner, flows: [{ network: `0x${inner.etherType.toString(16).padStart(4, '0')}` }] };
}
