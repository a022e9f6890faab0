/**
 * Batches of datagrams from the drop monitor, as a reception takes them: through tap and counter into rows, samples and
 * losses, which are reported. What the counter says is compared with what a reader of its own finds in the same bytes. An
 * input is datagrams, each behind its length of 16 bits.
 */
import { MessageCursor } from '../../../agent/kernel/netlink/message.ts';
import { AlertReader, type Range } from '../../../agent/sources/drop-monitor/alert-reader.ts';
import { readConfig, readStats } from '../../../agent/sources/drop-monitor/requests.ts';
import {
  configNew,
  hardwareSummary,
  packetAlert,
  statsNew,
  summaryAlert,
} from '../../../agent/sources/drop-monitor/testing/alert-writer.ts';
import { builtPackets } from '../packets.ts';
import { Report } from '../report.ts';
import { MOST_KINDS, TappedCounter, TRUNCATION_BYTES } from '../tapped-counter.ts';
import { digest, must, type Target } from '../target.ts';

const PACKETS_OF_A_KIND = 20;
/** A counter's table of kinds is full after some thousand runs: one counter is kept for all, another is renewed. */
const RENEWED_EVERY = 16_384;
const RANGES = ['symbol', 'reason', 'trapGroup', 'trap', 'inName', 'payload', 'cookie'] as const;

/** Datagrams, each of some messages. */
function batch(...datagrams: Uint8Array[][]): Uint8Array {
  return Buffer.concat(
    datagrams.flatMap((messages) => {
      const bytes = Buffer.concat(messages);
      return [Uint8Array.of(bytes.length & 0xff, bytes.length >> 8), bytes];
    }),
  );
}

export function corpus(): Uint8Array[] {
  const pc = 0xffff_ffff_81bb_a9a2n;
  const payloads = [...builtPackets('frames', PACKETS_OF_A_KIND), ...builtPackets('ip', PACKETS_OF_A_KIND)];
  const packets = payloads.map(({ bytes, etherType }, i) =>
    packetAlert({
      ...(i % 3 === 0
        ? { origin: 1, trapGroup: 'l3_drops', trap: `trap_${i}`, inName: 'swp1', cookie: Uint8Array.of(0, 1) }
        : { origin: 0, pc: pc + BigInt(i), reason: 'NO_SOCKET', symbol: `__udp4_lib_rcv+0x${i}/0xc30` }),
      inIndex: i,
      timestampNs: 1_700_000_000_000_000_000n,
      originalBytes: bytes.length,
      protocol: etherType === 0x86dd ? 0x86dd : 0x0800,
      payload: bytes.subarray(0, TRUNCATION_BYTES),
    }).slice(),
  );
  const points = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ pc: pc + BigInt(i * 16), count: i + 1 }));
  const summaries = [points(1), points(3), points(64), [{ pc: 0n, count: 1 }, ...points(1)]];
  const others = [
    ...summaries.map((list) => summaryAlert(list).slice()),
    summaryAlert(points(1), 2).slice(),
    hardwareSummary([
      { trap: 'ttl_value_is_too_small', count: 3 },
      { trap: '', count: 1 },
    ]).slice(),
    configNew(1, 0, 1000).slice(),
    statsNew(1n, 2n).slice(),
  ];
  const all = [...packets, ...others];
  return [
    ...all.map((alert) => batch([alert])),
    batch(others),
    batch(...others.map((alert) => [alert])),
    batch(packets.slice(0, 4)),
    batch(...packets.slice(4, 10).map((alert) => [alert])),
    batch([packets[0]!, others[0]!], [], [others[5]!]),
  ];
}

/** What a reader of its own finds: alerts by kind, and what the counter has to make of them. */
interface Expected {
  given: number;
  packets: number;
  summaries: number;
  others: number;
  malformed: number;
  /** Datagrams that end in bytes which are no message. */
  ends: number;
  events: number;
  full: number;
}

const nothing = (): Expected => ({
  given: 0,
  packets: 0,
  summaries: 0,
  others: 0,
  malformed: 0,
  ends: 0,
  events: 0,
  full: 0,
});

