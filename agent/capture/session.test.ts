import { describe, expect, it } from 'vitest';
import { CaptureFilter, type FilterOptions } from './filter.ts';
import { CaptureSession, type CaptureSource, type CaughtPacket } from './session.ts';
import { type Block, readPcapng } from './testing/read-pcapng.ts';

/** From 10.0.0.1:12345 to 10.0.0.2:53, without a MAC header. */
const IPV4 = Buffer.concat([
  Buffer.from('450000250001000040110000', 'hex'),
  Buffer.from([10, 0, 0, 1, 10, 0, 0, 2]),
  Buffer.from('3039003500110000', 'hex'),
  Buffer.from('123456789'),
]);
const ETHERNET = Buffer.concat([Buffer.from('0200000000020200000000010800', 'hex'), IPV4]);
const ARP = Buffer.from('0001080006040001020000000001c0a80001000000000000c0a80002', 'hex');

function caught(packet: Buffer, more: Partial<CaughtPacket> = {}): CaughtPacket {
  return {
    reason: 'NO_SOCKET',
    function: '__udp4_lib_rcv',
    offset: 0x4bc,
    trap: '',
    interface: 'eth0',
    timeUs: 1_700_000_000_000_000,
    bytes: packet,
    start: 0,
    copied: packet.length,
    etherType: 0,
    length: packet.length,
    namespace: '',
    inbound: true,
    ...more,
  };
}

class Scripted implements CaptureSource {
  readonly description = 'a script';
  pending: CaughtPacket[] = [];
  missed = 0;

  poll(take: (packet: CaughtPacket) => void): void {
    for (const packet of this.pending.splice(0)) take(packet);
  }

  lost(): number {
    return this.missed;
  }

  [Symbol.dispose](): void {}
}

function open(options: { filter?: FilterOptions; most?: number } = {}) {
  const source = new Scripted();
  const parts: Buffer[] = [];
  let nowUs = 1_700_000_000_000_000;
  const session = new CaptureSession({
    source,
    filter: new CaptureFilter(options.filter ?? {}),
    snapLength: 64,
    ...(options.most !== undefined && { most: options.most }),
    section: { hardware: 'x64', os: 'Linux', application: 'netfall' },
    sink: (bytes) => parts.push(Buffer.from(bytes)),
    nowUs: () => nowUs++,
  });
  return {
    source,
    session,
    take(...packets: CaughtPacket[]) {
      source.pending.push(...packets);
      session.poll();
    },
    blocks(): Block[] {
      session.finish();
      return readPcapng(Buffer.concat(parts));
    },
  };
}

const SECTION = 0x0a0d0d0a;
const of = (blocks: readonly Block[], type: number) => blocks.filter((block) => block.type === type);
const texts = (block: Block | undefined, code: number) =>
  block?.options.filter((option) => option.code === code).map(({ value }) => String(value));
const counter = (block: Block | undefined, code: number) =>
  Number(block?.options.find((option) => option.code === code)?.value.readBigUInt64LE());

describe('CaptureSession', () => {
  it('writes a packet with what is known of its drop', () => {
    const { take, blocks } = open();
    take(caught(ETHERNET));
    const file = blocks();
    expect(file.map(({ type }) => type)).toEqual([SECTION, 1, 6, 5]);
    const [described] = of(file, 1);
    expect(described?.fields).toMatchObject({ linkType: 1, snapLength: 64 });
    expect(texts(described, 2)).toEqual(['eth0']);
    const [packet] = of(file, 6);
    expect(packet?.data).toEqual(ETHERNET);
    expect(packet?.fields).toEqual({
      interface: 0,
      timestamp: 1_700_000_000_000_000n,
      originalLength: ETHERNET.length,
    });
    expect(texts(packet, 1)).toEqual(['reason=NO_SOCKET', 'function=__udp4_lib_rcv+0x4bc', 'interface=eth0']);
    expect(packet?.options.find(({ code }) => code === 2)?.value.readUInt32LE()).toBe(1);
  });

  it('has an interface for each name, namespace and kind of link, once', () => {
    const { take, blocks } = open();
    take(
      caught(ETHERNET),
      caught(ETHERNET, { namespace: 'netns blue' }),
      caught(IPV4, { etherType: 0x0800, interface: '' }),
      caught(ETHERNET),
    );
    const file = blocks();
    expect(of(file, 1).map((block) => [texts(block, 2), block.fields['linkType']])).toEqual([
      [['eth0'], 1],
      [['eth0 (netns blue)'], 1],
      [['unknown'], 101],
    ]);
    expect(of(file, 6).map(({ fields }) => fields['interface'])).toEqual([0, 1, 2, 0]);
  });

  it('puts an Ethernet header before what has none and is not IP', () => {
    const { take, blocks } = open();
    take(caught(ARP, { etherType: 0x0806 }));
    const [packet] = of(blocks(), 6);
    expect(packet?.data).toEqual(Buffer.concat([Buffer.from('0000000000000000000000000806', 'hex'), ARP]));
    expect(packet?.fields['originalLength']).toBe(14 + ARP.length);
  });

  it('keeps what the filter lets through, and says how much there was', () => {
    const { take, blocks, session } = open({ filter: { port: '53', address: '10.0.0.0/30' } });
    take(caught(ETHERNET), caught(ARP, { etherType: 0x0806 }), caught(IPV4, { etherType: 0x0800 }));
    expect(session.counts).toMatchObject({ seen: 3, kept: 2, lost: 0 });
    const statistics = of(blocks(), 5);
    expect(statistics.map((block) => [counter(block, 4), counter(block, 6)])).toEqual([
      [2, 1],
      [1, 1],
    ]);
  });

  it('says how many packets were lost, before which one, and in all', () => {
    const { take, blocks, source } = open();
    take(caught(ETHERNET));
    source.missed = 7;
    take(caught(ETHERNET), caught(ETHERNET));
    source.missed = 9;
    const file = blocks();
    expect(of(file, 6).map((block) => counter(block, 4))).toEqual([Number.NaN, 7, Number.NaN]);
    const [statistics] = of(file, 5);
    expect([counter(statistics, 4), counter(statistics, 5), counter(statistics, 6)]).toEqual([12, 9, 3]);
  });

  it('stops at as many packets as were asked for', () => {
    const { take, blocks, session } = open({ most: 2 });
    take(caught(ETHERNET));
    expect(session.full).toBe(false);
    take(caught(ETHERNET), caught(ETHERNET));
    expect(session.full).toBe(true);
    expect(of(blocks(), 6)).toHaveLength(2);
  });

  it('is a file also when nothing was caught', () => {
    const { blocks } = open();
    expect(blocks().map(({ type }) => type)).toEqual([SECTION, 1, 5]);
  });

  it('shows what was cut by the whole length', () => {
    const { take, blocks } = open();
    const long = Buffer.concat([ETHERNET, Buffer.alloc(100)]);
    take(caught(long, { copied: 80, length: 1500 }));
    const [packet] = of(blocks(), 6);
    expect(packet?.data).toHaveLength(64);
    expect(packet?.fields['originalLength']).toBe(1500);
  });
});
