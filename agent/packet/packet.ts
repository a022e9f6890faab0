/**
 * What is known of a dissected packet: which headers stand where in its bytes. Addresses are offsets, to be formatted
 * only for what is shown. Must not know how headers are read.
 */
import { Layer } from './layers.ts';

/** Headers that are looked at, VLAN tags and extension headers among them; and flows inside one another. */
export const MOST_LAYERS = 32;
export const MOST_FLOWS = 5;

/**
 * Who talks to whom at one depth of tunnels. Offsets count from the start of the packet's byte array; -1 stands for what
 * is not there or was cut off.
 */
export class Flow {
  /** Of the Ethernet header. */
  ethernet = -1;
  /** The EtherType of the network header, host order; below 0x600 the length of an 802.3 frame. */
  etherType = -1;
  /** How many VLAN tags there are, and where the outermost one's four bytes stand: it begins with the tag's control. */
  vlanCount = 0;
  vlans = -1;
  /** Of the addresses: of IPv4 and IPv6, or those that ARP asks by and for. */
  source = -1;
  destination = -1;
  /** Bytes an address has: 4, 16, or 0 when there is none. */
  addressBytes = 0;
  /** The number of the upper-layer protocol, behind all extension headers. */
  protocol = -1;
  sourcePort = -1;
  destinationPort = -1;
  /** The nine flag bits, FIN lowest. */
  tcpFlags = -1;
  icmpType = -1;
  icmpCode = -1;
  arpOperation = -1;
  /** Where in the unfragmented packet this fragment lies, bytes; only at 0 there is an upper-layer header. */
  fragmentOffset = 0;
  moreFragments = false;
  /** GRE, ERSPAN, VXLAN or Geneve when that is what the flow carries, and where its header stands. */
  tunnel: Layer = Layer.none;
  tunnelHeader = -1;

  clear(): void {
    this.ethernet = -1;
    this.etherType = -1;
    this.vlanCount = 0;
    this.vlans = -1;
    this.source = -1;
    this.destination = -1;
    this.addressBytes = 0;
    this.protocol = -1;
    this.sourcePort = -1;
    this.destinationPort = -1;
    this.tcpFlags = -1;
    this.icmpType = -1;
    this.icmpCode = -1;
    this.arpOperation = -1;
    this.fragmentOffset = 0;
    this.moreFragments = false;
    this.tunnel = Layer.none;
    this.tunnelHeader = -1;
  }
}

/** A dissected packet. The same object, over the same bytes, is used again for the next one. */
export class Packet {
  bytes: Uint8Array = new Uint8Array(0);
  /** The kinds of the headers that are whole and well-formed, the outermost first, and where each stands. */
  readonly layers = new Uint8Array(MOST_LAYERS);
  readonly offsets = new Uint32Array(MOST_LAYERS);
  layerCount = 0;
  /** The outermost first. Only the first `flowCount` are of this packet. */
  readonly flows: readonly Flow[] = Array.from({ length: MOST_FLOWS }, () => new Flow());
  flowCount = 0;
  /** The header that runs beyond the bytes that were given; `none` when all that were expected are there. */
  truncated: Layer = Layer.none;
  /** The header that contradicts itself or what encloses it. */
  malformed: Layer = Layer.none;
  /** More headers or tunnels than are looked at. */
  tooDeep = false;

  clear(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.layerCount = 0;
    this.flowCount = 0;
    this.truncated = Layer.none;
    this.malformed = Layer.none;
    this.tooDeep = false;
  }

  has(layer: Layer): boolean {
    for (let i = 0; i < this.layerCount; i++) if (this.layers[i] === layer) return true;
    return false;
  }
}
