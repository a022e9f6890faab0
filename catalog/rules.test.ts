import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import rules from './gen/rules.json' with { type: 'json' };
import { catalogDigest, counterRule, countersOf, isAudited, reasonRule } from './rules.ts';

test('what holds in a function wins over what holds elsewhere', () => {
  expect(reasonRule('NOT_SPECIFIED', 'skb_release_data').alarm).toBe('never');
  expect(reasonRule('NOT_SPECIFIED', 'some_driver_rx').alarm).not.toBe('never');
  expect(reasonRule('NO_SOCKET', '__udp4_lib_rcv')).toMatchObject({
    lost: 'always',
    alarm: 50,
    severity: 'warning',
  });
});

test('a reason that the catalog does not know is a loss worth a warning', () => {
  expect(reasonRule('BRAND_NEW', 'f')).toMatchObject({ lost: 'always', severity: 'warning', counted_by: [] });
  expect(counterRule('BrandNew')).toBeUndefined();
});

test('the counters of a drop go by its function and protocol', () => {
  const named = (...drop: [string, string, string]) => countersOf(...drop).map(({ counter }) => counter);
  expect(named('NO_SOCKET', '__udp4_lib_rcv', 'IPv4')).toEqual(['UdpNoPorts']);
  expect(named('NO_SOCKET', '__udp6_lib_rcv', 'IPv6')).toEqual(['Udp6NoPorts']);
  expect(named('BRAND_NEW', 'f', 'IPv4')).toEqual([]);
});

test('the names that other releases have mean the same', () => {
  expect(reasonRule('TCP_FILTER', 'tcp_v4_rcv')).toEqual(reasonRule('SOCKET_FILTER', 'tcp_v4_rcv'));
  expect(reasonRule('SOCKET_FILTER', 'tcp_v4_rcv').layer).toBe('filter');
  expect(counterRule('rx_multicast')).toEqual(counterRule('multicast'));
  expect(counterRule('multicast')).toBeDefined();
});

test('a counter is audited that counts losses, or drops of a reason', () => {
  // A reset is sent for each refused connection, whose SYN is a drop event.
  const names = ['UdpNoPorts', 'TcpOutRsts', 'TcpInSegs', 'BrandNew'];
  expect(names.filter(isAudited)).toEqual(['UdpNoPorts', 'TcpOutRsts']);
});

test('the digest is of the rules, and of what holds for a reason without one', () => {
  const text = JSON.stringify([rules, reasonRule('BRAND_NEW', 'f')]);
  expect(catalogDigest).toBe(createHash('sha256').update(text).digest('hex'));
});
