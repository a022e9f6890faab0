/** Asks tshark and capinfos what stands in a capture. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payload } from '../packet/testing/built.ts';
import { ethernet, ipv4 } from '../packet/testing/network.ts';
import { udp } from '../packet/testing/upper.ts';
import { dropComments } from './drop.ts';
import { LinkType, PacketFlag, PcapngWriter } from './pcapng.ts';
import { isMissing, run } from './testing/wireshark.ts';

const missing = isMissing('tshark') || isMissing('capinfos');

describe.skipIf(missing)('a capture (needs tshark and capinfos)', () => {
  const directory = missing ? '' : mkdtempSync(join(tmpdir(), 'netfall-capture-'));
  const file = join(directory, 'drops.pcapng');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeAll(() => {
    const chunks: Buffer[] = [];
    const section = { hardware: 'x86_64', os: 'Linux 6.12.9', application: 'netfall 0.1.0' };
    const writer = new PcapngWriter((bytes) => chunks.push(Buffer.from(bytes)), section);
    const eth0 = writer.addInterface({
      ...{
        name: 'eth0',
        description: 'mlx5_core',
        linkType: LinkType.ethernet,
        snapLength: 46,
        resolution: 'us',
      },
    });
    const tun0 = writer.addInterface({
      ...{ name: 'tun0', description: '', linkType: LinkType.raw, snapLength: 65_535, resolution: 'ns' },
    });
    const mac = { text: '', bytes: new Uint8Array(6) };
    const ends = {
      source: { text: '', bytes: Buffer.of(10, 0, 0, 1) },
      destination: { text: '', bytes: Buffer.of(10, 0, 0, 2) },
    };
    const packet = ipv4(ends, udp(50_000, 60_000, payload(new Uint8Array(100))));
    const frame = ethernet({ source: mac, destination: mac }, packet);
    const drop = {
      reason: 'NO_SOCKET',
      function: '__udp4_lib_rcv',
      offset: 0x9a2,
      trap: '',
      interface: 'eth0',
    };
    writer.packet({
      ...{ interface: eth0, timestamp: 1_700_000_000_123_456, bytes: frame.bytes, start: 0 },
      ...{ length: 60, originalLength: frame.bytes.length, comments: dropComments(drop) },
      ...{ flags: PacketFlag.inbound | PacketFlag.unicast, lostBefore: 5 },
    });
    writer.packet({
      ...{ interface: tun0, timestamp: 1_700_000_001_123_456_789n, bytes: packet.bytes, start: 0 },
      ...{ length: packet.bytes.length, originalLength: packet.bytes.length },
      ...{ comments: ['trap=blackhole_route'], flags: 0, lostBefore: 0 },
    });
    const times = { start: 1_700_000_000_000_000, end: 1_700_000_002_000_000 };
    writer.statistics({ interface: eth0, ...times, received: 10, accepted: 1, lost: 7 });
    writer.flush();
    writeFileSync(file, Buffer.concat(chunks));
  });

  function fields(...names: string[]): string[][] {
    const wanted = names.flatMap((name) => ['-e', name]);
    const lines = run('tshark', ['-n', '-r', file, '-T', 'fields', '-E', 'aggregator=;', ...wanted]);
    return lines.map((line) => line.split('\t'));
  }

  it('is read by tshark: times, lengths, interfaces, comments, flags', () => {
    expect(
      fields('frame.time_epoch', 'frame.cap_len', 'frame.len', 'frame.interface_name', 'udp.dstport'),
    ).toEqual([
      ['1700000000.123456000', '46', '142', 'eth0', '60000'],
      ['1700000001.123456789', '128', '128', 'tun0', '60000'],
    ]);
    const [first, second] = fields(
      'frame.comment',
      'frame.packet_flags_direction',
      'frame.packet_flags_reception_type',
    );
    expect(first?.[0]).toBe('reason=NO_SOCKET;function=__udp4_lib_rcv+0x9a2;interface=eth0');
    expect(first?.slice(1).map(Number)).toEqual([1, 1]);
    expect(second).toEqual(['trap=blackhole_route', '', '']);
  });

  it('lets tshark find packets by a reason', () => {
    const found = run('tshark', ['-n', '-r', file, '-Y', 'frame.comment == "reason=NO_SOCKET"']);
    expect(found.length).toBe(1);
  });

  it('tells capinfos who captured it, on what, and what was lost', () => {
    const lines = run('capinfos', [file]).map((line) => line.trim());
    for (const line of [
      'Capture hardware:    x86_64',
      'Capture oper-sys:    Linux 6.12.9',
      'Capture application: netfall 0.1.0',
      'Number of packets:   2',
      'Name = eth0',
      'Description = mlx5_core',
      'Capture length = 46',
      'Time precision = nanoseconds (9)',
      'Number of stat entries = 1',
    ]) {
      expect(lines).toContain(line);
    }
  });
});
