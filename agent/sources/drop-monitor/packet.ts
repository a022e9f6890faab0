/** What an alert says of its packet, made out of its bytes and texts. Pure. */

import { type CodeLocation, parseSymbol } from '../../names/symbols.ts';

/** The kernel cuts symbols to this many characters. */
export const SYMBOL_CHARACTERS = 39;

const ETHERNET_BYTES = 14;
const TAGS = [0x8100, 0x88a8];

/**
 * The EtherType of what a payload begins with, 0 for an Ethernet header. The kernel begins it at the MAC header, which
 * interfaces without Ethernet (tunnels, tun) have at the network header.
 */
export function firstEtherType(slab: Uint8Array, start: number, end: number, protocol: number): number {
  if (end - start >= ETHERNET_BYTES) {
    const type = (slab[start + 12]! << 8) | slab[start + 13]!;
    if (type === protocol || TAGS.includes(type)) return 0;
  }
  const version = end > start ? slab[start]! >> 4 : 0;
  if ((protocol === 0x0800 && version === 4) || (protocol === 0x86dd && version === 6)) return protocol;
  return 0;
}

/** Reads `function+0x4bc/0xd00 [module]`, of which the end may be missing; undefined when the offset is not whole. */
export function parseCutSymbol(text: string): CodeLocation | undefined {
  return (
    parseSymbol(text) ?? parseSymbol(/^[^/]+\//.exec(text) ? `${text.slice(0, text.indexOf('/'))}/0x0` : '')
  );
}
