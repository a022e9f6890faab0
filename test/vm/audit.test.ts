import { describe, expect, test } from 'vitest';
import { expectAudited } from '../drops/audited-page.ts';
import { branches } from './packages.ts';
import { whyNoVmTests } from './qemu.ts';
import { bootVm } from './vm.ts';

const MINUTE_MS = 60_000;
const missing = new Map(
  await Promise.all(branches.map(async (kernel) => [kernel, await whyNoVmTests(kernel)] as const)),
);

describe('lost packets in a VM', () => {
  for (const [kernel, why] of missing) {
    const name = `are attributed by netfall counters on Linux ${kernel}${why === null ? '' : ` (${why})`}`;
    test.skipIf(why !== null)(name, { timeout: 20 * MINUTE_MS, retry: 2 }, async () => {
      await using vm = await bootVm({ kernel, memoryMb: 1024 });
      const { status, stdout, stderr } = await vm.run('node_modules/.bin/node test/drops/audit.ts', {
        timeoutMs: 9 * MINUTE_MS,
      });
      expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
      expectAudited(String(stdout));
    });
  }
});
