/**
 * Sends what a fleet in trouble does, netoops dumps and extended netconsole messages, from as many addresses of 127.0.0.0/8
 * as there are hosts, by one socket, at a steady rate and exactly as many datagrams as asked.
 *
 *   node test/load/crash-flood.ts --netoopsPort=2004 --netconsolePort=6666 --count=1000000 [--rate=150000] [--senders=1000]
 *     [--netoopsShare=0.5] [--host=127.0.0.1] [--seed=1] [--namespace=NAME] [--cpu=N]
 *   node test/load/crash-flood.ts … --spoofed=1000000 [--payload=random]
 *
 * With only one port there is only that protocol. Hosts are 127.1.0.0 and up. With `spoofed` each datagram comes from another
 * address from 127.16.0.0 on, which all take turns: the first packet of a dump, or a message, or random bytes. Prints
 * `{"sent","seconds","cpuSeconds"}`. See crash-traffic.ts for what is sent.
 */

import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { type Flood, numberOf, type Place, startFlood, takePlace } from './child.ts';
import { fleetTraffic, forgedTraffic, LONGEST_DATAGRAM, MOST_FORGED, MOST_HOSTS } from './crash-traffic.ts';
import { DatagramBatch, openSocket, sendWritten, type WriteDatagram } from './datagrams.ts';
import { socketAddress } from './udp-flood.ts';

export interface CrashFloodOptions extends Place {
  /** An IPv4 address of this machine's. Default: 127.0.0.1. */
  readonly host?: string;
  /** At least one of the two. */
  readonly netoopsPort?: number;
  readonly netconsolePort?: number;
  readonly count: number;
  /** Datagrams a second; 0 for as fast as it goes, which is the default. */
  readonly rate?: number;
  /** Which part of the datagrams is netoops, 0 to 1. Default: a half, or what there is a port for. */
  readonly netoopsShare?: number;
  /** How many hosts send. Default: 1000. */
  readonly senders?: number;
  /** Forged addresses, instead of hosts. */
  readonly spoofed?: number;
  /** What comes from forged addresses. Default: wellFormed. */
  readonly payload?: 'wellFormed' | 'random';
  readonly seed?: number;
}

/** Starts a flood in a process of its own. */
export function crashFlood(options: CrashFloodOptions): Flood {
  return startFlood(import.meta.filename, options);
}

const AF_INET = 2;
const SOCK_DGRAM = 2;

function portOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  return between(name, numberOf(name, text), 1, 65535);
}

function between(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new RangeError(`--${name} must be from ${least} to ${most}, not ${value}`);
}

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      host: { ...text, default: '127.0.0.1' },
      netoopsPort: text,
      netconsolePort: text,
      count: text,
      rate: { ...text, default: '0' },
      netoopsShare: text,
      senders: { ...text, default: '1000' },
      spoofed: text,
      payload: { ...text, default: 'wellFormed' },
      seed: { ...text, default: '1' },
      namespace: text,
      cpu: text,
    },
  });
  if (!isIPv4(values.host)) throw new RangeError(`--host must be an IPv4 address, not '${values.host}'`);
  const netoopsPort = portOf('netoopsPort', values.netoopsPort);
  const netconsolePort = portOf('netconsolePort', values.netconsolePort);
  if (netoopsPort === null && netconsolePort === null) {
    throw new RangeError('--netoopsPort or --netconsolePort must say where to send');
  }
  const usualShare = netconsolePort === null ? 1 : netoopsPort === null ? 0 : 0.5;
  const netoopsShare = between('netoopsShare', Number(values.netoopsShare ?? usualShare), 0, 1);
  if ((netoopsShare > 0 && netoopsPort === null) || (netoopsShare < 1 && netconsolePort === null)) {
    throw new RangeError(`--netoopsShare=${netoopsShare} needs the other port, too`);
  }
  if (values.payload !== 'wellFormed' && values.payload !== 'random') {
    throw new RangeError(`--payload must be wellFormed or random, not '${values.payload}'`);
  }
  const seed = numberOf('seed', values.seed);
  const random = values.payload === 'random';
  if (random && values.spoofed === undefined) throw new RangeError('--payload=random needs --spoofed');
  let write: WriteDatagram;
  if (values.spoofed === undefined) {
    const hosts = between('senders', numberOf('senders', values.senders), 1, MOST_HOSTS);
    write = fleetTraffic({ hosts, netoopsShare, seed });
  } else {
    const addresses = between('spoofed', numberOf('spoofed', values.spoofed), 1, MOST_FORGED);
    write = forgedTraffic({ addresses, netoopsShare, random, seed });
  }
  takePlace({
    namespace: values.namespace,
    cpu: values.cpu === undefined ? undefined : numberOf('cpu', values.cpu),
  });
  // Where no port is given, no datagram goes.
  const destinations = [netoopsPort, netconsolePort].map((port) => socketAddress(values.host, port ?? 0));
  const result = sendWritten(
    openSocket(AF_INET, SOCK_DGRAM, 0),
    new DatagramBatch(LONGEST_DATAGRAM, destinations),
    write,
    numberOf('count', values.count),
    numberOf('rate', values.rate),
  );
  console.log(JSON.stringify(result));
}
