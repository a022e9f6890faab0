/** For tests: sampled packets. */
import { DropOrigin, type DropSample, type Flow } from '@netfall/proto';

export function aFlow(part: Partial<Flow> = {}): Flow {
  return {
    source: '10.1.2.3',
    destination: '10.9.0.4',
    protocol: 'UDP',
    source_port: 0,
    destination_port: 0,
    vlans: [],
    tunnel_id: 0,
    detail: '',
    ...part,
  };
}

/** A datagram over IPv4 on the loopback interface. */
export function aSample(part: Partial<DropSample> = {}): DropSample {
  return {
    observed_us: 1_772_359_200_000_000,
    reason: 'NO_SOCKET',
    function: '__udp4_lib_rcv',
    origin: DropOrigin.DROP_ORIGIN_SOFTWARE,
    trap: '',
    interface: 'lo',
    namespace: '',
    length: 70,
    flows: [aFlow({ source_port: 51_514, destination_port: 8125 })],
    header: new Uint8Array(),
    ether_type: 0,
    ...part,
  };
}
