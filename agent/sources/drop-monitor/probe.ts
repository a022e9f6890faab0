/** What this machine lets the drop monitor do. Nothing is loaded, started or changed to find out. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Capability, ownPrivileges, type Privileges } from '../../kernel/capabilities.ts';
import { KernelError } from '../../kernel/libc.ts';
import { someDeviceHasTraps } from '../../kernel/netlink/devlink.ts';
import { listFamilies } from '../../kernel/netlink/generic.ts';
import { NetlinkProtocol } from '../../kernel/netlink/socket.ts';
import { NetlinkRequester } from '../../kernel/netlink/transaction.ts';
import type { Probe } from '../../source.ts';
import { namesFunctions } from '../kfree-skb/probe.ts';
import { countsNone, type Lack, lackOfCapabilities, lackOfNetworkNamespace } from '../lack.ts';
import type { MonitorConfig } from './requests.ts';
import { FAMILY } from './wire.ts';

/** What the kernel and the process have, apart from files. */
export interface Facts {
  readonly privileges: Privileges;
  /** Whether this network namespace has the monitor: in the host's, whether its module is loaded, or built in. */
  readonly loaded: () => boolean;
  /** Whether the kernel prints symbols, or shows their addresses. */
  readonly namesFunctions: () => boolean;
}

export interface ProbeOptions {
  readonly root: string;
  readonly mode: MonitorConfig['mode'];
  readonly facts?: Facts;
}

const NEEDED: readonly Capability[] = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'];

/** Looks at everything that the monitor needs. */
export function probeDropMonitor({ root, mode, ...given }: ProbeOptions): Probe {
  if (process.platform !== 'linux') {
    return countsNone({ missing: `no drop monitor on ${process.platform}`, mend: 'run on Linux' });
  }
  const { facts = machine(root) } = given;
  const release = readIfAny(join(root, 'proc/sys/kernel/osrelease')).trim();
  if (isBefore(release, 5, 4)) {
    return countsNone({
      missing: `the drop monitor of Linux ${release} cannot be asked`,
      mend: 'run Linux 5.4 or later',
    });
  }
  const elsewhere = lackOfNetworkNamespace(root, 'the drop monitor is');
  const lacks = [
    lackOfCapabilities(NEEDED, facts.privileges),
    elsewhere,
    lackOfMonitor(facts, root, release, elsewhere !== undefined),
  ].filter((lack) => lack !== undefined);
  if (lacks.length > 0) return countsNone(...lacks);
  return mode === 'packet' ? describePackets(release) : describeSummary(facts);
}

/** Whether devices of this machine tell of drops in their hardware. */
export function hardwareTells(): boolean {
  try {
    return someDeviceHasTraps();
  } catch {
    // A kernel whose devlink knows no traps has no devices with them.
    return false;
  }
}

function describePackets(release: string): Probe {
  if (!isBefore(release, 5, 18)) {
    return { state: 'ok', detail: 'counts drops by reason, function and protocol, an alert a packet' };
  }
  return {
    state: 'degraded',
    detail: 'counts drops by function and protocol, an alert a packet',
    missing: 'drop reasons: this kernel gives none, every drop is NOT_SPECIFIED',
    mend: 'run Linux 5.18 or later',
  };
}

function describeSummary({ namesFunctions }: Facts): Probe {
  const detail = 'counts drops by function alone, summed up by the kernel';
  if (namesFunctions()) return { state: 'ok', detail };
  return {
    state: 'degraded',
    detail,
    missing: 'function names: the kernel does not print them and /proc/kallsyms hides its addresses',
    mend: 'grant CAP_SYSLOG and set kernel.kptr_restrict to 1 or 0, or set sources.drop-monitor.mode to packet',
  };
}

function machine(root: string): Facts {
  return {
    privileges: ownPrivileges(),
    loaded: () => {
      using requester = new NetlinkRequester(NetlinkProtocol.generic);
      return listFamilies(requester).has(FAMILY);
    },
    namesFunctions: () => namesFunctions(root),
  };
}

function lackOfMonitor({ loaded }: Facts, root: string, release: string, hidden: boolean): Lack | undefined {
  try {
    return loaded() ? undefined : lackOfModule(root, release, hidden);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return {
      missing: `generic netlink cannot be used (${error.message})`,
      mend: 'RestrictAddressFamilies=AF_NETLINK in the systemd unit, or allow it in the seccomp profile',
    };
  }
}

/** @param hidden when a monitor that is built in, or loaded, could not be seen: only what is certain is said. */
function lackOfModule(root: string, release: string, hidden: boolean): Lack | undefined {
  const modules = readIfAny(join(root, 'proc/modules'));
  const folder = join(root, 'lib/modules', release);
  const known = readIfAny(join(folder, 'modules.dep')) + readIfAny(join(folder, 'modules.builtin'));
  if (/^drop_monitor /m.test(modules) || /(^|\/)drop_monitor\.ko/m.test(known)) return undefined;
  const build = 'run a kernel built with CONFIG_NET_DROP_MONITOR';
  if (known !== '') {
    return {
      missing: `this kernel has no drop monitor: no module drop_monitor for Linux ${release}`,
      mend: `apt-get install linux-modules-extra-${release}, or ${build}`,
    };
  }
  if (hidden) return undefined;
  if (existsSync(join(root, 'proc/modules'))) {
    return {
      missing: `the drop monitor is not loaded, and no ${folder} tells whether this kernel has it`,
      mend: `modprobe drop_monitor (on the host, if this is a container), or ${build}`,
    };
  }
  return { missing: 'this kernel has no drop monitor, and takes no modules', mend: build };
}

function isBefore(release: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
