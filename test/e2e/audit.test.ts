import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';
import { probeKfreeSkb } from '../../agent/sources/kfree-skb/index.ts';
import { expectAudited } from '../drops/audited-page.ts';

const tree = join(import.meta.dirname, '../..');
const here = process.getuid?.() === 0 && probeKfreeSkb().state === 'ok';

describe.skipIf(!here)(
  'lost packets on this kernel (needs root and BPF)',
  { retry: 2, timeout: 3 * 60_000 },
  () => {
    test('are attributed by netfall counters to reasons and counters', async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ['test/drops/audit.ts'], { cwd: tree });
      expectAudited(stdout);
    });
  },
);
