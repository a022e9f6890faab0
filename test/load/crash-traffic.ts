/**
 * Which datagram is the n-th that a fleet in trouble sends: netoops dumps and extended netconsole messages of many hosts in
 * turn, or datagrams with forged senders. All is prepared; of a datagram only the few bytes are written that differ. A
 * datagram is a function of its number. Knows the two protocols, and neither sockets nor pacing.
 */

import { Random } from '../fuzz/random.ts';
import type { Slots, WriteDatagram } from './datagrams.ts';
import { kernelLog, kernelRecords } from './kernel-log.ts';
import { extendedDatagrams } from './netconsole.ts';
import { netoopsDatagrams, segmentsOf, TRANSMISSIONS } from './netoops.ts';

/** Which destination is which. */
export const TO_NETOOPS = 0;
export const TO_NETCONSOLE = 1;
/** Bytes that slots must have. */
export const LONGEST_DATAGRAM = 1472;

/** 127.1.0.0, the first host's address; the others follow. */
const FIRST_HOST = 0x7f01_0000;
/** 127.16.0.0, from where on forged addresses are. */
const FIRST_FORGED = 0x7f10_0000;
/** What there is from there to below 127.255.255.255, which is no one's. */
export const MOST_FORGED = 0x7fff_ffff - FIRST_FORGED;
/** Has no divisor in common with MOST_FORGED: multiples of it are all different. Neighbours in time are none in address. */
const FORGED_STEP = 9_999_991;
export const MOST_HOSTS = FIRST_FORGED - FIRST_HOST;

const KERNEL = '6.12.48-amd64';
/** Logs that hosts die with: of one piece, two and so on. */
const LOGS = 8;
/** Messages until their texts come again. */
const MESSAGES = 512;
/** Random datagrams until they come again. */
const RANDOM_DATAGRAMS = 1024;
/** Where dump_id stands in version 2. */
const DUMP_ID_AT = 6;

/** A number in a message is `1`, these digits and whatever follows. */
const DIGITS = 9;
const FIRST_SEQ = 1_000_000_000;
/** Microseconds: the digits count milliseconds. */
const FIRST_UPTIME_US = 1_000_000_000_000;

export interface FleetTraffic {
  readonly hosts: number;
  /** Which part of the datagrams is netoops, 0 to 1; the rest is netconsole. */
  readonly netoopsShare: number;
  readonly seed: number;
}

/**
 * Hosts that take turns. Each sends one netoops dump after another, three times each as the driver does, and in between
 * messages whose seq and msgid count up by one.
 */
export function fleetTraffic({ hosts, netoopsShare, seed }: FleetTraffic): WriteDatagram {
  const dumps = dumpsOf(seed);
  const messages = messagesOf(seed);
  return (slots, slot, n) => {
    const host = n % hosts;
    const turn = Math.floor(n / hosts);
    // Hosts begin at different places of the mixture, so that at any time there is something of both.
    const before = Math.floor((turn + host) * netoopsShare);
    const netoopsSent = before - Math.floor(host * netoopsShare);
    if (Math.floor((turn + host + 1) * netoopsShare) > before) {
      const dump = dumps[host % LOGS]!;
      const inDump = netoopsSent % (dump.length * TRANSMISSIONS);
      const nth = (netoopsSent - inDump) / (dump.length * TRANSMISSIONS);
      const at = slots.put(slot, dump[inDump % dump.length]!, FIRST_HOST + host, TO_NETOOPS);
      slots.view.setUint16(at + DUMP_ID_AT, host + nth, true);
    } else {
      putMessage(slots, slot, messages, turn - netoopsSent, FIRST_HOST + host);
    }
  };
}

export interface ForgedTraffic {
  /** How many addresses; each sends once until all have. */
  readonly addresses: number;
  readonly netoopsShare: number;
  /** Random bytes to both ports, instead of the first packet of a dump and a message's first datagram. */
  readonly random: boolean;
  readonly seed: number;
}

