import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropComments } from './drop.ts';
import {
  type CapturedPacket,
  CaptureError,
  LinkType,
  MOST_SNAP_LENGTH,
  PacketFlag,
  PcapngWriter,
} from './pcapng.ts';
import { readPcapng } from './testing/read-pcapng.ts';

const section = { hardware: 'x86_64', os: 'Linux 6.12.9', application: 'netfall' };
const eth0 = {
  name: 'eth0',
  description: '',
  linkType: LinkType.ethernet,
  snapLength: 256,
  resolution: 'us',
} as const;

/** What a writer writes, and in how many pieces. */
function written(write: (writer: PcapngWriter) => void, of = section): { file: Buffer; pieces: number } {
  const chunks: Buffer[] = [];
  const writer = new PcapngWriter((bytes) => chunks.push(Buffer.from(bytes)), of);
  write(writer);
  writer.flush();
  return { file: Buffer.concat(chunks), pieces: chunks.length };
}

const bare = { interface: 0, timestamp: 0, start: 0, comments: [], flags: 0, lostBefore: 0 };

function packet(of: Partial<CapturedPacket> & { bytes: Uint8Array }): CapturedPacket {
  return { ...bare, length: of.bytes.length, originalLength: of.bytes.length, ...of };
}

describe('PcapngWriter', () => {
  it('writes a small capture, byte for byte', () => {
    const timestamp = 1_700_000_000_123_456;
    const { file } = written((writer) => {
      const number = writer.addInterface(eth0);
      const bytes = Buffer.from('....020000000002', 'latin1');
      const flags = PacketFlag.inbound | PacketFlag.broadcast;
      const comments = ['reason=NO_SOCKET', 'é'];
      const cut = { bytes, start: 4, length: 5, originalLength: 1514 };
      writer.packet({ interface: number, timestamp, ...cut, comments, flags, lostBefore: 3 });
      const counts = { received: 9, accepted: 1, lost: 2 ** 33 + 1 };
      writer.statistics({ interface: number, start: timestamp, end: timestamp + 1, ...counts });
    });
    expect(file.toString('hex').match(/.{8}/g)).toEqual([
      // The section: byte order, version 1.0, length left open; hardware, system, application.
      ...['0a0d0d0a', '48000000', '4d3c2b1a', '01000000', 'ffffffff', 'ffffffff'],
      ...['02000600', '7838365f', '36340000'],
      ...['03000c00', '4c696e75', '7820362e', '31322e39'],
      ...['04000700', '6e657466', '616c6c00'],
      ...['00000000', '48000000'],
      // The interface: Ethernet, 256 bytes; its name, microseconds.
      ...['01000000', '28000000', '01000000', '00010000'],
      ...['02000400', '65746830', '09000100', '06000000'],
      ...['00000000', '28000000'],
      // The packet: interface, time, 5 bytes of 1514; comments, flags, drop count.
      ...['06000000', '5c000000', '00000000', '240a0600', '40222018', '05000000', 'ea050000'],
      ...['30323030', '30000000'],
      ...['01001000', '72656173', '6f6e3d4e', '4f5f534f', '434b4554', '01000200', 'c3a90000'],
      ...['02000400', '0d000000', '04000800', '03000000', '00000000'],
      ...['00000000', '5c000000'],
      // The statistics: interface, time; start, end, received, drops, accepted, drops, delivered.
      ...['05000000', '70000000', '00000000', '240a0600', '41222018'],
      ...['02000800', '240a0600', '40222018', '03000800', '240a0600', '41222018'],
      ...['04000800', '09000000', '00000000', '05000800', '01000000', '02000000'],
      ...['06000800', '01000000', '00000000', '07000800', '01000000', '02000000'],
      ...['08000800', '01000000', '00000000'],
      ...['00000000', '70000000'],
    ]);
  });

  it('writes what another reader finds again', () => {
    const interfaces = fc.array(
      fc.record({
        name: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
        description: fc.string({ maxLength: 20 }),
        linkType: fc.constantFrom(LinkType.ethernet, LinkType.raw),
        snapLength: fc.integer({ min: 1, max: 400 }),
        resolution: fc.constantFrom('us' as const, 'ns' as const),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const packets = fc.array(
      fc.record({
        interface: fc.nat(1000),
        timestamp: fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
        bytes: fc.uint8Array({ maxLength: 600 }),
        start: fc.nat(40),
        more: fc.nat(2000),
        comments: fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), { maxLength: 4 }),
        flags: fc.nat(31),
        lostBefore: fc.maxSafeNat(),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(interfaces, packets, fc.nat(59), (interfaces, packets, flushAt) => {
        const { file } = written((writer) => {
          for (const [number, one] of interfaces.entries()) expect(writer.addInterface(one)).toBe(number);
          for (const [i, { more, ...of }] of packets.entries()) {
            const length = Math.max(0, of.bytes.length - of.start);
            if (i === flushAt) writer.flush();
            writer.packet({
              ...of,
              interface: of.interface % interfaces.length,
              length,
              originalLength: length + more,
            });
          }
        });
        const [, ...blocks] = readPcapng(file);
        const found = blocks.map(({ fields, data, options }) => ({
          ...fields,
          ...(data && { data: data.toString('hex') }),
          options: options.map(({ code, value }) => [code, value.toString('hex')]),
        }));
        const u64 = (value: number) => {
          const bytes = Buffer.alloc(8);
          bytes.writeBigUInt64LE(BigInt(value));
          return bytes.toString('hex');
        };
        const utf8 = (text: string) => Buffer.from(text).toString('hex');
        expect(found).toEqual([
          ...interfaces.map(({ name, description, linkType, snapLength, resolution }) => ({
            ...{ linkType, reserved: 0, snapLength },
            options: [
              [2, utf8(name)],
              ...(description === '' ? [] : [[3, utf8(description)]]),
              [9, resolution === 'us' ? '06' : '09'],
            ],
          })),
          ...packets.map(({ timestamp, bytes, start, more, comments, flags, lostBefore, ...of }) => {
            const number = of.interface % interfaces.length;
            const whole = bytes.subarray(start);
            return {
              ...{ interface: number, timestamp: BigInt(timestamp), originalLength: whole.length + more },
              data: Buffer.from(whole.subarray(0, interfaces[number]!.snapLength)).toString('hex'),
              options: [
                ...comments.map((comment) => [1, utf8(comment)]),
                ...(flags === 0 ? [] : [[2, Buffer.of(flags, 0, 0, 0).toString('hex')]]),
                ...(lostBefore === 0 ? [] : [[4, u64(lostBefore)]]),
              ],
            };
          }),
        ]);
      }),
    );
  });

  it('hands on whole blocks when its buffer is full, and makes room for the biggest packets', () => {
    const big = new Uint8Array(MOST_SNAP_LENGTH + 1).fill(7);
    const { file, pieces } = written((writer) => {
      writer.addInterface({ ...eth0, snapLength: MOST_SNAP_LENGTH });
      for (let i = 0; i < 1000; i++) writer.packet(packet({ bytes: big.subarray(0, 1000) }));
      writer.packet(packet({ bytes: big, comments: ['x'.repeat(5000), 'y'.repeat(5000)] }));
    });
    expect(pieces).toBeGreaterThan(10);
    expect(pieces).toBeLessThan(30);
    const blocks = readPcapng(file);
    expect(blocks.length).toBe(1003);
    const last = blocks.at(-1)!;
    expect(last.data?.length).toBe(MOST_SNAP_LENGTH);
    expect(last.fields['originalLength']).toBe(MOST_SNAP_LENGTH + 1);
    expect(last.options.map(({ value }) => value.length)).toEqual([4096, 4096]);
  });

  it('never says that a packet was shorter than what is written of it, nor writes what is not there', () => {
    const { file } = written((writer) => {
      writer.addInterface(eth0);
      writer.packet(packet({ bytes: Buffer.from('abcdef'), start: 2, length: 9, originalLength: 1 }));
    });
    const { data, fields } = readPcapng(file).at(-1)!;
    expect(data?.toString()).toBe('cdef');
    expect(fields['originalLength']).toBe(4);
  });

  it('cuts a text that is too long between two characters', () => {
    const { file } = written(() => {}, { ...section, os: `${'x'.repeat(4095)}é`, hardware: '' });
    expect(readPcapng(file)[0]!.options.map(({ code, value }) => [code, value.length])).toEqual([
      [3, 4095],
      [4, 7],
    ]);
  });

  it('refuses packets of an unknown interface, and lengths that no reader takes', () => {
    const writer = new PcapngWriter(() => {}, section);
    expect(() => writer.packet(packet({ bytes: new Uint8Array(1) }))).toThrow(CaptureError);
    expect(() => writer.packet(packet({ bytes: new Uint8Array(1) }))).toThrow(
      expect.objectContaining({
        code: 'CAPTURE_INTERFACE',
        message: 'capture: interface 0 is not known: add it first',
      }),
    );
    for (const snapLength of [0, MOST_SNAP_LENGTH + 1, Number.NaN]) {
      expect(() => writer.addInterface({ ...eth0, snapLength })).toThrow(
        expect.objectContaining({
          code: 'CAPTURE_SNAP_LENGTH',
          message: `capture: ${snapLength} bytes of a packet cannot be kept: give from 1 to 262144`,
        }),
      );
    }
  });
});

it('dropComments says what is known of a drop', () => {
  const drop = {
    reason: 'NO_SOCKET',
    function: '__udp4_lib_rcv',
    offset: 0x9a2,
    trap: '',
    interface: 'eth0',
  };
  expect(dropComments(drop)).toEqual(['reason=NO_SOCKET', 'function=__udp4_lib_rcv+0x9a2', 'interface=eth0']);
  const hardware = { reason: '', function: '', offset: 0, trap: 'ttl_value_is_too_small', interface: '' };
  expect(dropComments(hardware)).toEqual(['trap=ttl_value_is_too_small']);
});
