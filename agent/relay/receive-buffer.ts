/** Whether this process may have the receive buffer that a relay needs: a host's log comes back to back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownCapabilities } from '../kernel/capabilities.ts';
import type { Lack } from '../sources/lack.ts';

/** What is lacking, with the mend; undefined when nothing is, or where that cannot be told. */
export function receiveBufferLack(root: string, bytes: number): Lack | undefined {
  if (ownCapabilities().has('CAP_NET_ADMIN')) return undefined;
  let most: number;
  try {
    most = Number(readFileSync(join(root, 'proc/sys/net/core/rmem_max'), 'latin1'));
  } catch {
    return undefined;
  }
  if (!(most < bytes)) return undefined;
  return {
    missing: `the receive buffer has ${most} of ${bytes} bytes, so that of a log that comes at once some is lost`,
    mend: `sysctl -w net.core.rmem_max=${bytes}, or grant CAP_NET_ADMIN`,
  };
}
