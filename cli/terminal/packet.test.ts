import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aFlow, aSample } from '../testing/samples.ts';
import { packetLine } from './packet.ts';

const tcp = { protocol: 'TCP', source_port: 443, destination_port: 50_122, detail: 'SYN ACK' };
const v6 = { source: '2001:db8::1', destination: '::1' };

it.each([
  [
    aSample({ interface: 'eth0', namespace: 'pod shop/web-1' }),
    '10.1.2.3:51514 > 10.9.0.4:8125 UDP · eth0 · pod shop/web-1',
  ],
  [aSample({ flows: [aFlow({ ...v6, ...tcp })] }), '[2001:db8::1]:443 > [::1]:50122 TCP SYN ACK · lo'],
  [
    aSample({ flows: [aFlow({ ...v6, protocol: 'ICMPv6', detail: 'echo request' })] }),
    '2001:db8::1 > ::1 ICMPv6 echo request · lo',
  ],
  [
    aSample({ flows: [aFlow({ protocol: 'VXLAN', tunnel_id: 42, vlans: [5, 7] }), aFlow(tcp)] }),
    '10.1.2.3:443 > 10.9.0.4:50122 TCP SYN ACK in 10.1.2.3 > 10.9.0.4 VXLAN 42 vlan 5 vlan 7 · lo',
  ],
  [aSample({ flows: [aFlow({ source: '', destination: '', protocol: 'LLDP' })] }), 'LLDP · lo'],
  [aSample({ flows: [aFlow({ source: '' })] }), '? > 10.9.0.4 UDP · lo'],
  [aSample({ flows: [aFlow({ source: '', destination: '', protocol: '' })], interface: '' }), '70 bytes'],
  [aSample({ flows: [], namespace: 'netns \x1b[2Jblue\n' }), '70 bytes · lo · netns blue·'],
])('%#', (sample, line) => {
  expect(packetLine(sample)).toBe(line);
});

it('leaves out the ends of tunnels where there is no room for them', () => {
  const flows = [aFlow({ protocol: 'VXLAN', tunnel_id: 42 }), aFlow(tcp)];
  const whole = '10.1.2.3:443 > 10.9.0.4:50122 TCP SYN ACK in 10.1.2.3 > 10.9.0.4 VXLAN 42 · lo';
  expect(packetLine(aSample({ flows }), whole.length)).toBe(whole);
  const short = '10.1.2.3:443 > 10.9.0.4:50122 TCP SYN ACK in VXLAN 42 · lo';
  expect(packetLine(aSample({ flows }), whole.length - 1)).toBe(short);
  expect(packetLine(aSample({ flows }), 1)).toBe(short);
});

it('is one line without control sequences, whatever the network sent', () => {
  const text = fc.string({ unit: 'binary' });
  const flow = fc.record({ source: text, destination: text, protocol: text, detail: text }).map(aFlow);
  fc.assert(
    fc.property(fc.array(flow, { maxLength: 8 }), text, text, (flows, iface, namespace) => {
      expect(packetLine(aSample({ flows, interface: iface, namespace }))).not.toMatch(/\p{Cc}/u);
    }),
  );
});
