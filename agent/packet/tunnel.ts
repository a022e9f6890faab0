/**
 * VXLAN (RFC 7348), Geneve (RFC 8926), GRE (RFC 2784, RFC 2890) and ERSPAN (draft-foschiano-erspan). Each reads one
 * header, begins the flow inside, and returns what that begins with.
 */
import type { Cursor } from './cursor.ts';
import { EtherType, Layer } from './layers.ts';
import { network } from './link.ts';
import type { Flow } from './packet.ts';

const GreFlag = { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000, version: 0x7 } as const;

export function vxlan(cursor: Cursor): Layer {
  if (!cursor.need(Layer.vxlan, 8)) return Layer.none;
  // Without this flag there is no network identifier, and it is some other traffic to the port.
  if ((cursor.u8(0) & 0x08) === 0) {
    cursor.malformed(Layer.vxlan);
    return Layer.none;
  }
  return inside(cursor, Layer.vxlan, 8, EtherType.bridged);
}

export function geneve(cursor: Cursor): Layer {
  if (!cursor.need(Layer.geneve, 8)) return Layer.none;
  if (cursor.u8(0) >> 6 !== 0) {
    cursor.malformed(Layer.geneve);
    return Layer.none;
  }
  const length = 8 + (cursor.u8(0) & 0x3f) * 4;
  return cursor.need(Layer.geneve, length) ? inside(cursor, Layer.geneve, length, cursor.u16(2)) : Layer.none;
}

export function gre(cursor: Cursor): Layer {
  if (!cursor.need(Layer.gre, 4)) return Layer.none;
  const flags = cursor.u16(0);
  const etherType = cursor.u16(2);
  // PPTP's version, and the source routes of RFC 1701 that nobody sends, are not looked into.
  if ((flags & (GreFlag.routing | GreFlag.version)) !== 0) {
    cursor.pass(Layer.gre, 4);
    return Layer.none;
  }
  const length = greHeaderBytes(flags);
  if (!cursor.need(Layer.gre, length)) return Layer.none;
  if (
    etherType === EtherType.erspan3 ||
    (etherType === EtherType.erspan && (flags & GreFlag.sequence) !== 0)
  ) {
    return cursor.pass(Layer.gre, length) ? Layer.erspan : Layer.none;
  }
  // ERSPAN type I has no header of its own, nor a sequence number in that of GRE.
  return inside(cursor, Layer.gre, length, etherType === EtherType.erspan ? EtherType.bridged : etherType);
}

/** Of a GRE header without routing. */
function greHeaderBytes(flags: number): number {
  let length = 4;
  if ((flags & GreFlag.checksum) !== 0) length += 4;
  if ((flags & GreFlag.key) !== 0) length += 4;
  if ((flags & GreFlag.sequence) !== 0) length += 4;
  return length;
}

/** Types II and III, which call themselves versions 1 and 2. */
export function erspan(cursor: Cursor): Layer {
  if (!cursor.need(Layer.erspan, 8)) return Layer.none;
  const version = cursor.u8(0) >> 4;
  if (version === 1) return inside(cursor, Layer.erspan, 8, EtherType.bridged);
  if (version !== 2) {
    cursor.malformed(Layer.erspan);
    return Layer.none;
  }
  if (!cursor.need(Layer.erspan, 12)) return Layer.none;
  const hasSubheader = (cursor.u8(11) & 1) !== 0;
  const length = hasSubheader ? 20 : 12;
  return cursor.need(Layer.erspan, length)
    ? inside(cursor, Layer.erspan, length, EtherType.bridged)
    : Layer.none;
}

/** Passes over a tunnel's header to the flow that it carries. */
function inside(cursor: Cursor, tunnel: Layer, length: number, etherType: number): Layer {
  const { flow } = cursor;
  flow.tunnel = tunnel;
  flow.tunnelHeader = cursor.offset;
  if (!cursor.pass(tunnel, length) || !cursor.nest()) return Layer.none;
  return etherType === EtherType.bridged ? Layer.ethernet : network(cursor, etherType);
}

/** The VNI, key or session id of the tunnel that a flow carries; -1 when it carries none, or one without. */
export function tunnelId(bytes: Uint8Array, { tunnel, tunnelHeader }: Flow): number {
  if (tunnel === Layer.none) return -1;
  const header = new DataView(bytes.buffer, bytes.byteOffset + tunnelHeader);
  if (tunnel === Layer.vxlan || tunnel === Layer.geneve) return header.getUint32(4) >>> 8;
  if (tunnel === Layer.erspan) return header.getUint16(2) & 0x3ff;
  const flags = header.getUint16(0);
  if ((flags & GreFlag.key) === 0) return -1;
  return header.getUint32((flags & GreFlag.checksum) !== 0 ? 8 : 4);
}
