/**
 * What this process may do, and what keeps it from more, out of /proc/self. Linux numbers:
 * include/uapi/linux/capability.h, and of the first user namespace include/linux/proc_ns.h.
 */

import { readFileSync, readlinkSync } from 'node:fs';

const NUMBERS = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof NUMBERS;

/** Every capability that is known here. */
export const CAPABILITIES = Object.keys(NUMBERS) as readonly Capability[];

const INITIAL_USER_NAMESPACE = 'user:[4026531837]';

export interface Privileges {
  /** Whether it runs as root of its user namespace. */
  readonly root: boolean;
  /** The capabilities that count, in the process's own user namespace. */
  readonly effective: ReadonlySet<Capability>;
  /** Those that a program it starts may gain. */
  readonly bounding: ReadonlySet<Capability>;
  /** Whether starting a program gains nothing (no_new_privs). */
  readonly noNewPrivileges: boolean;
  /** Whether a filter of system calls is in force. */
  readonly seccomp: boolean;
  /** Whether its user namespace is the machine's own, in which alone capabilities count for what is the machine's. */
  readonly initialUserNamespace: boolean;
}

/**
 * Reads the text of a process's `status` file. @param userNamespace what its link `ns/user` says; '' when that cannot be
 * read, which is taken for the machine's own.
 */
export function parsePrivileges(status: string, userNamespace: string): Privileges {
  const field = (name: string) => new RegExp(`^${name}:\\s*([0-9a-f]{1,16})$`, 'm').exec(status)?.[1];
  return {
    root: /^Uid:\s+\d+\s+0\s/m.test(status),
    effective: capabilitiesIn(field('CapEff') ?? '0'),
    bounding: capabilitiesIn(field('CapBnd') ?? 'ffffffffffffffff'),
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp: field('Seccomp') === '2',
    initialUserNamespace: userNamespace === '' || userNamespace === INITIAL_USER_NAMESPACE,
  };
}

/** Those of this process. */
export function ownPrivileges(): Privileges {
  let userNamespace = '';
  try {
    userNamespace = readlinkSync('/proc/self/ns/user');
  } catch {
    // A kernel without user namespaces.
  }
  return parsePrivileges(readFileSync('/proc/self/status', 'latin1'), userNamespace);
}

/** The effective capabilities of this process. They count in its own user namespace only. */
export function ownCapabilities(): ReadonlySet<Capability> {
  return ownPrivileges().effective;
}

function capabilitiesIn(hexadecimal: string): Set<Capability> {
  const mask = BigInt(`0x${hexadecimal}`);
  return new Set(CAPABILITIES.filter((name) => (mask >> BigInt(NUMBERS[name])) & 1n));
}
