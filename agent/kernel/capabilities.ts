/**
 * What this process may do, out of /proc/self/status. Linux numbers: include/uapi/linux/capability.h.
 */

import { readFileSync } from 'node:fs';

const NUMBERS = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof NUMBERS;

/** The effective capabilities of a process in the text of its `status` file, among those known here. */
export function parseCapabilities(status: string): Set<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1] ?? '0'}`);
  const held = new Set<Capability>();
  for (const name of Object.keys(NUMBERS) as Capability[]) {
    if ((mask >> BigInt(NUMBERS[name])) & 1n) held.add(name);
  }
  return held;
}

/** The effective capabilities of this process. They count in its own user namespace only. */
export function ownCapabilities(): Set<Capability> {
  return parseCapabilities(readFileSync('/proc/self/status', 'latin1'));
}
