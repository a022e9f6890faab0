import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageCursor } from '../../kernel/netlink/message.ts';
import { type AlertKind, AlertReader, type Range } from './alert-reader.ts';
import { readConfig, readStats } from './requests.ts';
import {
  configNew,
  hardwareSummary,
  message,
  packetAlert,
  statsNew,
  summaryAlert,
  type WrittenPacket,
} from './testing/alert-writer.ts';
import { first, fromHex, toHex } from './testing/bytes.ts';
import { Command } from './wire.ts';

const runs = { numRuns: 1000 };

function text(slab: Uint8Array, range: Range): string {
  return Buffer.from(slab.subarray(range.start, range.end)).toString();
}

function read(slab: Uint8Array): { kind: AlertKind; reader: AlertReader } {
  const reader = new AlertReader(slab);
  return { kind: reader.read(first(slab)), reader };
}

/** A packet as it was read, with what its ranges hold. */
function contents(slab: Uint8Array, reader: AlertReader) {
  const { packet } = reader;
  return {
    hardware: packet.hardware,
    pc: (BigInt(packet.pcHigh) << 32n) | BigInt(packet.pcLow),
    reason: text(slab, packet.reason),
    symbol: text(slab, packet.symbol),
    trapGroup: text(slab, packet.trapGroup),
    trap: text(slab, packet.trap),
    inIndex: packet.inIndex,
    inName: text(slab, packet.inName),
    cookie: toHex(slab.subarray(packet.cookie.start, packet.cookie.end)),
    timestampUs: packet.timestampUs,
    originalBytes: packet.originalBytes,
    protocol: packet.protocol,
    payload: toHex(slab.subarray(packet.payload.start, packet.payload.end)),
  };
}

const NOTHING = {
  hardware: false,
  pc: 0n,
  reason: '',
  symbol: '',
  trapGroup: '',
  trap: '',
  inIndex: 0,
  inName: '',
  cookie: '',
  timestampUs: 0,
  originalBytes: 0,
  protocol: 0,
  payload: '',
};

function points(reader: AlertReader): { pc: bigint; count: number }[] {
  const list: { pc: bigint; count: number }[] = [];
  while (reader.points.next()) {
    const { pcHigh, pcLow, count } = reader.points;
    list.push({ pc: (BigInt(pcHigh) << 32n) | BigInt(pcLow), count });
  }
  return list;
}

function traps(slab: Uint8Array, reader: AlertReader): { trap: string; count: number }[] {
  const list: { trap: string; count: number }[] = [];
  while (reader.traps.next()) list.push({ trap: text(slab, reader.traps.trap), count: reader.traps.count });
  return list;
}

