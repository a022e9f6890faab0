import { expect, test } from 'vitest';
import { decodeEntry, encodeEntry } from './codec.ts';
import { concernsHost, LONGEST_SWITCH_US, switchesOf } from './switches.ts';

const label = (key: string, value: string) => ({ key, value });

test.each([
  ['neither hosts nor labels: everybody', [], [], 'web-1', [], true],
  ['a host that is named', ['web-1', 'web-2'], [], 'web-2', [], true],
  ['a host that is not named', ['web-1'], [], 'web-11', [], false],
  ['one label', [], [label('rack', 'r7')], 'web-1', [label('rack', 'r7'), label('zone', 'z')], true],
  ['another value', [], [label('rack', 'r7')], 'web-1', [label('rack', 'r8')], false],
  ['another key', [], [label('rack', 'r7')], 'web-1', [label('pool', 'r7')], false],
  ['one of two labels', [], [label('rack', 'r7'), label('pool', 'a')], 'web-1', [label('rack', 'r7')], false],
  ['named, without the label', ['web-1'], [label('rack', 'r7')], 'web-1', [], true],
  ['not named, with the label', ['web-1'], [label('rack', 'r7')], 'web-2', [label('rack', 'r7')], true],
  ['neither named nor with the label', ['web-1'], [label('rack', 'r7')], 'web-2', [], false],
])('%s', (_, hosts, labels, host, carried, concerned) => {
  expect(concernsHost({ hosts, labels }, host, carried)).toBe(concerned);
});

test('a switch ends when it says, and no later than it may', () => {
  const bare = { hosts: [], labels: [label('rack', 'r7')], why: '', by: '' };
  const soon = { ...bare, source: 'a', until_us: 5_000_000 };
  const never = { ...bare, source: 'b', until_us: Number.MAX_SAFE_INTEGER };
  const { switches } = decodeEntry(encodeEntry({ switches: { switches: [soon, never], by: '' } }));
  if (!switches) throw new Error('no switches');
  // Plain: what a decoder leaves to its defaults is there.
  expect(switchesOf(switches, 1_000_000)).toStrictEqual([
    soon,
    { ...never, until_us: 1_000_000 + LONGEST_SWITCH_US },
  ]);
});
