/**
 * Packets, and packets in tunnels: the dissector, what is said of a packet, the filters of captures, and captures. An input
 * is an EtherType, 0 for an Ethernet frame, and the packet.
 */
import { CaptureFilter, FilterError, type FilterOptions } from '../../../agent/capture/filter.ts';
import { CaptureSession, type CaughtPacket } from '../../../agent/capture/session.ts';
import { describePacket, formatPacket } from '../../../agent/packet/describe.ts';
import { Dissector } from '../../../agent/packet/dissect.ts';
import { type Flow, MOST_FLOWS, MOST_LAYERS, type Packet } from '../../../agent/packet/packet.ts';
import { builtPackets, deepPackets } from '../packets.ts';
import { digest, must, type Target } from '../target.ts';

const HEADER_BYTES = 2;
const FRAME = 0x6558;
const PACKETS_OF_A_KIND = 120;
const SNAP_LENGTH = 1024;
/** One input in so many is tried as the text of a filter's option. */
const FILTER_EVERY = 8;
const MOST_LINE = 2000;
const OPTIONS = ['reason', 'function', 'interface', 'protocol', 'address', 'port'] as const;

const DROP = { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', offset: 1, trap: '', interface: 'eth0' };

export function corpus(): Uint8Array[] {
  const built = [
    ...builtPackets('frames', PACKETS_OF_A_KIND),
    ...builtPackets('ip', PACKETS_OF_A_KIND),
    ...deepPackets(),
  ];
  const packets = built.map(({ etherType, bytes }) => {
    const type = etherType === FRAME ? 0 : etherType;
    return Uint8Array.from([type >> 8, type & 0xff, ...bytes]);
  });
  const texts = ['NO_SOCKET,TCP_*', 'udp,vxlan,89', '10.0.0.0/8,2001:db8::1', '53,8000-8999', 'eth0,veth*'];
  return [...packets, ...texts.map((text) => Uint8Array.from(Buffer.from(text)))];
}

export function open(input: Uint8Array): Target {
  const dissector = new Dissector();
  const filters = [
    { protocol: 'udp,vxlan,arp,89' },
    { address: '10.0.0.0/8,2001:db8::/33,192.0.2.77' },
    { port: '53,8000-60000', protocol: 'tcp,udp' },
    { reason: 'NO_*', interface: 'eth*', address: '0.0.0.0/0,::/0' },
  ].map((options) => new CaptureFilter(options));
  const totals = { packets: 0, headers: 0, truncated: 0, malformed: 0, 'nested too deep': 0 };
  const filtered = { 'kept by filters': 0, 'filters refused': 0, 'filters taken': 0 };
  const caught: { -readonly [K in keyof CaughtPacket]: CaughtPacket[K] } = {
    ...DROP,
    timeUs: 1,
    bytes: input,
    start: HEADER_BYTES,
    copied: 0,
    etherType: 0,
    length: 0,
    namespace: '',
    inbound: true,
  };
  let runs = 0;
  let written = 0;
  const session = new CaptureSession({
    source: {
      description: 'fuzz',
      poll: (take) => take(caught),
      lost: () => 0,
      [Symbol.dispose]() {},
    },
    filter: new CaptureFilter({}),
    snapLength: SNAP_LENGTH,
    section: { hardware: '', os: '', application: '' },
    sink: (bytes) => {
      written = bytes.length;
    },
    nowUs: () => 1,
  });

  function checkPacket(packet: Packet, start: number, end: number): void {
    const { layerCount, offsets, flowCount } = packet;
    must(
      layerCount <= MOST_LAYERS && flowCount >= 1 && flowCount <= MOST_FLOWS,
      'there are too many headers',
    );
    for (let i = 0; i < layerCount; i++) {
      must(
        offsets[i]! >= (i === 0 ? start : offsets[i - 1]!) && offsets[i]! <= end,
        'a header stands elsewhere',
      );
    }
    for (let i = 0; i < flowCount; i++) checkFlow(packet.flows[i]!, start, end);
  }

  function checkFlow(flow: Flow, start: number, end: number): void {
    const { ethernet, source, destination, addressBytes, vlans, vlanCount, tunnelHeader } = flow;
    const holds = (at: number, bytes: number) => at < 0 || (at >= start && at + bytes <= end);
    must(holds(ethernet, 14), 'MAC addresses lie outside');
    must(holds(source, addressBytes) && holds(destination, addressBytes), 'addresses lie outside');
    must(source < 0 === destination < 0, 'there is one address only');
    must(holds(vlans, vlanCount * 4), 'VLAN tags lie outside');
    must(holds(tunnelHeader, 4), "a tunnel's header lies outside");
  }

  function tryFilter(packet: Packet, text: string): void {
    for (const option of OPTIONS) {
      try {
        const options: FilterOptions = { [option]: text };
        if (new CaptureFilter(options).matches(packet, DROP)) filtered['kept by filters']++;
        filtered['filters taken']++;
      } catch (error) {
        if (!(error instanceof FilterError)) throw error;
        filtered['filters refused']++;
      }
    }
  }

  return {
    run(length) {
      const start = Math.min(HEADER_BYTES, length);
      const etherType = length < HEADER_BYTES ? 0 : (input[0]! << 8) | input[1]!;
      const packet =
        etherType === 0
          ? dissector.frame(input, start, length - start)
          : dissector.network(etherType, input, start, length - start);
      checkPacket(packet, start, length);
      totals.packets++;
      totals.headers += packet.layerCount;
      if (packet.truncated > 0) totals.truncated++;
      if (packet.malformed > 0) totals.malformed++;
      if (packet.tooDeep) totals['nested too deep']++;
      const line = formatPacket(packet);
      must(line.length > 0 && line.length < MOST_LINE && !line.includes('undefined'), `the line is ${line}`);
      const { layers, flows } = describePacket(packet);
      must(
        layers.length === packet.layerCount && flows.length === packet.flowCount,
        'the description lacks some',
      );
      let sum = 0;
      for (let i = 0; i < line.length; i++) sum = digest(sum, line.charCodeAt(i));
      for (const filter of filters) {
        const isKept = filter.matches(packet, DROP);
        if (isKept) filtered['kept by filters']++;
        sum = digest(sum, Number(isKept));
      }
      caught.start = start;
      caught.copied = length - start;
      caught.etherType = etherType;
      caught.length = length;
      session.poll();
      must(written % 4 === 0 && written > 0, 'a block of the capture is not padded');
      // The text may be long; the filter takes it as it is.
      if (runs++ % FILTER_EVERY === 0)
        tryFilter(packet, Buffer.from(input.subarray(0, length)).toString('latin1'));
      return sum;
    },
    bounds: () => [],
    counts: () => ({ ...totals, ...filtered }),
  };
}
