/**
 * The EtherTypes that drops are told apart by. Everything else is `other`: a sender can make up 65 536 of them,
 * and each would take a place in the kernel's table that a real drop needs.
 */

/** Written in place of an EtherType that is not known. */
export const OTHER_PROTOCOL = 0xffff;

const NAMES = new Map<number, string>([
  [0x0800, 'IPv4'],
  [0x86dd, 'IPv6'],
  [0x0806, 'ARP'],
  [0x0000, 'none'],
  [0x8100, '802.1Q'],
  [0x88a8, '802.1ad'],
  [0x8847, 'MPLS'],
  [0x8864, 'PPPoE'],
  [0x88cc, 'LLDP'],
  [0x888e, 'EAPOL'],
]);

/** The known EtherTypes in host order, the most frequent first. */
export const KNOWN_PROTOCOLS: readonly number[] = [...NAMES.keys()];

/** The name of a clamped EtherType. */
export function protocolName(etherType: number): string {
  return NAMES.get(etherType) ?? 'other';
}
