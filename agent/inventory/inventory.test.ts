import { existsSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces, release } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, formatIpv6 } from './addresses.ts';
import { openHost, parseCpuInfo, parseOsRelease, readInventory } from './inventory.ts';
import { parseSpeed } from './nics.ts';
import { parseLocalAddresses } from './routes.ts';

const FIXTURES = join(import.meta.dirname, '../../test/fixtures');

describe('the inventory', () => {
  it.each(['proc-6.18/before', 'host-metal'])('of %s', async (fixture) => {
    const labels = { zone: 'tor-12', rack: 'r7' };
    const inventory = readInventory(join(FIXTURES, fixture), labels);
    await expect(`${JSON.stringify(inventory, null, 2)}\n`).toMatchFileSnapshot(
      join(FIXTURES, fixture.split('/')[0] ?? '', 'inventory.golden.json'),
    );
  });

  it('of nothing is empty, not an error', () => {
    const inventory = readInventory(join(FIXTURES, 'there-is-no-such-folder'));
    const { nics, labels, addresses, ...strings } = inventory;
    expect([nics, labels, addresses]).toEqual([[], [], []]);
    expect(new Set(Object.values(strings))).toEqual(new Set(['']));
    expect(openHost(join(FIXTURES, 'there-is-no-such-folder'), {}).bootId()).toBe('');
  });

  it.skipIf(!existsSync('/proc/net/fib_trie'))('of this machine is what Node says', () => {
    const inventory = readInventory('/');
    expect([inventory.hostname, inventory.kernel]).toEqual([hostname(), release()]);
    const own = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/.test(address))
      .map(({ address }) => address);
    expect(inventory.addresses).toEqual([...new Set(own)].sort());
    expect(openHost('/', {}).bootId()).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  });
});

describe('addresses', () => {
  it('formats IPv4', () => {
    expect([0, 0xc0000201, 0xffffffff].map(formatIpv4)).toEqual(['0.0.0.0', '192.0.2.1', '255.255.255.255']);
  });

  it.each([
    ['20010db8000000070000000000000007', '2001:db8:0:7::7'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['20010db8000100000000000100000000', '2001:db8:1::1:0:0'],
  ])('formats %s as RFC 5952 has it', (hex, text) => {
    expect(formatIpv6(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it('formats any IPv6 address as the URL parser does', () => {
    const group = fc.oneof(fc.constant(0), fc.nat({ max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const bytes = Buffer.from(groups.flatMap((g) => [g >> 8, g & 0xff]));
        const canonical = new URL(`http://[${groups.map((g) => g.toString(16)).join(':')}]/`).hostname;
        expect(`[${formatIpv6(bytes)}]`).toBe(canonical);
      }),
    );
  });

  it('takes own addresses from fib_trie, without loopback and link-local ones', () => {
    const leaf = (address: string, type: string) => `           |-- ${address}\n              /32 ${type}\n`;
    const text = [
      leaf('127.0.0.1', 'host LOCAL'),
      leaf('192.0.2.2', 'host LOCAL'),
      leaf('192.0.2.255', 'link BROADCAST'),
      leaf('169.254.3.4', 'host LOCAL'),
      leaf('10.0.0.9', 'host LOCAL'),
      leaf('192.0.2.2', 'host LOCAL'),
    ].join('');
    expect(parseLocalAddresses(`Main:\n  +-- 0.0.0.0/0 3 0 5\n${text}Local:\n${text}`)).toEqual([
      '10.0.0.9',
      '192.0.2.2',
    ]);
  });
});

describe('small files', () => {
  it('os-release', () => {
    expect(parseOsRelease('PRETTY_NAME="A B"\nIMAGE_ID=c\nIMAGE_VERSION=\'1\'\n')).toBe('A B c 1');
    expect(parseOsRelease('NAME=only\n#PRETTY_NAME=no\n')).toBe('');
  });

  it('cpuinfo of Arm', () => {
    expect(parseCpuInfo('processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n')).toEqual({
      model: 'implementer 0x41 part 0xd40',
      microcode: '',
    });
  });

  it('speed', () => {
    expect(['25000', '-1', '', '65535', '4294967295', 'x'].map(parseSpeed)).toEqual([25000, 0, 0, 0, 0, 0]);
  });

  it('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof parseOsRelease(text)).toBe('string');
        expect(typeof parseCpuInfo(text).model).toBe('string');
        expect(Array.isArray(parseLocalAddresses(text))).toBe(true);
      }),
    );
  });
});
