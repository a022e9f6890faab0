import { describe, expect, it } from 'vitest';
import { Dissector } from '../packet/dissect.ts';
import { type Address, type Built, payload } from '../packet/testing/built.ts';
import { arp, ethernet, ipv4, ipv6 } from '../packet/testing/network.ts';
import { icmp, tcp, udp, vxlan } from '../packet/testing/upper.ts';
import type { DropLabel } from './drop.ts';
import { CaptureFilter, FilterError, type FilterOptions } from './filter.ts';

const ip = (text: string): Address => ({ text, bytes: Uint8Array.from(text.split('.'), Number) });
const mac: Address = { text: '', bytes: new Uint8Array(6) };
const between = { source: ip('10.1.0.1'), destination: ip('10.2.0.2') };
const outer = { source: ip('192.0.2.1'), destination: ip('192.0.2.2') };
const link = { source: mac, destination: mac };
const v6 = {
  source: { text: '', bytes: Buffer.from('20010db8000000000000000000000001', 'hex') },
  destination: { text: '', bytes: Buffer.from('fe800000000000000000000000000002', 'hex') },
};
const none = new Uint8Array(0);
const syn = tcp({ sourcePort: 4242, destinationPort: 80, flags: 2 });

const packets = {
  dns: ethernet(link, ipv4(between, udp(53, 4242, payload(none)))),
  ping: ethernet(link, ipv4(between, icmp(8, 0, none))),
  web6: ethernet({ ...link, vlans: [{ id: 7, etherType: 0x8100 }] }, ipv6(v6, syn)),
  overlay: ethernet(link, ipv4(outer, vxlan(5555, 42, ethernet(link, ipv4(between, syn))))),
  arp: ethernet(
    link,
    arp({ operation: 1, senderMac: mac, sender: ip('10.1.0.1'), targetMac: mac, target: ip('10.1.0.9') }),
  ),
  lldp: ethernet(link, payload(none, { etherType: 0x88cc })),
} satisfies Record<string, Built>;

const noSocket: DropLabel = {
  reason: 'NO_SOCKET',
  function: '__udp4_lib_rcv',
  offset: 16,
  trap: '',
  interface: 'eth0',
};
const dissector = new Dissector();

/** The names of the packets that the options keep. */
function kept(options: FilterOptions): string[] {
  const filter = new CaptureFilter(options);
  return Object.entries(packets)
    .filter(([, { bytes }]) => filter.matches(dissector.frame(bytes, 0, bytes.length), noSocket))
    .map(([name]) => name);
}

function keepsDrop(options: FilterOptions, drop: Partial<DropLabel>): boolean {
  return new CaptureFilter(options).matches(dissector.frame(none, 0, 0), { ...noSocket, ...drop });
}

