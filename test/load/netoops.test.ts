import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATA_BYTES, type Dump, type Format, netoopsDatagrams, segmentsOf } from './netoops.ts';

const KERNEL = '6.1.0-18-amd64';
/** The same in hex, as it stands in its field of 64 bytes. */
const KERNEL_FIELD = `362e312e302d31382d616d643634${zeros(50)}`;
const text = (content: string) => new TextEncoder().encode(content);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function zeros(bytes: number): string {
  return '00'.repeat(bytes);
}

/** A log of two pieces: "old\n" before the wrap and "new\n" behind it. */
function smallDump(format: Format, more: Partial<Dump> = {}): Dump {
  const segments = segmentsOf(text('old\nnew\n'), 4);
  return { segments, kernelVersion: KERNEL, seconds: 0x11170, format, transmissions: 1, ...more };
}

const NEW = `6e65770a${zeros(1020)}`;
const OLD = `6f6c640a${zeros(1020)}`;

describe('version 2', () => {
  it('has its fields at their offsets, in little-endian', () => {
    const header = (packetNo: string) =>
      `0200${'d900'}${'0200'}${'7011'}${'0100'}${'02000000'}${packetNo}${zeros(7)}${KERNEL_FIELD}${zeros(128)}`;
    const sent = netoopsDatagrams(smallDump({ version: 2 })).map(hex);
    expect(sent).toEqual([header('00000000') + NEW, header('01000000') + OLD]);
    expect(sent.map(({ length }) => length / 2)).toEqual([1241, 1241]);
  });

  it('says which dumps are soft', () => {
    const [datagram] = netoopsDatagrams(smallDump({ version: 2 }, { soft: true }));
    expect(hex(datagram!.subarray(8, 10))).toBe('0300');
  });

  it('says how long a longer header is, and begins its data there', () => {
    const [datagram] = netoopsDatagrams(smallDump({ version: 2, headerSize: 260 }));
    expect(datagram!.length).toBe(1284);
    expect(hex(datagram!.subarray(2, 4))).toBe('0401');
    expect(hex(datagram!.subarray(217))).toBe(zeros(43) + NEW);
  });

  it.each([216, 65536])('cannot have a header of %i bytes', (headerSize) => {
    expect(() => netoopsDatagrams(smallDump({ version: 2, headerSize }))).toThrow(
      new RangeError(`header_size ${headerSize} is not from 217 to 65535`),
    );
  });
});

describe('version 3', () => {
  const common = (dataOffset: string, archOffset: string) =>
    `0300${'7011'}${dataOffset}${'0200'}${archOffset}${'0100'}${'02000000'}${'01000000'}`;
  const bootId = 0xdeadbeef;
  const userBlob = text('rack r12');
  const cpu = [0, 6, 85, 7] as const;
  const registers = Uint8Array.of(0xaa, 0xbb);
  const processor = (registerBytes: number) => `00065507${'aabb'}${zeros(registerBytes - 2)}`;
  const blob = `7261636b20723132${zeros(120)}`;

  it.each([
    {
      name: 'plain',
      format: { version: 3, layout: 'plain' },
      bytes: 1108,
      header: `${common('5400', '5400')}${KERNEL_FIELD}`,
    },
    {
      name: 'boot-id',
      format: { version: 3, layout: 'boot-id', bootId, cpu, registers },
      bytes: 1284,
      header: `${common('0401', '5800')}efbeadde${KERNEL_FIELD}${processor(168)}`,
    },
    {
      name: 'boot-id of i386',
      format: { version: 3, layout: 'boot-id', machine: 'i386', bootId, cpu, registers },
      bytes: 1176,
      header: `${common('9800', '5800')}efbeadde${KERNEL_FIELD}${processor(60)}`,
    },
    {
      name: 'user-blob',
      format: { version: 3, layout: 'user-blob', bootId, userBlob, cpu, registers },
      bytes: 1412,
      header: `${common('8401', 'd800')}efbeadde${KERNEL_FIELD}${blob}${processor(168)}`,
    },
    {
      name: 'user-blob of i386',
      format: { version: 3, layout: 'user-blob', machine: 'i386', bootId, userBlob, cpu, registers },
      bytes: 1304,
      header: `${common('1801', 'd800')}efbeadde${KERNEL_FIELD}${blob}${processor(60)}`,
    },
  ] as const)('has its fields at their offsets in the layout $name', ({ format, bytes, header }) => {
    const [, older] = netoopsDatagrams(smallDump(format));
    expect(hex(older!)).toBe(header + OLD);
    expect(older!.length).toBe(bytes);
  });

  it('refuses what does not fit into its field', () => {
    const long = (bytes: number) => new Uint8Array(bytes);
    const sending = (format: Format) => () => netoopsDatagrams(smallDump(format));
    expect(sending({ version: 3, layout: 'user-blob', userBlob: long(129) })).toThrow(
      new RangeError('user_blob of 129 bytes is longer than 128'),
    );
    expect(sending({ version: 3, layout: 'boot-id', machine: 'i386', registers: long(61) })).toThrow(
      new RangeError('registers of 61 bytes is longer than 60'),
    );
  });
});

