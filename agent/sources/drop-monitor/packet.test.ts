import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstEtherType, parseCutSymbol } from './packet.ts';

const ethernet = (type: number, ...rest: number[]) => [...Array(12).fill(0), type >> 8, type & 0xff, ...rest];

describe('firstEtherType', () => {
  it.each([
    ['Ethernet', ethernet(0x0800, 0x45), 0x0800, 0],
    ['Ethernet with a tag, which the EtherType stands behind', ethernet(0x8100, 0, 7, 8, 0), 0x0800, 0],
    ['IPv4 alone, as on a tun', [0x45, ...Array(19).fill(0)], 0x0800, 0x0800],
    ['IPv6 alone', [0x60, ...Array(39).fill(0)], 0x86dd, 0x86dd],
    ['a frame of another protocol', ethernet(0x0806, 0, 1), 0x0806, 0],
    ['what makes no sense', [1, 2, 3], 0x0800, 0],
    ['nothing', [], 0x0800, 0],
  ])('knows %s', (_, bytes, protocol, expected) => {
    expect(firstEtherType(Uint8Array.from([9, ...bytes, 9]), 1, 1 + bytes.length, protocol)).toBe(expected);
  });
});

describe('parseCutSymbol', () => {
  it.each([
    ['__udp4_lib_rcv+0x9a2/0xc30', '__udp4_lib_rcv', 0x9a2, ''],
    ['nft_do_chain+0x1/0x2 [nf_tables]', 'nft_do_chain', 1, 'nf_tables'],
    ['ovs_dp_process_packet+0x1a2/0x1f0 [open', 'ovs_dp_process_packet', 0x1a2, ''],
    ['ovs_dp_process_upcall_of_packet+0x1a2/0', 'ovs_dp_process_upcall_of_packet', 0x1a2, ''],
  ])('reads %s', (text, name, offset, module) => {
    expect(parseCutSymbol(text)).toMatchObject({ function: name, offset, module });
  });

  it.each(['', '0xffffffff81234567', 'a_function_with_a_very_long_name+0x1234', '/', '+0x1/0x2'])(
    'does not take %j for a place',
    (text) => expect(parseCutSymbol(text)).toBeUndefined(),
  );

  it('reads any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const place = parseCutSymbol(text);
        if (place) expect(Number.isSafeInteger(place.offset)).toBe(true);
      }),
    );
  });
});