describe('AlertReader', () => {
  // A datagram of `netfall` to a closed port of the loopback, as these kernels told it.
  it.each([
    {
      release: '6.1.0-56-amd64',
      hex: `
        b8000000 2000 0000 00000000 00000000  05 02 0000
        0600 0e00 0000 0000
        0c00 0200 e2cacbb0ffffffff
        0e00 1700 4e4f5f534f434b455400 0000
        1f00 0300 5f5f756470345f6c69625f7263762b30783961322f307863333000 00
        0c00 0480 0800 0000 01000000
        0c00 0500 84f3faa00ecfe918
        0800 0a00 31000000
        0600 0600 0008 0000
        3500 0700 000000000000000000000000080045000023b2cf4000401189f87f0000017f000001a2be0009000ffe22
                  6e657466616c6c 000000`,
      pc: 0xffffffffb0cbcae2n,
      symbol: '__udp4_lib_rcv+0x9a2/0xc30',
      timestampNs: 0x18e9cf0ea0faf384n,
    },
    {
      release: '6.12.117+deb12-amd64',
      hex: `
        b8000000 2300 0000 00000000 00000000  05 02 0000
        0600 0e00 0000 0000
        0c00 0200 658f7782ffffffff
        0e00 1700 4e4f5f534f434b455400 0000
        1f00 0300 5f5f756470345f6c69625f7263762b30783534352f307864643000 00
        0c00 0480 0800 0000 01000000
        0c00 0500 52f9276815cfe918
        0800 0a00 31000000
        0600 0600 0008 0000
        3500 0700 000000000000000000000000080045000023dab04000401162177f0000017f000001a3bc0009000ffe22
                  6e657466616c6c 000000`,
      pc: 0xffffffff82778f65n,
      symbol: '__udp4_lib_rcv+0x545/0xdd0',
      timestampNs: 0x18e9cf156827f952n,
    },
  ])('reads a packet alert of Linux $release', ({ hex, pc, symbol, timestampNs }) => {
    const slab = fromHex(hex);
    const { kind, reader } = read(slab);
    expect(kind).toBe('packet');
    expect(contents(slab, reader)).toEqual({
      ...NOTHING,
      pc,
      reason: 'NO_SOCKET',
      symbol,
      inIndex: 1,
      timestampUs: Number(timestampNs / 1000n),
      originalBytes: 49,
      protocol: 0x0800,
      payload: toHex(slab.subarray(-52, -3)),
    });
  });

  it('reads a packet alert of hardware', () => {
    const slab = packetAlert({
      origin: 1,
      trapGroup: 'l3_drops',
      trap: 'blackhole_route',
      inIndex: 4,
      inName: 'swp1',
      cookie: fromHex('0001'),
      timestampNs: 1_999n,
      originalBytes: 1500,
    });
    const { kind, reader } = read(slab);
    expect(kind).toBe('packet');
    expect(contents(slab, reader)).toEqual({
      ...NOTHING,
      hardware: true,
      trapGroup: 'l3_drops',
      trap: 'blackhole_route',
      inIndex: 4,
      inName: 'swp1',
      cookie: '0001',
      timestampUs: 1,
      originalBytes: 1500,
    });
  });

  it('keeps nothing of the packet before', () => {
    const packet = packetAlert({
      origin: 1,
      pc: 1n,
      reason: 'R',
      symbol: 's',
      trap: 't',
      inIndex: 3,
      inName: 'n',
    });
    const slab = Uint8Array.from([...packet, ...packetAlert({})]);
    const reader = new AlertReader(slab);
    const cursor = first(slab);
    reader.read(cursor);
    cursor.next();
    expect(reader.read(cursor)).toBe('packet');
    expect(contents(slab, reader)).toEqual(NOTHING);
  });

  it('reads a summary, byte for byte', () => {
    const slab = fromHex(`
      34000000 1c00 0000 00000000 00000000  01 02 0000
      2000 0000 02000000
      e2a9bb81ffffffff 05000000
      0000000000000000 01000000`);
    const { kind, reader } = read(slab);
    expect(kind).toBe('summary');
    expect(reader.points).toMatchObject({ size: 2, full: false });
    expect(points(reader)).toEqual([
      { pc: 0xffffffff81bba9e2n, count: 5 },
      { pc: 0n, count: 1 },
    ]);
  });

  it('says that a table is full', () => {
    const list = Array.from({ length: 64 }, (_, i) => ({ pc: BigInt(i), count: 1 }));
    expect(read(summaryAlert(list)).reader.points.full).toBe(true);
    expect(read(summaryAlert(list.slice(1))).reader.points.full).toBe(false);
  });

  it('reads a summary of hardware, byte for byte', () => {
    const slab = fromHex(`
      44000000 1c00 0000 00000000 00000000  01 02 0000
      0800 0000 00000000
      2800 1100
      1400 1200 0700 1000 74746c00 0800 1300 03000000
      1000 1200 0400 1000 0800 1300 01000000`);
    const { kind, reader } = read(slab);
    expect(kind).toBe('hardware-summary');
    expect(traps(slab, reader)).toEqual([
      { trap: 'ttl', count: 3 },
      { trap: '', count: 1 },
    ]);
  });

  it('passes over attributes and commands that it does not know', () => {
    const slab = message(Command.packetAlert, (writer) => {
      writer.flag(8).u32(200, 1).u16(14, 1).bytes(24, new Uint8Array(5));
    });
    const { kind, reader } = read(slab);
    expect([kind, reader.packet.hardware]).toEqual(['packet', true]);
    expect(read(message(77, (writer) => writer.u8(1, 1))).kind).toBe('other');
  });

  it.each([
    ['no generic header', '10000000 1c00 0000 00000000 00000000'],
    ['a summary without points', '14000000 1c00 0000 00000000 00000000 01020000'],
    ['a count that is cut', '1b000000 1c00 0000 00000000 00000000 01020000 0700 0000 010000 00'],
    ['a timestamp of 4 bytes', '1c000000 1c00 0000 00000000 00000000 05020000 0800 0500 00000000'],
    [
      'a time beyond the year 2255',
      '20000000 1c00 0000 00000000 00000000 05020000 0c00 0500 00000000 0000007d',
    ],
    ['an address of 4 bytes', '1c000000 1c00 0000 00000000 00000000 05020000 0800 0200 00000000'],
    ['an origin of 1 byte', '19000000 1c00 0000 00000000 00000000 05020000 0500 0e00 01 000000'],
    ['a length of 3 bytes', '1b000000 1c00 0000 00000000 00000000 05020000 0700 0a00 000000 00'],
    ['a protocol of 1 byte', '19000000 1c00 0000 00000000 00000000 05020000 0500 0600 08 000000'],
    ['an index of 2 bytes', '1e000000 1c00 0000 00000000 00000000 05020000 0a00 0400 0600 0000 0100 0000'],
    ['a port that is cut', '1c000000 1c00 0000 00000000 00000000 05020000 0800 0400 0800 0000'],
    ['an attribute beyond the end', '18000000 1c00 0000 00000000 00000000 05020000 0800 0a00'],
  ])('finds malformed: %s', (_, hex) => {
    expect(read(fromHex(hex)).kind).toBe('malformed');
  });

  it('believes no summary that claims more points than it has', () => {
    const slab = summaryAlert([{ pc: 1n, count: 1 }], 2);
    const { kind, reader } = read(slab);
    expect(kind).toBe('malformed');
    expect(points(reader)).toEqual([]);
    expect(read(summaryAlert([], 0xffff_ffff)).kind).toBe('malformed');
  });
});

