import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Addresses } from './addresses.ts';

test('tells which hosts have an address, whoever else had it before', () => {
  const addresses = new Addresses();
  addresses.replace('b', [], ['10.0.0.1', '2001:db8::1']);
  expect(addresses.holders('10.0.0.1')).toEqual(['b']);
  addresses.replace('a', [], ['10.0.0.1']);
  expect(addresses.holders('10.0.0.1')).toEqual(['a', 'b']);
  addresses.replace('b', ['10.0.0.1', '2001:db8::1'], ['2001:db8::1']);
  expect(addresses.holders('10.0.0.1')).toEqual(['a']);
  addresses.replace('a', ['10.0.0.1'], []);
  expect(addresses.holders('10.0.0.1')).toEqual([]);
  expect(addresses.holders('2001:db8::1')).toEqual(['b']);
});

test.each([
  ['::ffff:10.0.0.1', ['a']],
  ['::FFFF:10.0.0.1', ['a']],
  ['2001:DB8::1', ['a']],
  ['::ffff:db8', ['a']],
  ['10.0.0.1:2004', []],
  ['', []],
])('%s as a socket shows it', (address, hosts) => {
  const addresses = new Addresses();
  addresses.replace('a', [], ['10.0.0.1', '2001:db8::1', '::ffff:db8']);
  expect(addresses.holders(address)).toEqual(hosts);
});

test('an address that more than 16 hosts have tells nothing', () => {
  const addresses = new Addresses();
  const hosts = Array.from({ length: 17 }, (_, i) => `h${String(i).padStart(2, '0')}`);
  for (const host of hosts.toReversed()) addresses.replace(host, [], ['172.17.0.1']);
  expect(addresses.holders('172.17.0.1')).toEqual([]);
  addresses.replace('h03', ['172.17.0.1'], []);
  expect(addresses.holders('172.17.0.1')).toEqual(hosts.filter((host) => host !== 'h03'));
});

test('whatever hosts say, repeating themselves too, those who say it last have it', () => {
  const said = fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 });
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c'), said);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const addresses = new Addresses();
      const now = new Map<string, readonly string[]>();
      for (const [host, list] of steps) {
        addresses.replace(host, now.get(host) ?? [], list);
        now.set(host, list);
      }
      for (const address of ['x', 'y', 'z']) {
        const holders = [...now].filter(([, list]) => list.includes(address)).map(([host]) => host);
        expect(addresses.holders(address)).toEqual(holders.sort());
      }
    }),
  );
});
