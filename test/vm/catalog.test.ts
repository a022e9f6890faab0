/** That the catalog knows every reason and counter of other kernels, with all modules loaded that have some. */
import { describe, expect, test } from 'vitest';
import { readEntries } from '../../catalog/entries.ts';
import { namesWithoutEntry } from '../catalog/coverage.ts';
import { type LiveNames, REASONS } from '../catalog/live-names.ts';
import { branches } from './packages.ts';
import { whyNoVmTests } from './qemu.ts';
import { bootVm } from './vm.ts';

const MINUTE_MS = 60_000;
const MODULES = 'nf_conntrack nf_synproxy_core sctp xfrm_user openvswitch mac80211 dummy mptcp_diag';

/** Reasons of the modules, which kernels before 6.4 do not have. */
const OF_MODULES: Readonly<Record<string, readonly string[]>> = {
  '6.12': ['OVS_DROP_LAST_ACTION', 'RX_DROP_U_MIC_FAIL'],
};

const missing = new Map(
  await Promise.all(branches.map(async (kernel) => [kernel, await whyNoVmTests(kernel)] as const)),
);

describe('the catalog in a VM', () => {
  for (const [kernel, why] of missing) {
    const name = `has every reason and counter of Linux ${kernel}${why === null ? '' : ` (${why})`}`;
    test.skipIf(why !== null)(name, { timeout: 8 * MINUTE_MS, retry: 1 }, async () => {
      await using vm = await bootVm({ kernel, memoryMb: 1024 });
      const script = `modprobe -a ${MODULES} && node_modules/.bin/node test/catalog/live-names.ts`;
      const { status, stdout, stderr } = await vm.run(script, { timeoutMs: 5 * MINUTE_MS });
      expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
      const live = JSON.parse(String(stdout)) as LiveNames;
      expect(Object.keys(live)).toEqual(
        expect.arrayContaining(['stat/nf_conntrack', 'stat/synproxy', 'sctp/snmp', 'xfrm_stat', 'snmp6']),
      );
      expect(live[REASONS]).toEqual(expect.arrayContaining([...(OF_MODULES[kernel] ?? []), 'NO_SOCKET']));
      expect(namesWithoutEntry(live, readEntries())).toEqual([]);
    });
  }
});
