/**
 * Addresses, and the way out of the host: default gateway, its MAC address, its subnet. From /proc/net, whose formats are
 * those of net/ipv4/fib_trie.c (route, fib_trie), net/ipv4/arp.c, net/ipv6/route.c and net/ipv6/addrconf.c.
 */
import { formatIpv4, formatIpv6 } from './addresses.ts';
import type { FileTree } from './tree.ts';

export interface DefaultRoute {
  readonly gateway: string;
  readonly gatewayMac: string;
  /** In CIDR notation. */
  readonly subnet: string;
}

const NONE: DefaultRoute = { gateway: '', gatewayMac: '', subnet: '' };

const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

/** The default route of the lowest metric: IPv4's, or IPv6's on a host without one. */
export function readDefaultRoute(tree: FileTree): DefaultRoute {
  const ipv4 = ipv4DefaultRoute(parseRoutes(tree.text('proc/net/route')), tree.text('proc/net/arp'));
  return ipv4 ?? ipv6DefaultRoute(tree.text('proc/net/ipv6_route'), tree.text('proc/net/if_inet6')) ?? NONE;
}

/** The host's global addresses, sorted: no loopback, no link-local ones. */
export function readAddresses(tree: FileTree): string[] {
  const ipv4 = parseLocalAddresses(tree.text('proc/net/fib_trie'));
  const ipv6 = parseInet6(tree.text('proc/net/if_inet6'))
    .filter(({ scope }) => scope === 0)
    .map(({ address }) => formatIpv6(address));
  return [...new Set([...ipv4, ...ipv6])].sort();
}

interface Ipv4Route {
  readonly interface: string;
  readonly destination: number;
  readonly gateway: number;
  readonly flags: number;
  readonly metric: number;
  readonly mask: number;
}

/** /proc/net/route: addresses are hexadecimal words in the byte order of the machine. */
function parseRoutes(text: string): Ipv4Route[] {
  const routes: Ipv4Route[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [iface = '', destination = '', gateway = '', flags = '', , , metric = '', mask = ''] =
      line.split(/\s+/);
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask)) continue;
    routes.push({
      interface: iface,
      destination: swapped(destination),
      gateway: swapped(gateway),
      flags: Number.parseInt(flags, 16),
      metric: Number(metric),
      mask: swapped(mask),
    });
  }
  return routes;
}

/** Both supported architectures are little-endian. */
function swapped(word: string): number {
  return Buffer.from(word, 'hex').readUInt32LE();
}

function ipv4DefaultRoute(routes: readonly Ipv4Route[], arp: string): DefaultRoute | undefined {
  const wanted = RTF_UP | RTF_GATEWAY;
  const [route] = routes
    .filter((r) => r.destination === 0 && r.mask === 0 && (r.flags & (wanted | RTF_REJECT)) === wanted)
    .sort((a, b) => a.metric - b.metric);
  if (!route) return undefined;
  const gateway = formatIpv4(route.gateway);
  const link = routes.find(
    (r) =>
      r.interface === route.interface &&
      (r.flags & RTF_GATEWAY) === 0 &&
      r.mask !== 0 &&
      (route.gateway & r.mask) >>> 0 === r.destination,
  );
  return {
    gateway,
    gatewayMac: parseArp(arp, gateway, route.interface),
    subnet: link ? `${formatIpv4(link.destination)}/${prefixLength(link.mask)}` : '',
  };
}

function prefixLength(mask: number): number {
  return Math.clz32(~mask);
}

/** The MAC address of a complete entry of /proc/net/arp; empty when there is none. */
function parseArp(text: string, address: string, iface: string): string {
  const ATF_COM = 0x2;
  for (const line of text.split('\n').slice(1)) {
    const [ip, , flags = '', mac = '', , device] = line.split(/\s+/);
    if (ip === address && device === iface && (Number(flags) & ATF_COM) !== 0) return mac.slice(0, 59);
  }
  return '';
}

/** The host's own IPv4 addresses from /proc/net/fib_trie: leaves of the kind "host LOCAL". */
export function parseLocalAddresses(text: string): string[] {
  const found = new Set<string>();
  let leaf = '';
  for (const line of text.split('\n')) {
    const address = /^\s*\|-- (\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.exec(line)?.[1];
    if (address !== undefined) leaf = address;
    else if (/\/32 host LOCAL\s*$/.test(line) && !/^(127|169\.254)\./.test(leaf) && leaf !== '')
      found.add(leaf);
  }
  return [...found].sort();
}

interface Inet6Address {
  readonly address: Buffer;
  readonly prefix: number;
  readonly scope: number;
  readonly interface: string;
}

/** /proc/net/if_inet6: address, interface's index, prefix length, scope, flags (all hexadecimal) and interface. */
function parseInet6(text: string): Inet6Address[] {
  const addresses: Inet6Address[] = [];
  for (const line of text.split('\n')) {
    const [address = '', , prefix = '', scope = '', , iface = ''] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{32}$/.test(address)) continue;
    addresses.push({
      address: Buffer.from(address, 'hex'),
      prefix: Number.parseInt(prefix, 16),
      scope: Number.parseInt(scope, 16),
      interface: iface,
    });
  }
  return addresses;
}

/** The MAC address of an IPv6 neighbour stands in no file. */
function ipv6DefaultRoute(routes: string, addresses: string): DefaultRoute | undefined {
  let best: { gateway: Buffer; metric: number; interface: string } | undefined;
  for (const line of routes.split('\n')) {
    const [destination, length, , , gateway = '', metric = '', , , flags = '', iface = ''] = line
      .trim()
      .split(/\s+/);
    if (destination !== '0'.repeat(32) || length !== '00' || !/^[0-9a-f]{32}$/.test(gateway)) continue;
    const bits = Number.parseInt(flags, 16);
    if ((bits & (RTF_UP | RTF_GATEWAY | RTF_REJECT)) !== (RTF_UP | RTF_GATEWAY)) continue;
    const cost = Number.parseInt(metric, 16);
    if (!best || cost < best.metric) {
      best = { gateway: Buffer.from(gateway, 'hex'), metric: cost, interface: iface };
    }
  }
  if (!best) return undefined;
  const via = best.interface;
  const [own] = parseInet6(addresses).filter(
    ({ interface: iface, scope, prefix }) => iface === via && scope === 0 && prefix < 128,
  );
  return {
    gateway: formatIpv6(best.gateway),
    gatewayMac: '',
    subnet: own ? `${formatIpv6(masked(own.address, own.prefix))}/${own.prefix}` : '',
  };
}

function masked(address: Buffer, prefix: number): Buffer {
  return Buffer.from(address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8)))));
}
