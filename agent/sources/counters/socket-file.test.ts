import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SocketFile } from './socket-file.ts';

const HEADING =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n';

/** The sockets of a file, and how many lines were malformed. */
function parse(text: string | Uint8Array) {
  const bytes = Buffer.from(text);
  const file = new SocketFile();
  const sockets: { inode: number; drops: number; port: number; address: string }[] = [];
  const malformed = file.list(bytes, bytes.length, ({ inode, drops, port }) => {
    sockets.push({ inode, drops, port, address: Buffer.from(file.address()).toString('hex') });
  });
  return { sockets, malformed };
}

/** A line as the kernel prints it. */
function line(address: Uint8Array, port: number, inode: number, drops: number): string {
  const local = Buffer.from(address).swap32().toString('hex').toUpperCase();
  const remote = '0'.repeat(local.length);
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return ` 1234: ${local}:${hexPort} ${remote}:0000 07 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 2 0000000000000000 ${drops}        \n`;
}

describe('SocketFile', () => {
  it('reads lines of udp and of raw6', () => {
    const udp =
      '   93: 0100007F:1F90 00000000:0000 07 00000000:00000900 00:00000000 00000000     0        0 51234 2 0000000000000000 417         \n';
    const raw6 =
      '   58: 00000000000000000000000001000000:003A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 777 2 ffff8881 0\n';
    expect(parse(HEADING + udp + raw6)).toEqual({
      sockets: [
        { inode: 51_234, drops: 417, port: 8080, address: '7f000001' },
        { inode: 777, drops: 0, port: 58, address: '00000000000000000000000000000001' },
      ],
      malformed: 0,
    });
  });

  it('passes over what is no socket, and counts it', () => {
    const good = line(Buffer.from([10, 0, 0, 1]), 53, 9, 2);
    const cut = good.slice(0, 60);
    const tooLarge = line(Buffer.from([10, 0, 0, 1]), 53, 2 ** 32, 2);
    const oneMore = `${good.trimEnd()} 7\n`;
    expect(parse(`${HEADING}${cut}\n${tooLarge}${oneMore}\n${good}`)).toEqual({
      sockets: [{ inode: 9, drops: 2, port: 53, address: '0a000001' }],
      malformed: 4,
    });
  });

  it('reads back every socket', () => {
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const address = fc.constantFrom(4, 16).chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
    const socket = fc.record({ address, port: fc.integer({ min: 0, max: 65_535 }), inode: u32, drops: u32 });
    fc.assert(
      fc.property(fc.array(socket, { maxLength: 8 }), (sockets) => {
        const lines = sockets.map(({ address, port, inode, drops }) => line(address, port, inode, drops));
        expect(parse(HEADING + lines.join(''))).toEqual({
          sockets: sockets.map((each) => ({ ...each, address: Buffer.from(each.address).toString('hex') })),
          malformed: 0,
        });
      }),
    );
  });

  it('tells of each line once, whatever the bytes', () => {
    const damaged = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 20 })).map(([at, bytes]) => {
      const text = Buffer.from(HEADING + line(Buffer.from([10, 0, 0, 1]), 53, 9, 2).repeat(3));
      text.set(bytes, at % (text.length - bytes.length));
      return text;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 400 })), (bytes) => {
        const { sockets, malformed } = parse(bytes);
        const lines = Buffer.from(bytes).toString('latin1').split('\n');
        if (lines.at(-1) === '') lines.pop();
        expect(sockets.length + malformed).toBe(Math.max(0, lines.length - 1));
      }),
    );
  });
});
