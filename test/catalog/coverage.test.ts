import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readEntries } from '../../catalog/entries.ts';
import { namesWithoutEntry } from './coverage.ts';
import { liveNames, REASONS } from './live-names.ts';

const catalog = readEntries();
const hasBtf = existsSync('/sys/kernel/btf/vmlinux');

describe.skipIf(!hasBtf)(`the catalog on this kernel${hasBtf ? '' : ' (needs /sys/kernel/btf)'}`, () => {
  const live = hasBtf ? liveNames() : {};

  test('has every reason and counter that the kernel exposes', () => {
    expect(live).toMatchObject({
      [REASONS]: expect.arrayContaining(['NOT_SPECIFIED', 'NO_SOCKET']),
      snmp: expect.arrayContaining(['IpForwarding', 'UdpNoPorts']),
      netstat: expect.arrayContaining(['TcpExtListenDrops', 'IpExtInNoRoutes']),
      'stat/arp_cache': expect.arrayContaining(['arp_cache_entries', 'arp_cache_table_fulls']),
      interfaces: expect.arrayContaining(['rx_missed_errors']),
      'the source counters': expect.arrayContaining([
        'softnet_dropped',
        'rx_otherhost_dropped',
        'UdpNoPorts',
      ]),
    });
    expect(namesWithoutEntry(live, catalog)).toEqual([]);
  });

  test('says which names it lacks, where an entry has the wrong one', () => {
    const renamed = <E>(entries: ReadonlyMap<string, E>, name: string) => {
      const copy = new Map(entries).set(`${name}x`, entries.get(name)!);
      copy.delete(name);
      return copy;
    };
    const wrong = {
      ...catalog,
      reasons: renamed(catalog.reasons, 'NO_SOCKET'),
      counters: renamed(catalog.counters, 'UdpNoPorts'),
    };
    expect(namesWithoutEntry(live, wrong)).toEqual([
      'drop reasons: NO_SOCKET',
      'snmp: UdpNoPorts',
      'the source counters: UdpNoPorts',
    ]);
  });
});

test('a reason does not stand in for a counter, and an alias does for its entry', () => {
  const live = {
    [REASONS]: ['UdpNoPorts', 'NO_SOCKET', 'TCP_FILTER', 'MADE_UP'],
    snmp: ['NO_SOCKET', 'UdpNoPorts'],
  };
  expect(namesWithoutEntry(live, catalog)).toEqual([
    'drop reasons: UdpNoPorts',
    'drop reasons: MADE_UP',
    'snmp: NO_SOCKET',
  ]);
});