describe('a kernel version', () => {
  it('of 64 bytes or more is cut there, with no NUL behind it', () => {
    const [datagram] = netoopsDatagrams(smallDump({ version: 2 }, { kernelVersion: '6'.repeat(65) }));
    expect(hex(datagram!.subarray(25, 90))).toBe(`${'36'.repeat(64)}00`);
  });
});

/** A letter a piece, so that a datagram shows which one it has: its first byte, and how many of it there are. */
function contentsOf(datagrams: readonly Uint8Array[]): string[] {
  return datagrams.map((datagram) => {
    const packet = `${new DataView(datagram.buffer).getUint32(14, true)}/${new DataView(datagram.buffer).getUint32(10, true)}`;
    const data = Buffer.from(datagram.subarray(217)).toString('latin1');
    const letters = data.replace(/\0+$/, '');
    expect(letters).toBe((letters[0] ?? '').repeat(letters.length));
    return `${packet} ${letters[0] ?? 'zeros'}${letters.length}`;
  });
}

describe('the order', () => {
  const piece = (letter: string, bytes: number = DATA_BYTES) => letter.repeat(bytes);
  const sent = (s1: string, s2: string, transmissions?: number) =>
    contentsOf(
      netoopsDatagrams({
        segments: { s1: text(s1), s2: text(s2) },
        kernelVersion: KERNEL,
        seconds: 1,
        format: { version: 2 },
        ...(transmissions === undefined ? {} : { transmissions }),
      }),
    );

  it('is from the newest piece to the oldest, the newer segment first, and all of it three times', () => {
    const once = ['0/5 E452', '1/5 D1024', '2/5 C1024', '3/5 B100', '4/5 A1024'];
    expect(sent(piece('A') + piece('B', 100), piece('C') + piece('D') + piece('E', 452))).toEqual([
      ...once,
      ...once,
      ...once,
    ]);
  });

  it('has only the newer segment before the log has wrapped', () => {
    expect(sent('', piece('C') + piece('D', 1), 1)).toEqual(['0/2 D1', '1/2 C1024']);
  });

  it('has only the older segment when the log ends where the buffer does', () => {
    expect(sent(piece('A', 7), '', 2)).toEqual(['0/1 A7', '0/1 A7']);
  });

  it('has zeros for the newest KiB of a segment whose length is a multiple of 1024', () => {
    expect(sent(piece('A') + piece('B'), piece('C') + piece('D') + piece('E'), 1)).toEqual([
      '0/5 zeros0',
      '1/5 D1024',
      '2/5 C1024',
      '3/5 zeros0',
      '4/5 A1024',
    ]);
    expect(sent('', piece('C'), 1)).toEqual(['0/1 zeros0']);
  });

  it('is of nothing for an empty log', () => {
    expect(sent('', '')).toEqual([]);
  });

  it('has each byte of the log at its place but those of lost pieces', () => {
    const segment = fc
      .oneof(
        fc.nat({ max: 5000 }),
        fc.nat({ max: 4 }).map((pieces) => pieces * DATA_BYTES),
      )
      .chain((bytes) => fc.uint8Array({ minLength: bytes, maxLength: bytes }));
    fc.assert(
      fc.property(segment, segment, (s1, s2) => {
        const datagrams = netoopsDatagrams({
          segments: { s1, s2 },
          kernelVersion: KERNEL,
          seconds: 1,
          format: { version: 2 },
          transmissions: 1,
        });
        // Oldest first, every segment filled up to whole pieces.
        const received = Buffer.concat(datagrams.map((bytes) => bytes.subarray(217)).reverse());
        const filled = [s1, s2].map((bytes) => {
          const lost = bytes.length % DATA_BYTES === 0 ? Math.min(bytes.length, DATA_BYTES) : 0;
          const whole = Buffer.alloc(Math.ceil(bytes.length / DATA_BYTES) * DATA_BYTES);
          whole.set(bytes.subarray(0, bytes.length - lost));
          return whole;
        });
        expect(received.equals(Buffer.concat(filled))).toBe(true);
      }),
    );
  });
});

describe('segmentsOf', () => {
  it('splits a log where the buffer ends', () => {
    expect(segmentsOf(text('abcde'), 2)).toEqual({ s1: text('ab'), s2: text('cde') });
    expect(segmentsOf(text('abcde'), 0)).toEqual({ s1: text(''), s2: text('abcde') });
    expect(segmentsOf(text('abcde'), 5)).toEqual({ s1: text('abcde'), s2: text('') });
  });

  it('refuses a place behind the end', () => {
    expect(() => segmentsOf(text('abcde'), 6)).toThrow(
      new RangeError('a log of 5 bytes cannot wrap after 6'),
    );
  });
});
