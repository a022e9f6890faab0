import { expect, test } from 'vitest';
import type { AuditOutcome } from './audit.ts';
import { faultsOf, withTable } from './audited.ts';

const kind = { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', protocol: 'IPv4' };
const base = { scenario: 'no socket', kernel: '6.1.0', counter: 'UdpNoPorts', lost: 10 };
const right: AuditOutcome = {
  ...base,
  audit: {
    explained: [{ ...kind, counter: 'UdpNoPorts', events: 10 }],
    unseen: [{ counter: 'IcmpInErrors', interface: '', count: 3, possible: true }],
    uncounted: [],
  },
};
const alone: AuditOutcome = {
  ...base,
  scenario: 'no route, local',
  audit: {
    explained: [],
    unseen: [{ counter: 'IpOutNoRoutes', interface: '', count: 10, possible: false }],
    uncounted: [],
  },
};

test('an audit that says exactly what was lost is without fault', () => {
  expect(faultsOf(right)).toEqual([]);
  expect(faultsOf(alone)).toEqual([]);
});

test('whatever it says too much, too little or wrongly is a fault', () => {
  const faults = (audit: Partial<AuditOutcome['audit']>, of = right) =>
    faultsOf({ ...of, audit: { ...of.audit, ...audit } });
  const row = { ...kind, counter: 'UdpNoPorts' };
  expect(faults({ explained: [{ ...row, events: 9 }] })).toEqual(['9 drops were seen of 10 lost']);
  expect(
    faults({ explained: [{ ...row, events: 9 }], uncounted: [{ ...kind, counter: '', events: 1 }] }),
  ).toEqual(['NO_SOCKET: UdpNoPorts explains 9 of 10', 'NO_SOCKET: 1 are counted nowhere']);
  expect(faults({ explained: [{ ...row, counter: 'UdpInErrors', events: 10 }] })).toEqual([
    'NO_SOCKET: UdpNoPorts explains 0 of 10',
    'NO_SOCKET: UdpInErrors explains it, too',
  ]);
  const other = { ...kind, reason: 'NOT_SPECIFIED', counter: '', events: 1 };
  expect(faults({ uncounted: [other] })).toEqual([`besides: ${JSON.stringify(other)}`]);
  const loss = { counter: 'tx_dropped', interface: 'a0', count: 1, possible: false };
  expect(faults({ unseen: [loss] })).toEqual([`unseen: ${JSON.stringify(loss)}`]);
  expect(faults({ unseen: [] }, alone)).toEqual(['IpOutNoRoutes shows 0 of 10 lost']);
});

test("a kernel's table takes the place of the one before, and a kernel that the page lacks has none", () => {
  const page = '# Audit\n\n### Linux 6.1\n\nold\n\n### Linux 6.12\n\nolder\n';
  const table = [
    '| loss | reason | function | counted by |',
    '| --- | --- | --- | --- |',
    '| no socket | `NO_SOCKET` | `__udp4_lib_rcv` | `UdpNoPorts` |',
    '| no route, local | no drop event |  | `IpOutNoRoutes` alone |',
    '',
  ].join('\n');
  expect(withTable(page, '6.1', [right, alone])).toBe(page.replace('old\n', table));
  expect(withTable(page, '6.12', [right, alone])).toBe(page.replace('older\n', table));
  expect(withTable(page, '6.18', [right])).toBe(page);
});
