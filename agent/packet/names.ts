/** What numbers in headers are called. Must not know where they stand. */
import { EtherType, Protocol } from './layers.ts';

/** Upper-layer protocols by number, by IANA's keywords but for IP in IP. */
export const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [Protocol.icmp, 'ICMP'],
  [2, 'IGMP'],
  [Protocol.ipv4, 'IPIP'],
  [Protocol.tcp, 'TCP'],
  [Protocol.udp, 'UDP'],
  [33, 'DCCP'],
  [Protocol.ipv6, 'SIT'],
  [Protocol.gre, 'GRE'],
  [Protocol.esp, 'ESP'],
  [Protocol.icmpv6, 'ICMPv6'],
  [89, 'OSPF'],
  [103, 'PIM'],
  [112, 'VRRP'],
  [Protocol.sctp, 'SCTP'],
  [136, 'UDPLite'],
]);

/** `IPv4`, or a number like `0x88cc`. */
export function etherTypeName(etherType: number): string {
  switch (etherType) {
    case EtherType.ipv4:
      return 'IPv4';
    case EtherType.ipv6:
      return 'IPv6';
    case EtherType.arp:
      return 'ARP';
    default:
      return `0x${etherType.toString(16).padStart(4, '0')}`;
  }
}

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];

/** The flags that are set, of the nine, the lowest bit first. */
export function tcpFlagNames(flags: number): string[] {
  return TCP_FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0);
}

const ICMP_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'echo reply'],
  [3, 'destination unreachable'],
  [5, 'redirect'],
  [8, 'echo request'],
  [11, 'time exceeded'],
  [12, 'parameter problem'],
]);

const ICMPV6_TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'destination unreachable'],
  [2, 'packet too big'],
  [3, 'time exceeded'],
  [4, 'parameter problem'],
  [128, 'echo request'],
  [129, 'echo reply'],
  [133, 'router solicitation'],
  [134, 'router advertisement'],
  [135, 'neighbor solicitation'],
  [136, 'neighbor advertisement'],
  [137, 'redirect'],
]);

/** `echo request`, or `type 42`. */
export function icmpTypeName(protocol: number, type: number): string {
  const names = protocol === Protocol.icmpv6 ? ICMPV6_TYPES : ICMP_TYPES;
  return names.get(type) ?? `type ${type}`;
}
