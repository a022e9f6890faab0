import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesPrefix, parsePrefix } from '../capture/prefix.ts';
import { formatIpv4, formatIpv6 } from '../inventory/addresses.ts';
import { parseListen } from './listen.ts';
import { Networks } from './networks.ts';

function words(text: string) {
  const { address } = parseListen(text.includes(':') ? `[${text}]:1` : `${text}:1`);
  const view = new DataView(address.buffer);
  return { a: view.getUint32(0), b: view.getUint32(4), c: view.getUint32(8), d: view.getUint32(12) };
}

describe('networks', () => {
  it.each([
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.6', false],
    [['0.0.0.0/0'], '203.0.113.9', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], '203.0.113.9', true],
    [['fd00::/8'], 'fdff::1', true],
    [['fd00::/8'], 'fe80::1', false],
    [['2001:db8::/33'], '2001:db8:7fff::', true],
    [['2001:db8::/33'], '2001:db8:8000::', false],
    [['10.0.0.0/8', 'fe80::/10'], 'febf::9', true],
    [[], '10.0.0.1', false],
  ])('%j has %s: %s', (networks, address, expected) => {
    expect(new Networks(networks).has(words(address))).toBe(expected);
  });

  it('have what prefixes match', () => {
    const v4 = fc.tuple(fc.nat(0xffff_ffff).map(formatIpv4), fc.nat(32));
    const v6 = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIpv6), fc.nat(128));
    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.oneof(v4, v6), ([network, bits], [address]) => {
        const prefix = parsePrefix(`${network}/${bits}`)!;
        const other = parsePrefix(address)!.address;
        // An IPv4 address is one of IPv6, too, below ::ffff:0:0/96.
        fc.pre(prefix.address.length === other.length);
        const expected = matchesPrefix(prefix, other, 0, other.length);
        expect(new Networks([`${network}/${bits}`]).has(words(address))).toBe(expected);
        expect(new Networks([`${network}/${bits}`]).has(words(network))).toBe(true);
      }),
    );
  });

  it('are named when they are none', () => {
    expect(() => new Networks(['10.0.0.0/33'])).toThrow(
      '10.0.0.0/33 is no address and no network: write 10.0.0.0/8 or fd00::/8',
    );
  });
});

describe('an address to listen on', () => {
  it.each([
    ['10.1.2.3:2004', '00000000000000000000ffff0a010203', 2004],
    ['[::]:6666', '00000000000000000000000000000000', 6666],
    ['[2001:db8::1]:0', '20010db8000000000000000000000001', 0],
  ])('%s', (text, hex, port) => {
    const { address, port: parsed } = parseListen(text);
    expect([Buffer.from(address).toString('hex'), parsed]).toEqual([hex, port]);
  });

  it.each(['10.1.2.3', '::1:2004', '[10.1.2.3]', '10.1.2.3:65536', 'host:2004', ''])('%j is none', (text) => {
    expect(() => parseListen(text)).toThrow(`${text} is no address to listen on: write ADDRESS:PORT`);
  });
});