export function open(input: Uint8Array): Target {
  const reader = new AlertReader(input);
  const cursor = new MessageCursor(input);
  const report = new Report();
  const old = new TappedCounter();
  let young = new TappedCounter();
  const totals = nothing();
  let expected = nothing();
  /** Of what a life has not handed on yet. */
  const waiting = { old: 0, young: 0 };
  const datagrams: Uint8Array[] = [];
  let runs = 0;
  let receivedMost = 0;
  let sum = 0;

  const inside = ({ start, end }: Range) =>
    start === end || (start >= cursor.start && start < end && end <= cursor.end);

  function readPacket(): void {
    const { packet } = reader;
    for (const name of RANGES) must(inside(packet[name]), `${name} lies outside of its message`);
    const { pcHigh, pcLow, inIndex, timestampUs, originalBytes, protocol } = packet;
    must(Number.isSafeInteger(timestampUs) && timestampUs >= 0, `the time is ${timestampUs}`);
    must(Math.min(pcHigh, pcLow, inIndex, originalBytes, protocol) >= 0, 'a number is below 0');
    sum = digest(digest(sum, pcHigh ^ pcLow), inIndex + originalBytes + protocol);
    expected.packets++;
    expected.events++;
  }

  function readMessage(): void {
    const kind = reader.read(cursor);
    sum = digest(sum, kind.length);
    expected.given++;
    if (kind === 'packet') readPacket();
    else if (kind === 'summary') {
      expected.summaries++;
      if (reader.points.full) expected.full++;
      while (reader.points.next()) {
        const { pcHigh, pcLow, count } = reader.points;
        if (pcHigh !== 0 || pcLow !== 0) expected.events += count;
      }
    } else if (kind === 'hardware-summary') {
      expected.summaries++;
      while (reader.traps.next()) {
        must(inside(reader.traps.trap), 'a trap lies outside of its message');
        expected.events += reader.traps.count;
      }
    } else if (kind === 'malformed') expected.malformed++;
    else {
      expected.others++;
      // What answers have that are no alerts.
      sum = digest(sum, readConfig(input, cursor)?.queueLength ?? 0);
      sum = digest(sum, readStats(input, cursor)?.software ?? 0);
    }
  }

  function readDatagram(start: number, end: number): void {
    datagrams.push(input.subarray(start, end));
    cursor.reset(start, end);
    while (cursor.next()) readMessage();
    if (cursor.rest > 0) expected.ends++;
  }

  return {
    run(length) {
      sum = 0;
      datagrams.length = 0;
      expected = nothing();
      for (let at = 0; at + 2 <= length; ) {
        const end = Math.min(length, at + 2 + (input[at]! | (input[at + 1]! << 8)));
        readDatagram(at + 2, end);
        at = end;
      }
      receivedMost = Math.max(receivedMost, datagrams.length);
      const isOld = runs++ % 2 === 0;
      const { malformed, full } = (isOld ? old : young).take(datagrams);
      waiting[isOld ? 'old' : 'young'] += expected.events;
      const read = expected.packets + expected.summaries + expected.others;
      must(read + expected.malformed === expected.given, 'some alerts are neither read nor malformed');
      must(
        malformed === expected.malformed + expected.ends,
        `${malformed} messages were counted as malformed`,
      );
      must(full === expected.full, `${full} summaries were counted as full`);
      for (const key of Object.keys(totals) as (keyof Expected)[]) totals[key] += expected[key];
      return sum;
    },
    settle() {
      for (const [name, life] of [
        ['old', old],
        ['young', young],
      ] as const) {
        const counted = life.collect(report);
        must(counted === waiting[name], `the counter has ${counted} events, and ${waiting[name]} were sent`);
        waiting[name] = 0;
      }
      report.close();
      if (runs < RENEWED_EVERY) return;
      runs = 0;
      young.close();
      young = new TappedCounter();
    },
    bounds: () => [
      { name: 'kinds in a reading', value: Math.max(old.mostKinds, young.mostKinds), most: MOST_KINDS },
      ...report.bounds(),
    ],
    counts: () => ({
      'alerts given': totals.given,
      'of them packets': totals.packets,
      'of them summaries': totals.summaries,
      'of them neither': totals.others,
      'of them malformed': totals.malformed,
      'datagrams with malformed ends': totals.ends,
      'drops counted': totals.events,
      'of them beyond the kinds': old.beyondKinds + young.beyondKinds,
      'datagrams in a batch, at most': receivedMost,
    }),
    close() {
      old.close();
      young.close();
    },
  };
}
