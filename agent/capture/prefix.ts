/** Addresses and prefixes, IPv4 and IPv6, as text and as what addresses in packets are compared with. Pure. */
import { isIPv4, isIPv6 } from 'node:net';

export interface Prefix {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** How many of its first bits count. */
  readonly bits: number;
}

/** `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`; undefined for any other text. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, host, length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = host === undefined ? undefined : parseAddress(host);
  if (!address) return undefined;
  const bits = length === undefined ? address.length * 8 : Number(length);
  return bits <= address.length * 8 ? { address, bits } : undefined;
}

/** Whether the address of `length` bytes at `offset` is of the prefix. */
export function matchesPrefix(prefix: Prefix, bytes: Uint8Array, offset: number, length: number): boolean {
  const { address, bits } = prefix;
  if (address.length !== length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[offset + i] !== address[i]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const differing = (bytes[offset + whole] as number) ^ (address[whole] as number);
  return differing >> (8 - rest) === 0;
}

function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  // A zone is of this host, and in no packet.
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const first = groups(head);
  const last = groups(tail ?? '');
  const zeros = new Array<number>(16 - first.length - last.length).fill(0);
  return Uint8Array.from([...first, ...zeros, ...last]);
}

/** The bytes of `2001:db8`, or of `ffff:192.0.2.1`. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
