import { describe, expect, it } from 'vitest';
import { describePacket, formatPacket } from './describe.ts';
import { Dissector } from './dissect.ts';
import { type Address, type Built, payload } from './testing/built.ts';
import { ah, arp, ethernet, fragment, ipv4, ipv6, options } from './testing/network.ts';
import { erspan, esp, geneve, gre, icmp, icmpv6, tcp, udp, vxlan } from './testing/upper.ts';

const dissector = new Dissector();

const ip = (text: string): Address => ({ text, bytes: Uint8Array.from(text.split('.'), Number) });
const ip6 = (text: string, hex: string): Address => ({ text, bytes: Buffer.from(hex, 'hex') });
const mac = (text: string): Address => ({ text, bytes: Buffer.from(text.replaceAll(':', ''), 'hex') });

const between = { source: ip('10.0.0.1'), destination: ip('10.0.0.2') };
const outer = { source: ip('192.0.2.1'), destination: ip('192.0.2.2') };
const between6 = {
  source: ip6('2001:db8::1', '20010db8000000000000000000000001'),
  destination: ip6('fe80::1:0:0:2', 'fe800000000000000001000000000002'),
};
const link = { source: mac('02:00:00:00:00:01'), destination: mac('02:00:00:00:00:02') };
const none = new Uint8Array(0);
const dns = udp(53, 4242, payload(none));
const syn = tcp({ sourcePort: 4242, destinationPort: 80, flags: 0x002 });

function line(built: Built, length = built.bytes.length): string {
  const { bytes, etherType } = built;
  return formatPacket(
    etherType === 0x6558 ? dissector.frame(bytes, 0, length) : dissector.network(etherType, bytes, 0, length),
  );
}

