/** Well-formed packets, tunnels in tunnels among them: the same ones at each call. */
import fc from 'fast-check';
import { MOST_FLOWS, MOST_LAYERS } from '../../agent/packet/packet.ts';
import { frames, ipPackets } from '../../agent/packet/testing/arbitrary.ts';
import { type Address, type Built, payload } from '../../agent/packet/testing/built.ts';
import { ethernet, ipv4 } from '../../agent/packet/testing/network.ts';

const DEPTH = 4;
const MOST_PACKET_BYTES = 1024;

/** @param kind begun by an Ethernet header, or by an IP header */
export function builtPackets(kind: 'frames' | 'ip', count: number): Built[] {
  const arbitrary = kind === 'frames' ? frames(DEPTH) : ipPackets(DEPTH);
  const short = arbitrary.filter(({ bytes }) => bytes.length <= MOST_PACKET_BYTES);
  return fc.sample(short, { seed: 1, numRuns: count });
}

/** Frames with more headers, and more tunnels, than are looked at. */
export function deepPackets(): Built[] {
  const mac: Address = { bytes: new Uint8Array(6), text: '' };
  const address: Address = { bytes: new Uint8Array(4), text: '' };
  const between = { source: address, destination: address };
  let inner = payload(new Uint8Array(8));
  for (let depth = 0; depth <= MOST_FLOWS; depth++) inner = ipv4(between, inner);
  const vlans = Array.from({ length: MOST_LAYERS }, (_, id) => ({ id, etherType: 0x8100 }));
  const link = { source: mac, destination: mac };
  return [ethernet(link, inner), ethernet({ ...link, vlans }, payload(new Uint8Array(8)))];
}
