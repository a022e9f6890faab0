import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, formatIpv6 } from '../inventory/addresses.ts';
import { matchesPrefix, parsePrefix } from './prefix.ts';

const hex = (text: string) => {
  const prefix = parsePrefix(text);
  return prefix && `${Buffer.from(prefix.address).toString('hex')}/${prefix.bits}`;
};

function format(address: Uint8Array): string {
  return address.length === 4 ? formatIpv4(Buffer.from(address).readUInt32BE()) : formatIpv6(address);
}

describe('parsePrefix', () => {
  it('reads addresses and prefixes', () => {
    expect(hex('10.0.0.1')).toBe('0a000001/32');
    expect(hex('10.0.0.0/8')).toBe('0a000000/8');
    expect(hex('0.0.0.0/0')).toBe('00000000/0');
    expect(hex('::')).toBe('00000000000000000000000000000000/128');
    expect(hex('2001:db8::/32')).toBe('20010db8000000000000000000000000/32');
    expect(hex('1:2:3:4:5:6:7:8')).toBe('00010002000300040005000600070008/128');
    expect(hex('FE80::1:0:0:ab')).toBe('fe8000000000000000010000000000ab/128');
    expect(hex('::ffff:192.0.2.1')).toBe('00000000000000000000ffffc0000201/128');
  });

  it.each([
    '',
    '/8',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::1/129',
    '1::2::3',
    'fe80::1%eth0',
    'web-1',
  ])('takes "%s" for no address', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('reads every address as it is formatted, and no text makes it throw', () => {
    const addresses = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc
        .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
        .map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parsePrefix(format(address))).toEqual({ address, bits: address.length * 8 });
      }),
    );
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789abcdef:./') }));
    fc.assert(
      fc.property(texts, (text) => {
        expect(parsePrefix(text)?.address.length ?? 4).toBeOneOf([4, 16]);
      }),
    );
  });
});

it('matchesPrefix finds the same as Node', () => {
  const pairs = fc.constantFrom(4, 16).chain((length) =>
    fc.record({
      network: fc.uint8Array({ minLength: length, maxLength: length }),
      bits: fc.nat(length * 8),
      // Few bits differ, so that about half of the addresses match.
      flips: fc.array(fc.nat(length * 8 - 1), { maxLength: 2 }),
    }),
  );
  fc.assert(
    fc.property(pairs, ({ network, bits, flips }) => {
      const address = Uint8Array.from(network);
      for (const bit of flips) address[bit >> 3]! ^= 0x80 >> (bit & 7);
      const family = network.length === 4 ? 'ipv4' : 'ipv6';
      const list = new BlockList();
      list.addSubnet(format(network), bits, family);
      const expected = list.check(format(address), family);
      const prefix = { address: network, bits };
      expect(matchesPrefix(prefix, Buffer.concat([Buffer.of(1, 2, 3), address]), 3, address.length)).toBe(
        expected,
      );
      expect(matchesPrefix(prefix, Buffer.alloc(16), 0, 20 - network.length)).toBe(false);
    }),
    { numRuns: 500 },
  );
});