describe('CaptureFilter', () => {
  it('keeps everything without options', () => {
    expect(kept({})).toEqual(Object.keys(packets));
    expect(keepsDrop({}, { reason: '', function: '', interface: '' })).toBe(true);
  });

  it('knows drops by reason, function and interface', () => {
    const reason = 'no_socket, TCP_*';
    expect(keepsDrop({ reason }, {})).toBe(true);
    expect(keepsDrop({ reason }, { reason: 'TCP_CSUM' })).toBe(true);
    expect(keepsDrop({ reason }, { reason: 'NO_SOCKETS' })).toBe(false);
    expect(keepsDrop({ reason }, { reason: '' })).toBe(false);
    expect(keepsDrop({ function: '*udp*_rcv' }, {})).toBe(true);
    expect(keepsDrop({ function: 'udp*' }, {})).toBe(false);
    expect(keepsDrop({ function: 'ip_rcv.isra.0' }, { function: 'ip_rcvXisraX0' })).toBe(false);
    expect(keepsDrop({ interface: 'lo,eth*' }, {})).toBe(true);
    expect(keepsDrop({ interface: 'br-lan.100' }, { interface: 'br-lan.100' })).toBe(true);
    expect(keepsDrop({ interface: 'eth1' }, {})).toBe(false);
    expect(keepsDrop({ reason, function: 'udp*' }, {})).toBe(false);
  });

  it('knows packets by protocol, at any depth', () => {
    expect(kept({ protocol: 'udp' })).toEqual(['dns', 'overlay']);
    expect(kept({ protocol: 'TCP' })).toEqual(['web6', 'overlay']);
    expect(kept({ protocol: 'icmp,arp' })).toEqual(['ping', 'arp']);
    expect(kept({ protocol: 'ipv4' })).toEqual(['dns', 'ping', 'overlay']);
    expect(kept({ protocol: 'ipv6' })).toEqual(['web6']);
    expect(kept({ protocol: 'vlan' })).toEqual(['web6']);
    expect(kept({ protocol: 'vxlan' })).toEqual(['overlay']);
    expect(kept({ protocol: '1' })).toEqual(['ping']);
    expect(kept({ protocol: 'sctp' })).toEqual([]);
  });

  it('knows packets by address and port, of either end and at any depth', () => {
    expect(kept({ address: '10.1.0.0/16' })).toEqual(['dns', 'ping', 'overlay', 'arp']);
    expect(kept({ address: '10.2.0.2' })).toEqual(['dns', 'ping', 'overlay']);
    expect(kept({ address: '192.0.2.2' })).toEqual(['overlay']);
    expect(kept({ address: '2001:db8::/32,10.1.0.9' })).toEqual(['web6', 'arp']);
    expect(kept({ port: '53' })).toEqual(['dns']);
    expect(kept({ port: '4000-4300' })).toEqual(['dns', 'web6', 'overlay']);
    expect(kept({ port: '79,4789' })).toEqual(['overlay']);
    expect(kept({ port: '0' })).toEqual([]);
  });

  it('asks for protocol, address and port in one and the same flow', () => {
    expect(kept({ protocol: 'udp', port: '80' })).toEqual([]);
    expect(kept({ protocol: 'tcp', address: '192.0.2.1' })).toEqual([]);
    expect(kept({ protocol: 'tcp', address: '10.1.0.1', port: '80' })).toEqual(['overlay']);
    expect(kept({ protocol: 'vxlan', port: '80' })).toEqual(['overlay']);
    expect(kept({ protocol: 'vxlan', address: '192.0.2.1' })).toEqual(['overlay']);
    expect(kept({ address: '10.1.0.1', port: '53', reason: 'TCP_*' })).toEqual([]);
  });

  it('keeps no packet whose headers were cut off when they are asked for', () => {
    const { bytes } = packets.dns;
    const cut = dissector.frame(bytes, 0, 30);
    expect(new CaptureFilter({ protocol: 'udp' }).matches(cut, noSocket)).toBe(false);
    expect(new CaptureFilter({ protocol: 'ipv4' }).matches(cut, noSocket)).toBe(true);
    expect(new CaptureFilter({ address: '0.0.0.0/0' }).matches(cut, noSocket)).toBe(false);
    expect(new CaptureFilter({ port: '0-65535' }).matches(cut, noSocket)).toBe(false);
  });

  it.each<[FilterOptions, string]>([
    [{ reason: 'no socket' }, '--reason: "no socket" is no drop reason: give names like NO_SOCKET or TCP_*'],
    [{ reason: 'NO_SOCKET,' }, '--reason: "" is no drop reason: give names like NO_SOCKET or TCP_*'],
    [
      { function: '__udp4_lib_rcv+0x9a2' },
      '--function: "__udp4_lib_rcv+0x9a2" is no kernel function: give names without offset, like __udp4_lib_rcv or tcp_*',
    ],
    [{ interface: 'eth0/1' }, '--interface: "eth0/1" is no interface: give names like eth0 or veth*'],
    [
      { protocol: 'tcp,quic' },
      '--protocol: "quic" is no protocol: give one of arp, ipv4, ipv6, vlan, vxlan, geneve, erspan, ah, icmp, igmp, ipip, ' +
        'tcp, udp, dccp, sit, gre, esp, icmpv6, ospf, pim, vrrp, sctp, udplite, or an IP protocol number up to 255',
    ],
    [{ protocol: '256' }, '--protocol: "256" is no protocol: give one of arp'],
    [
      { address: '10.0.0.300' },
      '--address: "10.0.0.300" is no address: give ones like 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32',
    ],
    [
      { port: '65536' },
      '--port: "65536" is no port: give ones up to 65535 like 53, or ranges like 8000-8999',
    ],
    [{ port: '9-8' }, '--port: "9-8" is no port'],
    [{ port: 'dns' }, '--port: "dns" is no port'],
    [{ port: Array(65).fill('1').join() }, '--port: there are 65 of them: give at most 64'],
  ])('names what is wrong with %o, and the mend', (options, message) => {
    expect(() => new CaptureFilter(options)).toThrow(FilterError);
    expect(() => new CaptureFilter(options)).toThrow(
      expect.objectContaining({
        code: 'FILTER',
        option: Object.keys(options)[0],
        message: expect.stringContaining(message),
      }),
    );
  });
});
