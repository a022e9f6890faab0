/**
 * TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ICMP (RFC 792) and ICMPv6 (RFC 4443). Each reads one header and returns
 * what comes next, which is a tunnel's header at most. Ports are known also where the rest of a header is cut off.
 */
import type { Cursor } from './cursor.ts';
import { Layer } from './layers.ts';

/** IANA's, and the one that Linux took before there was one; Flannel still does. */
const VXLAN_PORTS = [4789, 8472];
const GENEVE_PORT = 6081;

export function tcp(cursor: Cursor): Layer {
  if (!ports(cursor, Layer.tcp) || !cursor.need(Layer.tcp, 20)) return Layer.none;
  const length = (cursor.u8(12) >> 4) * 4;
  if (length < 20) {
    cursor.malformed(Layer.tcp);
    return Layer.none;
  }
  cursor.flow.tcpFlags = cursor.u16(12) & 0x1ff;
  if (cursor.need(Layer.tcp, length)) cursor.pass(Layer.tcp, length);
  return Layer.none;
}

export function udp(cursor: Cursor): Layer {
  if (!ports(cursor, Layer.udp) || !cursor.need(Layer.udp, 8)) return Layer.none;
  const length = cursor.u16(4);
  // A jumbogram, and a datagram that the kernel has still to finish, has length 0.
  if (length !== 0 && length < 8) {
    cursor.malformed(Layer.udp);
    return Layer.none;
  }
  if (length !== 0 && !cursor.bound(Layer.udp, length)) return Layer.none;
  if (!cursor.pass(Layer.udp, 8)) return Layer.none;
  const port = cursor.flow.destinationPort;
  if (VXLAN_PORTS.includes(port)) return Layer.vxlan;
  return port === GENEVE_PORT ? Layer.geneve : Layer.none;
}

export function sctp(cursor: Cursor): Layer {
  if (ports(cursor, Layer.sctp) && cursor.need(Layer.sctp, 12)) cursor.pass(Layer.sctp, 12);
  return Layer.none;
}

/** @param length of the header: 8 of ICMP, 4 of ICMPv6 */
export function icmp(cursor: Cursor, layer: Layer, length: number): Layer {
  if (!cursor.need(layer, 2)) return Layer.none;
  cursor.flow.icmpType = cursor.u8(0);
  cursor.flow.icmpCode = cursor.u8(1);
  if (cursor.need(layer, length)) cursor.pass(layer, length);
  return Layer.none;
}

function ports(cursor: Cursor, layer: Layer): boolean {
  if (!cursor.need(layer, 4)) return false;
  cursor.flow.sourcePort = cursor.u16(0);
  cursor.flow.destinationPort = cursor.u16(2);
  return true;
}
