/**
 * Floods an interface with Ethernet frames of given EtherTypes in turn, exactly as many as asked.
 *
 *   node test/load/ether-flood.ts --interface=lo --etherTypes=0x88cc,0x9999 --count=20000 [--ratePerSecond=0]
 *     [--payloadBytes=46] [--namespace=NAME] [--cpu=N]
 *
 * Needs CAP_NET_RAW. On a loopback interface every frame comes back in, and one that no protocol takes is
 * dropped there (UNHANDLED_PROTO). Prints `{"sent","seconds","cpuSeconds"}`.
 */

import { parseArgs } from 'node:util';
import koffi from 'koffi';
import { KernelError } from '../../agent/kernel/libc.ts';
import { type Flood, numberOf, type Place, startFlood, takePlace } from './child.ts';
import { openSocket, sendPaced } from './datagrams.ts';

export interface EtherFloodOptions extends Place {
  readonly interface: string;
  readonly etherTypes: readonly number[];
  readonly count: number;
  /** 0 for as fast as it goes, which is the default. */
  readonly ratePerSecond?: number;
  /** Bytes after the header. */
  readonly payloadBytes?: number;
}

/** Starts a flood in a process of its own. */
export function etherFlood(options: EtherFloodOptions): Flood {
  return startFlood(import.meta.filename, options);
}

const AF_PACKET = 17;
const SOCK_RAW = 3;
const HEADER_BYTES = 14;

/** A frame from nobody to the all-zero address, which is the loopback interface's own. */
function frame(etherType: number, payloadBytes: number): ArrayBuffer {
  const bytes = new ArrayBuffer(HEADER_BYTES + payloadBytes);
  new DataView(bytes).setUint16(12, etherType);
  return bytes;
}

/** `struct sockaddr_ll` for sending by an interface of this thread's namespace; nothing else in it counts. */
export function linkAddress(iface: string): ArrayBuffer {
  const address = new ArrayBuffer(20);
  const view = new DataView(address);
  view.setUint16(0, AF_PACKET, true);
  view.setInt32(4, interfaceIndex(iface), true);
  return address;
}

function interfaceIndex(name: string): number {
  const toIndex: (name: string) => number = koffi.load('libc.so.6').func('uint if_nametoindex(str name)');
  const index = toIndex(name);
  if (index === 0) throw new KernelError(`if_nametoindex(${name})`, koffi.errno());
  return index;
}

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      interface: { ...text, default: 'lo' },
      etherTypes: text,
      count: text,
      ratePerSecond: { ...text, default: '0' },
      payloadBytes: { ...text, default: '46' },
      namespace: text,
      cpu: text,
    },
  });
  takePlace({
    namespace: values.namespace,
    cpu: values.cpu === undefined ? undefined : numberOf('cpu', values.cpu),
  });
  const payloadBytes = numberOf('payloadBytes', values.payloadBytes);
  const etherTypes = (values.etherTypes ?? '').split(',').map((type) => numberOf('etherTypes', type));
  const result = sendPaced(
    openSocket(AF_PACKET, SOCK_RAW, 0),
    linkAddress(values.interface),
    etherTypes.map((type) => frame(type, payloadBytes)),
    numberOf('count', values.count),
    numberOf('ratePerSecond', values.ratePerSecond),
  );
  console.log(JSON.stringify(result));
}
