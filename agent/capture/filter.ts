/**
 * Which dropped packets a capture keeps, by the options of a command line. Pure. Must not know where drops come from, nor
 * how packets are dissected.
 */
import { EtherType, Layer } from '../packet/layers.ts';
import { PROTOCOL_NAMES } from '../packet/names.ts';
import type { Flow, Packet } from '../packet/packet.ts';
import type { DropLabel } from './drop.ts';
import { matchesPrefix, type Prefix, parsePrefix } from './prefix.ts';

/**
 * As they stand on the command line: each a list with commas, of which any one has to match, while all the options have to.
 * `*` in names stands for any text.
 */
export interface FilterOptions {
  /** Upper or lower case: `NO_SOCKET,TCP_*`. */
  readonly reason?: string;
  /** Without offset: `__udp4_lib_rcv,tcp_*`. */
  readonly function?: string;
  /** The one that the packet came in on: `eth0,veth*`. */
  readonly interface?: string;
  /** A network or upper-layer protocol, a tunnel, or an IP protocol number: `arp,udp,vxlan,89`. */
  readonly protocol?: string;
  /** Of source or destination: `10.0.0.0/8,2001:db8::1`. */
  readonly address?: string;
  /** Of source or destination: `53,8000-8999`. */
  readonly port?: string;
}

/** An option that cannot be understood. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  readonly code = 'FILTER';
  readonly option: keyof FilterOptions;

  constructor(option: keyof FilterOptions, message: string) {
    super(`--${option}: ${message}`);
    this.option = option;
  }
}

/** More than anybody writes; each is compared with every packet. */
const MOST_ITEMS = 64;

/** A packet is of it when it has the layer anywhere; a flow is by its EtherType or its upper layer's number. */
export interface Protocol {
  readonly layer?: Layer;
  readonly etherType?: number;
  readonly number?: number;
}

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ['arp', { etherType: EtherType.arp }],
  ['ipv4', { etherType: EtherType.ipv4 }],
  ['ipv6', { etherType: EtherType.ipv6 }],
  ['vlan', { layer: Layer.vlan }],
  ['vxlan', { layer: Layer.vxlan }],
  ['geneve', { layer: Layer.geneve }],
  ['erspan', { layer: Layer.erspan }],
  ['ah', { layer: Layer.ah }],
  ...Array.from(PROTOCOL_NAMES, ([number, name]) => [name.toLowerCase(), { number }] as const),
]);

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const MENDS: Readonly<Record<keyof FilterOptions, string>> = {
  reason: 'is no drop reason: give names like NO_SOCKET or TCP_*',
  function: 'is no kernel function: give names without offset, like __udp4_lib_rcv or tcp_*',
  interface: 'is no interface: give names like eth0 or veth*',
  protocol: `is no protocol: give one of ${[...PROTOCOLS.keys()].join(', ')}, or an IP protocol number up to 255`,
  address: 'is no address: give ones like 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32',
  port: 'is no port: give ones up to 65535 like 53, or ranges like 8000-8999',
};

/** The conditions are open to sources, which may drop early what the filter would not keep; absent ones let all through. */
export class CaptureFilter {
  readonly reasons: readonly RegExp[] | undefined;
  readonly functions: readonly RegExp[] | undefined;
  readonly interfaces: readonly RegExp[] | undefined;
  readonly protocols: readonly Protocol[] | undefined;
  readonly prefixes: readonly Prefix[] | undefined;
  readonly ports: readonly PortRange[] | undefined;

  /** Throws FilterError. */
  constructor(options: FilterOptions) {
    this.reasons = parse(options, 'reason', (text) => parsePattern(text.toUpperCase(), /^[\w*]+$/));
    this.functions = parse(options, 'function', (text) => parsePattern(text, /^[\w.$*]+$/));
    // The kernel's names have at most 15 bytes.
    this.interfaces = parse(options, 'interface', (text) => parsePattern(text, /^[^\s/]{1,15}$/));
    this.protocols = parse(options, 'protocol', parseProtocol);
    this.prefixes = parse(options, 'address', parsePrefix);
    this.ports = parse(options, 'port', parsePorts);
  }

  /**
   * Whether a packet is kept. Protocol, address and port have to match in one and the same of its flows, be it an inner or
   * an outer one; a tunnel as protocol is one of all of them.
   */
  matches(packet: Packet, drop: DropLabel): boolean {
    if (!matchesName(this.reasons, drop.reason)) return false;
    if (!matchesName(this.functions, drop.function)) return false;
    if (!matchesName(this.interfaces, drop.interface)) return false;
    if (!this.protocols && !this.prefixes && !this.ports) return true;
    for (let i = 0; i < packet.flowCount; i++) {
      const flow = packet.flows[i] as Flow;
      if (
        matchesProtocol(this.protocols, packet, flow) &&
        matchesAddress(this.prefixes, packet.bytes, flow) &&
        matchesPort(this.ports, flow)
      ) {
        return true;
      }
    }
    return false;
  }
}

/** An option's items; undefined when it is not given. */
function parse<T>(
  options: FilterOptions,
  option: keyof FilterOptions,
  parseItem: (text: string) => T | undefined,
): T[] | undefined {
  const texts = options[option]?.split(',');
  if (texts && texts.length > MOST_ITEMS) {
    throw new FilterError(option, `there are ${texts.length} of them: give at most ${MOST_ITEMS}`);
  }
  return texts?.map((text) => {
    const item = parseItem(text.trim());
    if (item === undefined) throw new FilterError(option, `"${text}" ${MENDS[option]}`);
    return item;
  });
}

function parsePattern(text: string, allowed: RegExp): RegExp | undefined {
  if (!allowed.test(text)) return undefined;
  const parts = text.split(/\*+/).map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

function parseProtocol(text: string): Protocol | undefined {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 255) return { number: Number(text) };
  return PROTOCOLS.get(text.toLowerCase());
}

function parsePorts(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65_535 ? { first, last } : undefined;
}

function matchesName(patterns: readonly RegExp[] | undefined, name: string): boolean {
  return patterns?.some((pattern) => pattern.test(name)) ?? true;
}

function matchesProtocol(protocols: readonly Protocol[] | undefined, packet: Packet, flow: Flow): boolean {
  if (!protocols) return true;
  for (const { layer, etherType, number } of protocols) {
    if (layer !== undefined ? packet.has(layer) : flow.etherType === etherType || flow.protocol === number)
      return true;
  }
  return false;
}

function matchesAddress(prefixes: readonly Prefix[] | undefined, bytes: Uint8Array, flow: Flow): boolean {
  if (!prefixes) return true;
  const { source, destination, addressBytes } = flow;
  for (const prefix of prefixes) {
    if (matchesPrefix(prefix, bytes, source, addressBytes)) return true;
    if (matchesPrefix(prefix, bytes, destination, addressBytes)) return true;
  }
  return false;
}

function matchesPort(ranges: readonly PortRange[] | undefined, flow: Flow): boolean {
  if (!ranges) return true;
  for (const { first, last } of ranges) {
    if (flow.sourcePort >= first && flow.sourcePort <= last) return true;
    if (flow.destinationPort >= first && flow.destinationPort <= last) return true;
  }
  return false;
}
