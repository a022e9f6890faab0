/** The headers that are told apart inside a packet. Must not know how any of them is read. */

export const Layer = {
  none: 0,
  ethernet: 1,
  vlan: 2,
  arp: 3,
  ipv4: 4,
  ipv6: 5,
  hopByHop: 6,
  routing: 7,
  fragment: 8,
  destinationOptions: 9,
  ah: 10,
  esp: 11,
  tcp: 12,
  udp: 13,
  sctp: 14,
  icmp: 15,
  icmpv6: 16,
  gre: 17,
  erspan: 18,
  vxlan: 19,
  geneve: 20,
} as const;
export type Layer = (typeof Layer)[keyof typeof Layer];

const NAMES: readonly string[] = [
  'nothing',
  'Ethernet',
  'VLAN',
  'ARP',
  'IPv4',
  'IPv6',
  'hop-by-hop',
  'routing',
  'fragment',
  'destination-options',
  'AH',
  'ESP',
  'TCP',
  'UDP',
  'SCTP',
  'ICMP',
  'ICMPv6',
  'GRE',
  'ERSPAN',
  'VXLAN',
  'Geneve',
];

/** As people write it. */
export function layerName(layer: Layer): string {
  return NAMES[layer] as string;
}

/** IANA's EtherTypes. */
export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  /** Transparent Ethernet bridging: an Ethernet frame inside GRE or Geneve. */
  bridged: 0x6558,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
  /** Types I and II, and III. */
  erspan: 0x88be,
  erspan3: 0x22eb,
  /** What stacked tags had before 802.1ad. */
  stackedVlan: 0x9100,
} as const;

/** IANA's protocol numbers, also of the IPv6 extension headers. */
export const Protocol = {
  hopByHop: 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  destinationOptions: 60,
  sctp: 132,
} as const;
