/**
 * Finds the headers of a packet, and of the packets that it carries in tunnels, in bytes that may end anywhere. Pure, and
 * total: any bytes are accepted, what is cut off or malformed is said in the result, and the work is bounded by
 * MOST_LAYERS. Must not know where packets come from.
 */
import { Cursor } from './cursor.ts';
import { Layer } from './layers.ts';
import { arp, ethernet, network, vlan } from './link.ts';
import { ah, esp, fragment, ipv4, ipv6, options } from './network.ts';
import type { Packet } from './packet.ts';
import { icmp, sctp, tcp, udp } from './transport.ts';
import { erspan, geneve, gre, vxlan } from './tunnel.ts';

/** Allocates nothing per packet: every call returns the same object, which points into the bytes that were given. */
export class Dissector {
  readonly #cursor = new Cursor();

  /** A packet that begins with its Ethernet header: `length` bytes from `start` on. */
  frame(bytes: Uint8Array, start: number, length: number): Packet {
    this.#cursor.begin(bytes, start, length);
    return walk(this.#cursor, Layer.ethernet);
  }

  /** A packet that begins with what `etherType` (host order) stands for: `length` bytes from `start` on. */
  network(etherType: number, bytes: Uint8Array, start: number, length: number): Packet {
    this.#cursor.begin(bytes, start, length);
    return walk(this.#cursor, network(this.#cursor, etherType));
  }
}

/** Every step but the last passes over a header, of which there are MOST_LAYERS at most. */
function walk(cursor: Cursor, first: Layer): Packet {
  let layer = first;
  while (layer !== Layer.none) layer = step(cursor, layer);
  return cursor.packet;
}

/** Reads a header of the given kind. Returns the kind of the next one. */
function step(cursor: Cursor, layer: Layer): Layer {
  switch (layer) {
    case Layer.ethernet:
      return ethernet(cursor);
    case Layer.ipv4:
      return ipv4(cursor);
    case Layer.ipv6:
      return ipv6(cursor);
    case Layer.tcp:
      return tcp(cursor);
    case Layer.udp:
      return udp(cursor);
    case Layer.icmp:
      return icmp(cursor, Layer.icmp, 8);
    case Layer.icmpv6:
      return icmp(cursor, Layer.icmpv6, 4);
    case Layer.sctp:
      return sctp(cursor);
    case Layer.arp:
      return arp(cursor);
    case Layer.vlan:
      return vlan(cursor);
    case Layer.vxlan:
      return vxlan(cursor);
    case Layer.geneve:
      return geneve(cursor);
    case Layer.gre:
      return gre(cursor);
    case Layer.erspan:
      return erspan(cursor);
    case Layer.hopByHop:
    case Layer.routing:
    case Layer.destinationOptions:
      return options(cursor, layer);
    case Layer.fragment:
      return fragment(cursor);
    case Layer.ah:
      return ah(cursor);
    case Layer.esp:
      return esp(cursor);
    case Layer.none:
      return Layer.none;
  }
}
