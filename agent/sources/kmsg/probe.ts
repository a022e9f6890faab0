/** Whether the kernel's log can be read here, and what to do about it when it cannot. */
import { existsSync } from 'node:fs';
import { ownPrivileges } from '../../kernel/capabilities.ts';
import type { Probe } from '../../source.ts';
import { lackOfCapabilities } from '../lack.ts';
import { openKmsg } from './device.ts';

const DEAF = "does not hear of this kernel's own crashes";
const GIVE_DEVICE = "docker run --device=/dev/kmsg, or a hostPath /dev/kmsg in the pod's spec";

/** @param path of the device, under the root that stands in for `/` */
export function probeKmsg(path: string): Probe {
  if (!existsSync(path)) {
    return { state: 'unavailable', detail: DEAF, missing: `there is no ${path}`, mend: GIVE_DEVICE };
  }
  try {
    openKmsg(path).close();
    return { state: 'ok', detail: "hears this kernel's own oopses, lockups and warnings" };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const lack = lackOfCapabilities(['CAP_SYSLOG'], ownPrivileges());
    return {
      state: 'unavailable',
      detail: DEAF,
      missing: lack ? `${why}; ${lack.missing}` : why,
      mend: lack ? `${lack.mend}, or sysctl kernel.dmesg_restrict=0` : GIVE_DEVICE,
    };
  }
}
