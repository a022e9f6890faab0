import { describe, expect, it } from 'vitest';
import { parseNetlinkDrops, readNetlinkDrops } from './drops.ts';
import { NetlinkProtocol, NetlinkSocket } from './socket.ts';

const TEXT = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
000000005eb99e64 0   0          00000000 0        0        0     2        0        4
00000000aaaaaaaa 16  4242       00000001 0        0        0     2        17       5
00000000bbbbbbbb 0   4242       00000001 0        0        0     2        3        6
00000000cccccccc 16  43
`;

describe('parseNetlinkDrops', () => {
  it('finds a socket by protocol and port', () => {
    expect(parseNetlinkDrops(TEXT, 16, 4242)).toBe(17);
    expect(parseNetlinkDrops(TEXT, 0, 4242)).toBe(3);
  });

  it('knows no other sockets, no line that is cut and no other file', () => {
    expect(parseNetlinkDrops(TEXT, 16, 1)).toBeUndefined();
    expect(parseNetlinkDrops(TEXT, 16, 43)).toBeUndefined();
    expect(parseNetlinkDrops('', 16, 1)).toBeUndefined();
    expect(parseNetlinkDrops('a b c\n1 2 3\n', 16, 2)).toBeUndefined();
  });

  it.skipIf(process.platform !== 'linux')('reads that of a socket of ours (needs Linux)', () => {
    using socket = new NetlinkSocket({ protocol: NetlinkProtocol.generic, datagrams: 1 });
    expect(readNetlinkDrops(socket)).toBe(0);
    expect(readNetlinkDrops({ protocol: NetlinkProtocol.route, portId: socket.portId })).toBeUndefined();
  });
});
