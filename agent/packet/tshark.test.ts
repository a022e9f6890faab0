/** Dissects generated packets, and asks tshark what it finds in them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LinkType, PcapngWriter } from '../capture/pcapng.ts';
import { isMissing, run } from '../capture/testing/wireshark.ts';
import { describePacket, type FlowDescription } from './describe.ts';
import { Dissector } from './dissect.ts';
import { frames } from './testing/arbitrary.ts';
import type { Built } from './testing/built.ts';

const missing = isMissing('tshark');

/** What both say of a packet: lists over all its headers, the outermost first. */
type Found = Record<string, readonly (string | number)[]>;

/**
 * How tshark calls the headers. VLAN tags and ERSPAN are compared by their ids alone: it names stacked service tags once,
 * and ERSPAN also where that has no header.
 */
const LAYERS: Readonly<Record<string, string>> = {
  eth: 'Ethernet',
  arp: 'ARP',
  ip: 'IPv4',
  ipv6: 'IPv6',
  'ipv6.hopopts': 'hop-by-hop',
  'ipv6.routing': 'routing',
  'ipv6.fraghdr': 'fragment',
  'ipv6.dstopts': 'destination-options',
  ah: 'AH',
  esp: 'ESP',
  tcp: 'TCP',
  udp: 'UDP',
  sctp: 'SCTP',
  icmp: 'ICMP',
  icmpv6: 'ICMPv6',
  gre: 'GRE',
  vxlan: 'VXLAN',
  geneve: 'Geneve',
};

const VLAN_FIELDS = ['vlan.id', 'ieee8021ad.id', 'ieee8021ad.svid', 'ieee8021ad.cvid'];

/** Tshark's fields, and what a flow says of each. */
const FIELDS: Readonly<Record<string, (flow: FlowDescription) => string | number | undefined>> = {
  'eth.src': ({ source_mac }) => source_mac,
  'eth.dst': ({ destination_mac }) => destination_mac,
  'ip.src': ({ network, source }) => (network === 'IPv4' ? source : undefined),
  'ip.dst': ({ network, destination }) => (network === 'IPv4' ? destination : undefined),
  'ip.flags.mf': ({ network, more_fragments = false }) =>
    network === 'IPv4' ? Number(more_fragments) : undefined,
  'ipv6.src': ({ network, source }) => (network === 'IPv6' ? source : undefined),
  'ipv6.dst': ({ network, destination }) => (network === 'IPv6' ? destination : undefined),
  'arp.src.proto_ipv4': ({ network, source }) => (network === 'ARP' ? source : undefined),
  'arp.dst.proto_ipv4': ({ network, destination }) => (network === 'ARP' ? destination : undefined),
  'arp.opcode': ({ arp_operation }) => arp_operation,
  'udp.srcport': ({ protocol, source_port }) => (protocol === 'UDP' ? source_port : undefined),
  'udp.dstport': ({ protocol, destination_port }) => (protocol === 'UDP' ? destination_port : undefined),
  'tcp.srcport': ({ protocol, source_port }) => (protocol === 'TCP' ? source_port : undefined),
  'tcp.dstport': ({ protocol, destination_port }) => (protocol === 'TCP' ? destination_port : undefined),
  'tcp.flags.syn': ({ tcp_flags }) => tcp_flags && Number(tcp_flags.includes('SYN')),
  'tcp.flags.ack': ({ tcp_flags }) => tcp_flags && Number(tcp_flags.includes('ACK')),
  'tcp.flags.reset': ({ tcp_flags }) => tcp_flags && Number(tcp_flags.includes('RST')),
  'sctp.srcport': ({ protocol, source_port }) => (protocol === 'SCTP' ? source_port : undefined),
  'sctp.dstport': ({ protocol, destination_port }) => (protocol === 'SCTP' ? destination_port : undefined),
  'icmp.type': ({ protocol, icmp_type }) => (protocol === 'ICMP' ? icmp_type : undefined),
  'icmp.code': ({ protocol, icmp_code }) => (protocol === 'ICMP' ? icmp_code : undefined),
  'icmpv6.type': ({ protocol, icmp_type }) => (protocol === 'ICMPv6' ? icmp_type : undefined),
  'icmpv6.code': ({ protocol, icmp_code }) => (protocol === 'ICMPv6' ? icmp_code : undefined),
  'gre.key': ({ tunnel, tunnel_id }) => (tunnel === 'GRE' ? tunnel_id : undefined),
  'erspan.spanid': ({ tunnel, tunnel_id }) => (tunnel === 'ERSPAN' ? tunnel_id : undefined),
  'vxlan.vni': ({ tunnel, tunnel_id }) => (tunnel === 'VXLAN' ? tunnel_id : undefined),
  'geneve.vni': ({ tunnel, tunnel_id }) => (tunnel === 'Geneve' ? tunnel_id : undefined),
};