describe('formatPacket', () => {
  it('says who talks to whom, and of what', () => {
    expect(line(ipv4(between, dns))).toBe('10.0.0.1:53 → 10.0.0.2:4242 UDP');
    expect(line(ipv6(between6, syn))).toBe('[2001:db8::1]:4242 → [fe80::1:0:0:2]:80 TCP SYN');
    const closing = tcp({ sourcePort: 80, destinationPort: 4242, flags: 0x011 });
    expect(line(ipv4(between, closing))).toBe('10.0.0.1:80 → 10.0.0.2:4242 TCP FIN ACK');
    expect(line(ipv4(between, icmp(8, 0, none)))).toBe('10.0.0.1 → 10.0.0.2 ICMP echo request');
    expect(line(ipv4(between, icmp(3, 1, none)))).toBe(
      '10.0.0.1 → 10.0.0.2 ICMP destination unreachable code 1',
    );
    expect(line(ipv4(between, icmp(135, 0, none)))).toBe('10.0.0.1 → 10.0.0.2 ICMP type 135');
    expect(line(ipv6(between6, options('hop-by-hop', 0, icmpv6(135, 0, none))))).toBe(
      '2001:db8::1 → fe80::1:0:0:2 ICMPv6 neighbor solicitation',
    );
    expect(line(ipv4(between, esp(none)))).toBe('10.0.0.1 → 10.0.0.2 ESP');
    expect(line(ipv4(between, payload(none, { protocol: 99 })))).toBe('10.0.0.1 → 10.0.0.2 protocol 99');
  });

  it('says what a frame is that holds no IP', () => {
    const asked = {
      senderMac: link.source,
      sender: ip('10.0.0.1'),
      targetMac: mac('00:00:00:00:00:00'),
      target: ip('10.0.0.2'),
    };
    expect(line(ethernet(link, arp({ ...asked, operation: 1 })))).toBe('10.0.0.1 → 10.0.0.2 ARP request');
    expect(line(ethernet(link, arp({ ...asked, operation: 9 })))).toBe('10.0.0.1 → 10.0.0.2 ARP operation 9');
    expect(line(ethernet(link, payload(none, { etherType: 0x88cc })))).toBe(
      '02:00:00:00:00:01 → 02:00:00:00:00:02 0x88cc',
    );
    const vlans = [
      { id: 100, etherType: 0x9100 },
      { id: 7, etherType: 0x8100 },
    ];
    expect(line(ethernet({ ...link, vlans }, ipv4(between, dns)))).toBe(
      '10.0.0.1:53 → 10.0.0.2:4242 UDP vlan 100.7',
    );
  });

  it('tells of fragments', () => {
    expect(line(ipv4({ ...between, moreFragments: true }, dns))).toBe(
      '10.0.0.1:53 → 10.0.0.2:4242 UDP fragment at 0',
    );
    expect(line(ipv6(between6, fragment(1480, false, payload(none, { protocol: 17 }))))).toBe(
      '2001:db8::1 → fe80::1:0:0:2 UDP fragment at 1480',
    );
  });

  it('shows the innermost flow first and what carries it', () => {
    const frame = ethernet(link, ipv4(between, syn));
    const flow = '10.0.0.1:4242 → 10.0.0.2:80 TCP SYN in';
    expect(line(ipv4(outer, vxlan(5555, 42, frame)))).toBe(
      `${flow} 192.0.2.1:5555 → 192.0.2.2:4789 VXLAN 42`,
    );
    expect(line(ipv4(outer, vxlan(5555, 42, frame, 8472)))).toBe(
      `${flow} 192.0.2.1:5555 → 192.0.2.2:8472 VXLAN 42`,
    );
    expect(line(ipv4(outer, geneve(5555, 7, none, ipv4(between, syn))))).toBe(
      `${flow} 192.0.2.1:5555 → 192.0.2.2:6081 Geneve 7`,
    );
    expect(line(ipv4(outer, geneve(5555, 7, new Uint8Array(252), frame)))).toBe(
      `${flow} 192.0.2.1:5555 → 192.0.2.2:6081 Geneve 7`,
    );
    expect(line(ipv4(outer, gre({}, ipv4(between, syn))))).toBe(`${flow} 192.0.2.1 → 192.0.2.2 GRE`);
    expect(line(ipv4(outer, gre({ checksum: true, key: 0xffff_ffff, sequence: 1 }, frame)))).toBe(
      `${flow} 192.0.2.1 → 192.0.2.2 GRE 4294967295`,
    );
    expect(line(ipv4(outer, erspan('II', 5, frame)))).toBe(`${flow} 192.0.2.1 → 192.0.2.2 ERSPAN 5`);
    expect(line(ipv6(between6, ipv4(outer, ipv4(between, syn))))).toBe(
      `${flow} 192.0.2.1 → 192.0.2.2 IPIP in 2001:db8::1 → fe80::1:0:0:2 IPIP`,
    );
  });

  it('says what is cut off, malformed, or too deep', () => {
    const tunnelled = ethernet(link, ipv4(outer, vxlan(5555, 42, ethernet(link, ipv4(between, syn)))));
    expect(line(tunnelled, 0)).toBe('no header (Ethernet truncated)');
    expect(line(tunnelled, 20)).toBe('02:00:00:00:00:01 → 02:00:00:00:00:02 IPv4 (IPv4 truncated)');
    expect(line(tunnelled, 37)).toBe('192.0.2.1 → 192.0.2.2 UDP (UDP truncated)');
    expect(line(tunnelled, 38)).toBe('192.0.2.1:5555 → 192.0.2.2:4789 UDP (UDP truncated)');
    expect(line(tunnelled, 50)).toBe('192.0.2.1:5555 → 192.0.2.2:4789 VXLAN 42 (Ethernet truncated)');
    let nested = ipv4(between, syn);
    for (let i = 0; i < 5; i++) nested = ipv4(outer, nested);
    const carrier = '192.0.2.1 → 192.0.2.2 IPIP';
    expect(line(nested)).toBe(`${Array(5).fill(carrier).join(' in ')} (nested too deep)`);
  });
});

