/**
 * IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200), AH (RFC 4302) and ESP (RFC 4303). Each reads one header
 * and returns what comes next. A length of 0 is no length: the kernel writes it later, or the packet is a jumbogram.
 */
import type { Cursor } from './cursor.ts';
import { EtherType, Layer, Protocol } from './layers.ts';

export function ipv4(cursor: Cursor): Layer {
  if (cursor.flow.source >= 0 && !cursor.nest()) return Layer.none;
  if (!cursor.need(Layer.ipv4, 20)) return Layer.none;
  const headerBytes = (cursor.u8(0) & 0xf) * 4;
  const totalBytes = cursor.u16(2);
  if (cursor.u8(0) >> 4 !== 4 || headerBytes < 20 || (totalBytes !== 0 && totalBytes < headerBytes)) {
    cursor.malformed(Layer.ipv4);
    return Layer.none;
  }
  const { flow } = cursor;
  const fragment = cursor.u16(6);
  flow.etherType = EtherType.ipv4;
  flow.source = cursor.offset + 12;
  flow.destination = cursor.offset + 16;
  flow.addressBytes = 4;
  flow.fragmentOffset = (fragment & 0x1fff) * 8;
  flow.moreFragments = (fragment & 0x2000) !== 0;
  const next = upperLayer(cursor, cursor.u8(9));
  if (totalBytes !== 0 && !cursor.bound(Layer.ipv4, totalBytes)) return Layer.none;
  if (!cursor.need(Layer.ipv4, headerBytes) || !cursor.pass(Layer.ipv4, headerBytes)) return Layer.none;
  if (flow.moreFragments) cursor.partial = true;
  return next;
}

export function ipv6(cursor: Cursor): Layer {
  if (cursor.flow.source >= 0 && !cursor.nest()) return Layer.none;
  if (!cursor.need(Layer.ipv6, 40)) return Layer.none;
  if (cursor.u8(0) >> 4 !== 6) {
    cursor.malformed(Layer.ipv6);
    return Layer.none;
  }
  const { flow } = cursor;
  const payloadBytes = cursor.u16(4);
  flow.etherType = EtherType.ipv6;
  flow.source = cursor.offset + 8;
  flow.destination = cursor.offset + 24;
  flow.addressBytes = 16;
  const next = upperLayer(cursor, cursor.u8(6));
  if (payloadBytes !== 0 && !cursor.bound(Layer.ipv6, 40 + payloadBytes)) return Layer.none;
  return cursor.pass(Layer.ipv6, 40) ? next : Layer.none;
}

/** Hop-by-hop options, a routing header, or destination options: all begin with the next header and their length. */
export function options(cursor: Cursor, layer: Layer): Layer {
  if (!cursor.need(layer, 8)) return Layer.none;
  const length = (cursor.u8(1) + 1) * 8;
  const protocol = cursor.u8(0);
  if (!cursor.need(layer, length) || !cursor.pass(layer, length)) return Layer.none;
  return upperLayer(cursor, protocol);
}

export function fragment(cursor: Cursor): Layer {
  if (!cursor.need(Layer.fragment, 8)) return Layer.none;
  const { flow } = cursor;
  const protocol = cursor.u8(0);
  const place = cursor.u16(2);
  if (!cursor.pass(Layer.fragment, 8)) return Layer.none;
  flow.fragmentOffset = place & 0xfff8;
  flow.moreFragments = (place & 1) !== 0;
  if (flow.moreFragments) cursor.partial = true;
  return upperLayer(cursor, protocol);
}

export function ah(cursor: Cursor): Layer {
  if (!cursor.need(Layer.ah, 12)) return Layer.none;
  const length = (cursor.u8(1) + 2) * 4;
  const protocol = cursor.u8(0);
  if (length < 12) {
    cursor.malformed(Layer.ah);
    return Layer.none;
  }
  if (!cursor.need(Layer.ah, length) || !cursor.pass(Layer.ah, length)) return Layer.none;
  return upperLayer(cursor, protocol);
}

/** Everything behind its first eight bytes is encrypted. */
export function esp(cursor: Cursor): Layer {
  if (cursor.need(Layer.esp, 8)) cursor.pass(Layer.esp, 8);
  return Layer.none;
}

/** What a protocol number stands for. It becomes the flow's unless it is an extension header's. */
function upperLayer(cursor: Cursor, protocol: number): Layer {
  const { flow } = cursor;
  const next = flow.fragmentOffset > 0 ? Layer.none : layerOf(protocol, flow.addressBytes === 16);
  if (!isExtension(next)) flow.protocol = protocol;
  return next;
}

function isExtension(layer: Layer): boolean {
  return layer >= Layer.hopByHop && layer <= Layer.ah;
}

function layerOf(protocol: number, isIpv6: boolean): Layer {
  switch (protocol) {
    case Protocol.tcp:
      return Layer.tcp;
    case Protocol.udp:
      return Layer.udp;
    case Protocol.icmp:
      return Layer.icmp;
    case Protocol.icmpv6:
      return Layer.icmpv6;
    case Protocol.sctp:
      return Layer.sctp;
    case Protocol.gre:
      return Layer.gre;
    case Protocol.ipv4:
      return Layer.ipv4;
    case Protocol.ipv6:
      return Layer.ipv6;
    case Protocol.ah:
      return Layer.ah;
    case Protocol.esp:
      return Layer.esp;
    case Protocol.hopByHop:
      return isIpv6 ? Layer.hopByHop : Layer.none;
    case Protocol.routing:
      return isIpv6 ? Layer.routing : Layer.none;
    case Protocol.fragment:
      return isIpv6 ? Layer.fragment : Layer.none;
    case Protocol.destinationOptions:
      return isIpv6 ? Layer.destinationOptions : Layer.none;
    default:
      return Layer.none;
  }
}
