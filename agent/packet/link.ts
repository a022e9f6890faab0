/** Ethernet II, VLAN tags (IEEE 802.1Q, 802.1ad) and ARP (RFC 826). Each reads one header and returns what comes next. */
import type { Cursor } from './cursor.ts';
import { EtherType, Layer } from './layers.ts';

export function ethernet(cursor: Cursor): Layer {
  if (!cursor.need(Layer.ethernet, 14)) return Layer.none;
  cursor.flow.ethernet = cursor.offset;
  const etherType = cursor.u16(12);
  return cursor.pass(Layer.ethernet, 14) ? network(cursor, etherType) : Layer.none;
}

export function vlan(cursor: Cursor): Layer {
  if (!cursor.need(Layer.vlan, 4)) return Layer.none;
  const { flow, offset } = cursor;
  const etherType = cursor.u16(2);
  if (!cursor.pass(Layer.vlan, 4)) return Layer.none;
  if (flow.vlanCount++ === 0) flow.vlans = offset;
  return network(cursor, etherType);
}

/** What an EtherType stands for. It becomes the flow's unless it is a VLAN tag's. */
export function network(cursor: Cursor, etherType: number): Layer {
  const next = layerOf(etherType);
  if (next !== Layer.vlan) cursor.flow.etherType = etherType;
  return next;
}

function layerOf(etherType: number): Layer {
  switch (etherType) {
    case EtherType.ipv4:
      return Layer.ipv4;
    case EtherType.ipv6:
      return Layer.ipv6;
    case EtherType.arp:
      return Layer.arp;
    case EtherType.vlan:
    case EtherType.serviceVlan:
    case EtherType.stackedVlan:
      return Layer.vlan;
    default:
      return Layer.none;
  }
}

export function arp(cursor: Cursor): Layer {
  if (!cursor.need(Layer.arp, 8)) return Layer.none;
  const { flow } = cursor;
  const hardwareBytes = cursor.u8(4);
  const addressBytes = cursor.u8(5);
  const length = 8 + 2 * (hardwareBytes + addressBytes);
  const isOfIpv4 = cursor.u16(2) === EtherType.ipv4;
  flow.arpOperation = cursor.u16(6);
  if (isOfIpv4 && addressBytes !== 4) {
    cursor.malformed(Layer.arp);
    return Layer.none;
  }
  if (!cursor.need(Layer.arp, length)) return Layer.none;
  if (isOfIpv4) {
    flow.source = cursor.offset + 8 + hardwareBytes;
    flow.destination = flow.source + 4 + hardwareBytes;
    flow.addressBytes = 4;
  }
  cursor.pass(Layer.arp, length);
  return Layer.none;
}
