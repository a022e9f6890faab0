/** What Netfall says and does without privileges on a kernel that has a drop monitor, which this machine's may not have. */
import { describe, expect, it } from 'vitest';
import { whyNoVmTests } from './qemu.ts';
import { bootVm } from './vm.ts';

const MINUTE_MS = 60_000;
const KERNEL = '6.1';
const missing = await whyNoVmTests(KERNEL);
const name = `privileges on Linux ${KERNEL} in a VM${missing === null ? '' : ` (${missing})`}`;

describe.skipIf(missing !== null)(name, { timeout: 15 * MINUTE_MS, retry: 1 }, () => {
  it('are named where they are missing, and all else works', async () => {
    await using vm = await bootVm({ kernel: KERNEL, memoryMb: 1024 });
    const tests = 'NETFALL_IN_VM=1 vitest run agent/sources/privileges 2>&1';
    const { stdout } = await vm.run(`export HOME=/tmp; ${tests}`, { timeoutMs: 12 * MINUTE_MS });
    expect(stdout.toString()).toMatch(/^4 passed, 0 failed, 0 skipped$/m);
  });
});
