/**
 * Floods a UDP port with exactly as many datagrams as asked, at a steady rate.
 *
 *   node test/load/udp-flood.ts --host=127.0.0.1 --port=9 --count=20000 [--ratePerSecond=0] [--payloadBytes=32]
 *     [--segmentBytes=0] [--namespace=NAME] [--cpu=N]
 *
 * Prints `{"sent","seconds","cpuSeconds"}`. With `segmentBytes` each datagram is handed to the kernel as one
 * buffer that stands for payloadBytes / segmentBytes packets (UDP_SEGMENT).
 */

import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import { type Flood, numberOf, type Place, startFlood, takePlace } from './child.ts';
import { openSocket, sendPaced, setOption } from './datagrams.ts';

export interface UdpFloodOptions extends Place {
  /** An IPv4 or IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly count: number;
  /** 0 for as fast as it goes, which is the default. */
  readonly ratePerSecond?: number;
  readonly payloadBytes?: number;
  readonly segmentBytes?: number;
}

/** Starts a flood in a process of its own. */
export function udpFlood(options: UdpFloodOptions): Flood {
  return startFlood(import.meta.filename, options);
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(host: string, port: number): ArrayBuffer {
  const address = new ArrayBuffer(isIPv6(host) ? 28 : 16);
  const view = new DataView(address);
  view.setUint16(0, isIPv6(host) ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  if (isIPv6(host)) {
    const [head = '', tail = ''] = host.split('::');
    const groups = (text: string) =>
      text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
    groups(head).forEach((group, i) => {
      view.setUint16(8 + i * 2, group);
    });
    groups(tail)
      .reverse()
      .forEach((group, i) => {
        view.setUint16(22 - i * 2, group);
      });
  } else {
    host.split('.').forEach((byte, i) => {
      view.setUint8(4 + i, Number(byte));
    });
  }
  return address;
}

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      host: text,
      port: text,
      count: text,
      ratePerSecond: { ...text, default: '0' },
      payloadBytes: { ...text, default: '32' },
      segmentBytes: { ...text, default: '0' },
      namespace: text,
      cpu: text,
    },
  });
  const host = values.host ?? '127.0.0.1';
  takePlace({
    namespace: values.namespace,
    cpu: values.cpu === undefined ? undefined : numberOf('cpu', values.cpu),
  });
  const fd = openSocket(isIPv6(host) ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  const segmentBytes = numberOf('segmentBytes', values.segmentBytes);
  if (segmentBytes > 0) setOption(fd, SOL_UDP, UDP_SEGMENT, segmentBytes);
  const result = sendPaced(
    fd,
    socketAddress(host, numberOf('port', values.port)),
    [new ArrayBuffer(numberOf('payloadBytes', values.payloadBytes))],
    numberOf('count', values.count),
    numberOf('ratePerSecond', values.ratePerSecond),
  );
  console.log(JSON.stringify(result));
}
