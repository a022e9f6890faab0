/** Whether there is Debian's dropwatch, which VMs have from the host like its other programs. */
import { spawnSync } from 'node:child_process';

/** Why it cannot be run, in one line, or null. */
export function whyNoDropwatch(): string | null {
  // It has no option that does nothing but this.
  return spawnSync('dropwatch', ['-l', 'list']).status === 0 ? null : 'needs dropwatch';
}