describe('malformed packets', () => {
  /** The packet with bytes changed. */
  function changed({ bytes, ...built }: Built, changes: Readonly<Record<number, number>>): Built {
    const copy = Uint8Array.from(bytes);
    for (const [at, value] of Object.entries(changes)) copy[Number(at)] = value;
    return { ...built, bytes: copy };
  }

  const frame = ethernet(link, ipv4(between, syn));
  const arpRequest = arp({
    ...{ operation: 1, senderMac: link.source, sender: between.source },
    ...{ targetMac: mac('00:00:00:00:00:00'), target: between.destination },
  });
  const known = '10.0.0.1:53 → 10.0.0.2:4242 UDP';
  it.each<[string, Built, string]>([
    ['an IPv4 packet of version 5', changed(ipv4(between, dns), { 0: 0x55 }), 'IPv4 (IPv4 malformed)'],
    ['an IPv4 header of 16 bytes', changed(ipv4(between, dns), { 0: 0x44 }), 'IPv4 (IPv4 malformed)'],
    [
      'an IPv4 packet shorter than its header',
      changed(ipv4(between, dns), { 3: 19 }),
      'IPv4 (IPv4 malformed)',
    ],
    ['an IPv6 packet of version 4', changed(ipv6(between6, dns), { 0: 0x40 }), 'IPv6 (IPv6 malformed)'],
    ['a UDP length of 7', changed(ipv4(between, dns), { 25: 7 }), `${known} (UDP malformed)`],
    ['a UDP length beyond the packet', changed(ipv4(between, dns), { 25: 9 }), `${known} (UDP malformed)`],
    [
      'a packet that ends within its UDP header',
      changed(ipv4(between, dns), { 3: 27 }),
      `${known} (UDP malformed)`,
    ],
    [
      'a TCP header of 16 bytes',
      changed(ipv4(between, syn), { 32: 0x40 }),
      '10.0.0.1:4242 → 10.0.0.2:80 TCP (TCP malformed)',
    ],
    ['ARP whose IPv4 addresses have 5 bytes', changed(arpRequest, { 5: 5 }), 'ARP request (ARP malformed)'],
    [
      'an AH of 8 bytes',
      changed(ipv4(between, ah(new Uint8Array(4), dns)), { 21: 0 }),
      '10.0.0.1 → 10.0.0.2 IPv4 (AH malformed)',
    ],
    [
      'VXLAN without a network identifier',
      changed(ipv4(outer, vxlan(5, 42, frame)), { 28: 0 }),
      '192.0.2.1:5 → 192.0.2.2:4789 UDP (VXLAN malformed)',
    ],
    [
      'Geneve of another version',
      changed(ipv4(outer, geneve(5, 42, none, frame)), { 28: 0x40 }),
      '192.0.2.1:5 → 192.0.2.2:6081 UDP (Geneve malformed)',
    ],
    [
      'ERSPAN of another version',
      changed(ipv4(outer, erspan('II', 5, frame)), { 28: 0x30 }),
      '192.0.2.1 → 192.0.2.2 GRE (ERSPAN malformed)',
    ],
    [
      'a packet longer than the one that carries it',
      changed(ipv4(outer, ipv4(between, syn)), { 23: 41 }),
      '10.0.0.1 → 10.0.0.2 TCP in 192.0.2.1 → 192.0.2.2 IPIP (IPv4 malformed)',
    ],
  ])('%s', (_, built, text) => {
    expect(line(built)).toBe(text);
  });

  it('are not those with lengths that are written later, of first fragments, or that are padded', () => {
    expect(line(changed(ipv4(between, dns), { 3: 0, 25: 0 }))).toBe(known);
    expect(line(changed(ipv6(between6, dns), { 5: 0 }))).toBe('[2001:db8::1]:53 → [fe80::1:0:0:2]:4242 UDP');
    const long = changed(ipv4({ ...between, moreFragments: true }, dns), { 24: 0xff });
    expect(line(long)).toBe(`${known} fragment at 0`);
    const long6 = changed(ipv6(between6, fragment(0, true, dns)), { 52: 0xff });
    expect(line(long6)).toBe('[2001:db8::1]:53 → [fe80::1:0:0:2]:4242 UDP fragment at 0');
    const { bytes, ...built } = ethernet(link, ipv4(between, dns));
    expect(line({ ...built, bytes: Buffer.concat([bytes, new Uint8Array(18)]) })).toBe(known);
  });

  it('are not those that are passed over: GRE of PPTP or with routes, other ARP, extension headers in IPv4', () => {
    const built = ipv4(outer, gre({}, ipv4(between, syn)));
    expect(line(changed(built, { 21: 1 }))).toBe('192.0.2.1 → 192.0.2.2 GRE');
    expect(line(changed(built, { 20: 0x40 }))).toBe('192.0.2.1 → 192.0.2.2 GRE');
    expect(line(changed(arpRequest, { 2: 0x12, 5: 2 }))).toBe('ARP request');
    const notFragment = payload(new Uint8Array(8), { protocol: 44 });
    expect(line(ipv4(between, notFragment))).toBe('10.0.0.1 → 10.0.0.2 protocol 44');
  });
});

it('describePacket leaves out what is not known', () => {
  const { bytes } = ethernet(link, ipv4(between, syn));
  const macs = { source_mac: link.source.text, destination_mac: link.destination.text };
  expect(describePacket(dissector.frame(bytes, 0, 30))).toEqual({
    layers: ['Ethernet'],
    flows: [{ ...macs, network: 'IPv4' }],
    truncated: 'IPv4',
  });
  expect(describePacket(dissector.frame(bytes, 0, bytes.length))).toEqual({
    layers: ['Ethernet', 'IPv4', 'TCP'],
    flows: [
      {
        ...macs,
        network: 'IPv4',
        source: '10.0.0.1',
        destination: '10.0.0.2',
        protocol: 'TCP',
        source_port: 4242,
        destination_port: 80,
        tcp_flags: ['SYN'],
      },
    ],
  });
});