/** Each datagram comes from another address than those before it. */
export function forgedTraffic({ addresses, netoopsShare, random, seed }: ForgedTraffic): WriteDatagram {
  const dumps = dumpsOf(seed);
  const messages = messagesOf(seed);
  const noise = random ? randomDatagrams(seed) : [];
  return (slots, slot, n) => {
    const source = FIRST_FORGED + (((n % addresses) * FORGED_STEP) % MOST_FORGED);
    const netoops = Math.floor((n + 1) * netoopsShare) > Math.floor(n * netoopsShare);
    if (random) {
      slots.put(slot, noise[n % RANDOM_DATAGRAMS]!, source, netoops ? TO_NETOOPS : TO_NETCONSOLE);
    } else if (netoops) {
      const at = slots.put(slot, dumps[n % LOGS]![0]!, source, TO_NETOOPS);
      slots.view.setUint16(at + DUMP_ID_AT, n, true);
    } else {
      putMessage(slots, slot, messages, n, source);
    }
  };
}

/** One transmission of a dump of each log: of 1, 2 and so on pieces, every other log wrapped. */
function dumpsOf(seed: number): readonly Uint8Array[][] {
  return Array.from({ length: LOGS }, (_, i) => {
    const lastBytes = 100 * (i + 1);
    const log = kernelLog(seed + i, 1024 * i + lastBytes);
    // The newer segment is a little shorter than whole pieces are, so that no piece is sent as zeros.
    const segments = segmentsOf(log, i % 2 === 0 ? 0 : lastBytes + 24);
    return netoopsDatagrams({
      segments,
      kernelVersion: KERNEL,
      seconds: 0,
      format: { version: 2 },
      transmissions: 1,
    });
  });
}

/** Datagrams of messages, and where in them the digits are that differ from one time to the next. */
interface MessageDatagram {
  readonly bytes: Uint8Array;
  /** Which message of the cycle it belongs to. */
  readonly message: number;
  readonly seqAt: number;
  readonly uptimeAt: number;
  /** -1 in fragments that have no msgid. */
  readonly msgidAt: number;
}

function messagesOf(seed: number): readonly MessageDatagram[] {
  const datagrams: MessageDatagram[] = [];
  let message = 0;
  for (const { text, priority } of kernelRecords(seed)) {
    const record = { text, priority, seq: FIRST_SEQ, uptimeUs: FIRST_UPTIME_US, caller: 'T4242' };
    const userdata = [['msgid', String(FIRST_SEQ)]] as const;
    const sent = extendedDatagrams(record, { release: KERNEL, userdata }).map((bytes) => {
      const seqAt = `${KERNEL},${priority},1`.length;
      const uptimeAt = seqAt + DIGITS + ',1'.length;
      const msgid = Buffer.from(bytes).indexOf(` msgid=${FIRST_SEQ}`);
      return { bytes, message, seqAt, uptimeAt, msgidAt: msgid < 0 ? -1 : msgid + ' msgid=1'.length };
    });
    // A cut through the number would leave too few digits on either side.
    if (!sent.some(({ msgidAt }) => msgidAt >= 0)) continue;
    datagrams.push(...sent);
    message++;
    if (message === MESSAGES) break;
  }
  return datagrams;
}

/** The n-th datagram of a host's messages. */
function putMessage(
  slots: Slots,
  slot: number,
  messages: readonly MessageDatagram[],
  n: number,
  source: number,
): void {
  const place = n % messages.length;
  const { bytes, message, seqAt, uptimeAt, msgidAt } = messages[place]!;
  const number = ((n - place) / messages.length) * MESSAGES + message;
  const at = slots.put(slot, bytes, source, TO_NETCONSOLE);
  putDigits(slots.view, at + seqAt, number);
  putDigits(slots.view, at + uptimeAt, number);
  if (msgidAt >= 0) putDigits(slots.view, at + msgidAt, number);
}

function putDigits(view: DataView, at: number, number: number): void {
  let rest = number | 0;
  for (let i = DIGITS - 1; i >= 0; i--) {
    const next = (rest / 10) | 0;
    view.setUint8(at + i, 0x30 + rest - next * 10);
    rest = next;
  }
}

function randomDatagrams(seed: number): readonly Uint8Array[] {
  const random = new Random();
  return Array.from({ length: RANDOM_DATAGRAMS }, (_, i) => {
    random.begin(seed, i);
    return Uint8Array.from({ length: random.below(LONGEST_DATAGRAM + 1) }, () => random.below(256));
  });
}