const u16 = fc.nat(0xffff);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const name = fc.string({ unit: 'grapheme-ascii', maxLength: 45 });
const bytes = fc.uint8Array({ maxLength: 200 });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const packets: fc.Arbitrary<WrittenPacket> = fc.record({
  origin: optional(fc.constantFrom(0, 1)),
  pc: optional(u64),
  reason: optional(name),
  symbol: optional(name),
  trapGroup: optional(name),
  trap: optional(name),
  inIndex: optional(u32),
  inName: optional(name),
  cookie: optional(bytes),
  timestampNs: optional(fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) * 1000n + 999n })),
  originalBytes: optional(u32),
  protocol: optional(u16),
  payload: optional(bytes),
});
const summaries = fc.array(fc.record({ pc: u64, count: u32 }), { maxLength: 64 });
const trapLists = fc.array(fc.record({ trap: name, count: u32 }), { maxLength: 8 });

describe('any alert', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const slab = packetAlert(packet);
        const { kind, reader } = read(slab);
        expect(kind).toBe('packet');
        expect(contents(slab, reader)).toEqual({
          hardware: packet.origin === 1,
          pc: packet.pc ?? 0n,
          reason: packet.reason ?? '',
          symbol: packet.symbol ?? '',
          trapGroup: packet.trapGroup ?? '',
          trap: packet.trap ?? '',
          inIndex: packet.inIndex ?? 0,
          inName: packet.inName ?? '',
          cookie: toHex(packet.cookie ?? new Uint8Array()),
          timestampUs: Number((packet.timestampNs ?? 0n) / 1000n),
          originalBytes: packet.originalBytes ?? 0,
          protocol: packet.protocol ?? 0,
          payload: toHex(packet.payload ?? new Uint8Array()),
        });
      }),
    );
    fc.assert(
      fc.property(summaries, (list) => {
        const { kind, reader } = read(summaryAlert(list));
        expect([kind, reader.points.size, points(reader)]).toEqual(['summary', list.length, list]);
      }),
    );
    fc.assert(
      fc.property(trapLists, (list) => {
        const slab = hardwareSummary(list);
        const { kind, reader } = read(slab);
        expect([kind, traps(slab, reader)]).toEqual(['hardware-summary', list]);
      }),
    );
  });

  it('may be mutated in any way and is read within its bounds', () => {
    const alerts = fc.oneof(
      packets.map(packetAlert),
      summaries.map((list) => summaryAlert(list)),
      trapLists.map(hardwareSummary),
      fc.tuple(u16, u32, u32).map(([mode, a, b]) => configNew(mode & 0xff, a, b)),
      fc.tuple(u64, u64).map(([a, b]) => statsNew(a, b)),
    );
    const small = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 3, 4, 5, 0x40, 0x80, 0xff));
    // Near the front are the lengths and types.
    const place = fc.oneof(fc.nat(60), fc.nat(1000));
    const mutations = fc.array(fc.record({ place, value: small }), { maxLength: 6 });
    fc.assert(
      fc.property(alerts, mutations, fc.nat(1000), fc.boolean(), (original, changes, cut, whole) => {
        const slab = Uint8Array.from(whole ? original : original.subarray(0, cut));
        for (const { place, value } of changes) if (place < slab.length) slab[place] = value;
        const reader = new AlertReader(slab);
        const cursor = new MessageCursor(slab);
        cursor.reset(0, slab.length);
        let messages = 0;
        while (cursor.next()) {
          messages++;
          const kind = reader.read(cursor);
          readConfig(slab, cursor);
          readStats(slab, cursor);
          const inside = (range: Range) =>
            range.start === range.end ||
            (range.start >= cursor.start && range.start < range.end && range.end <= cursor.end);
          if (kind === 'packet') {
            const ranges = Object.values(reader.packet).filter((value) => typeof value === 'object');
            expect(ranges.length).toBe(7);
            expect(ranges.every(inside)).toBe(true);
            const numbers = Object.values(reader.packet).filter((value) => typeof value === 'number');
            expect(numbers.every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true);
          } else if (kind === 'summary') {
            expect(points(reader).length).toBe(reader.points.size);
            expect(reader.points.size * 12).toBeLessThanOrEqual(cursor.end - cursor.start);
          } else if (kind === 'hardware-summary') {
            let entries = 0;
            while (reader.traps.next()) {
              entries++;
              expect(inside(reader.traps.trap)).toBe(true);
              expect(reader.traps.count).toBeGreaterThanOrEqual(0);
            }
            expect(entries * 4).toBeLessThanOrEqual(cursor.end - cursor.start);
          }
        }
        expect(messages * 16).toBeLessThanOrEqual(slab.length);
      }),
      runs,
    );
  });
});