describe.skipIf(missing)('Dissector (needs tshark)', () => {
  const directory = missing ? '' : mkdtempSync(join(tmpdir(), 'netfall-packet-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('finds what tshark finds', () => {
    const packets = fc.sample(frames(3), { numRuns: 500, seed: 1 });
    const file = join(directory, 'packets.pcapng');
    writeFileSync(file, capture(packets));
    const dissector = new Dissector();
    const ours = packets.map(({ bytes }) => {
      const { layers, flows } = describePacket(dissector.frame(bytes, 0, bytes.length));
      const found: Found = { layers: layers.filter((layer) => layer !== 'VLAN' && layer !== 'ERSPAN') };
      for (const [field, say] of Object.entries(FIELDS)) {
        found[field] = flows.map(say).filter((value) => value !== undefined);
      }
      found['vlan'] = flows.flatMap(({ vlans = [] }) => vlans).sort((a, b) => a - b);
      return found;
    });
    expect(tshark(file)).toEqual(ours);
    // All that is compared stands in some packet.
    for (const field of Object.keys(FIELDS)) expect(ours.flatMap((found) => found[field])).not.toEqual([]);
    expect(new Set(ours.flatMap(({ layers }) => layers))).toEqual(new Set(Object.values(LAYERS)));
  });
});

function capture(packets: readonly Built[]): Buffer {
  const chunks: Buffer[] = [];
  const writer = new PcapngWriter((bytes) => chunks.push(Buffer.from(bytes)), {
    hardware: '',
    os: '',
    application: '',
  });
  const eth0 = { name: 'eth0', description: '', linkType: LinkType.ethernet, snapLength: 65_535 };
  const number = writer.addInterface({ ...eth0, resolution: 'us' });
  for (const { bytes } of packets) {
    const whole = { bytes, start: 0, length: bytes.length, originalLength: bytes.length };
    writer.packet({ interface: number, timestamp: 0, ...whole, comments: [], flags: 0, lostBefore: 0 });
  }
  writer.flush();
  return Buffer.concat(chunks);
}

function tshark(file: string): Found[] {
  const names = ['frame.protocols', ...VLAN_FIELDS, ...Object.keys(FIELDS)];
  const whole = ['ip.defragment', 'ipv6.defragment'].flatMap((option) => ['-o', `${option}:FALSE`]);
  const fields = names.flatMap((name) => ['-e', name]);
  return run('tshark', ['-n', '-r', file, ...whole, '-T', 'fields', ...fields]).map((line) => {
    const values = line.split('\t').map((text) => (text === '' ? [] : text.split(',').map(plain)));
    const read: Found = Object.fromEntries(names.map((name, i) => [name, values[i] ?? []]));
    const { 'frame.protocols': protocols = [], ...found } = read;
    const layers = protocols.flatMap((text) =>
      String(text)
        .split(':')
        .flatMap((name) => LAYERS[name] ?? []),
    );
    const vlan = VLAN_FIELDS.flatMap((name) => (found[name] ?? []).map(Number)).sort((a, b) => a - b);
    for (const name of VLAN_FIELDS) delete found[name];
    return { layers, ...found, vlan };
  });
}

/** Tshark writes some numbers in hexadecimal, and some IPv6 addresses partly in decimal. */
function plain(text: string): string | number {
  if (/^(0x[0-9a-f]+|\d+)$/.test(text)) return Number(text);
  return /^[0-9a-f:]*:[0-9a-f.]*\.[0-9.]+$/.test(text)
    ? new URL(`http://[${text}]`).hostname.slice(1, -1)
    : text;
}
