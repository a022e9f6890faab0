import type { SwitchView } from '@netfall/collector';
import { expect, it } from 'vitest';
import { isSameSwitch, sourceList, switchedOff, switchedOn } from './sources.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };
const counts = (ok: number, off: number) => ({ ok, degraded: 0, unavailable: 2, off, unknown: 0 });
const aSwitch = (part: Partial<SwitchView> = {}): SwitchView => ({
  source: 'kfree-skb',
  until_us: now + 3_600_000_000,
  hosts: [],
  labels: {},
  why: 'it costs too much',
  by: 'ann@console',
  ...part,
});
const sources = [
  { name: 'counters', hosts: counts(40, 0) },
  { name: 'kfree-skb', hosts: counts(2, 38) },
];

it('lists sources by state, and what is switched off', () => {
  const switches = [
    aSwitch(),
    aSwitch({ labels: { rack: 'r7', pool: 'a' }, hosts: ['web-2', 'web-1'], why: '\x1b[2J' }),
  ];
  expect(sourceList(sources, switches, now, paper)).toEqual([
    'SOURCE     OK  DEGRADED  UNAVAILABLE  OFF',
    'counters   40         0            2    0',
    'kfree-skb   2         0            2   38',
    '',
    'SWITCHED OFF  ON                             FOR  BY           WHY',
    'kfree-skb     all hosts                      1 h  ann@console  it costs too much',
    'kfree-skb     hosts with pool=a and rack=r…  1 h  ann@console',
  ]);
});

it('says that nothing is switched off, and that nobody has reported', () => {
  expect(sourceList(sources, [], now, paper).at(-1)).toBe('Nothing is switched off.');
  expect(sourceList([], [], now, paper)).toEqual(['No host has reported yet.']);
});

it('says what was done', () => {
  expect(switchedOff(aSwitch({ labels: { rack: 'r7' } }), 38)).toEqual([
    'kfree-skb goes off on 38 hosts (hosts with rack=r7) until 2026-01-02 04:04:05 UTC.',
    '"netfall sources on kfree-skb" takes that back; "netfall sources" shows how far it is.',
  ]);
  expect(switchedOff(aSwitch({ hosts: ['web-1'] }), 1)[0]).toBe(
    'kfree-skb goes off on 1 host (web-1) until 2026-01-02 04:04:05 UTC.',
  );
  expect(switchedOn('kfree-skb', [aSwitch(), aSwitch({ hosts: ['b', 'a'] })])).toEqual([
    'kfree-skb goes on again where it was switched off (all hosts; a, b).',
  ]);
});

it.each([
  ['another reason and time', { why: 'x', until_us: 1, by: 'y' }, true],
  ['the hosts in another order', { hosts: ['b', 'a'] }, true],
  ['other hosts', { hosts: ['a'] }, false],
  ['other labels', { hosts: ['a', 'b'], labels: { rack: 'r7' } }, false],
  ['another source', { source: 'counters' }, false],
])('a switch with %s is the same: %s', (_, part, same) => {
  const one = aSwitch({ hosts: ['a', 'b'] });
  expect(isSameSwitch(one, { ...one, ...part })).toBe(same);
});
