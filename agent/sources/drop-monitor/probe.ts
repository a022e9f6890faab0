/** What this machine lets the drop monitor do. Nothing is loaded, started or changed to find out. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Capability, ownCapabilities } from '../../kernel/capabilities.ts';
import { someDeviceHasTraps } from '../../kernel/netlink/devlink.ts';
import { listFamilies } from '../../kernel/netlink/generic.ts';
import { NetlinkProtocol } from '../../kernel/netlink/socket.ts';
import { NetlinkRequester } from '../../kernel/netlink/transaction.ts';
import type { Probe } from '../../source.ts';
import { namesFunctions } from '../kfree-skb/probe.ts';
import type { MonitorConfig } from './requests.ts';
import { FAMILY } from './wire.ts';

/** What the kernel and the process have, apart from files. */
export interface Facts {
  readonly capabilities: ReadonlySet<Capability>;
  /** Whether the module is loaded, or built in. */
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
export function probeDropMonitor({ root, mode, facts = machine(root) }: ProbeOptions): Probe {
  if (process.platform !== 'linux')
    return unavailable(`no drop monitor on ${process.platform}`, 'run on Linux');
  const lacking = NEEDED.filter((capability) => !facts.capabilities.has(capability));
  if (lacking.length > 0) {
    return unavailable(
      `${lacking.join(' and ')} not held`,
      `setcap cap_net_admin,cap_sys_admin+ep ${process.execPath}, or AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN in the systemd unit`,
    );
  }
  // The kernel has this one in its first network namespace only.
  if (!existsSync(join(root, 'proc/sys/net/core/netdev_max_backlog'))) {
    return unavailable(
      'the drop monitor is there in the initial network namespace only, and this is another one',
      "run in the host's network namespace (docker run --net=host, hostNetwork: true)",
    );
  }
  const release = readIfAny(join(root, 'proc/sys/kernel/osrelease')).trim();
  if (isBefore(release, 5, 4)) {
    return unavailable(`the drop monitor of Linux ${release} cannot be asked`, 'run Linux 5.4 or later');
  }
  if (!facts.loaded() && !hasModule(root, release)) {
    return unavailable(
      `this kernel has no drop monitor: no module drop_monitor for Linux ${release}`,
      `modprobe drop_monitor, or apt-get install linux-modules-extra-${release}, or run a kernel built with CONFIG_NET_DROP_MONITOR=m`,
    );
  }
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
    capabilities: process.platform === 'linux' ? ownCapabilities() : new Set(),
    loaded: () => {
      using requester = new NetlinkRequester(NetlinkProtocol.generic);
      return listFamilies(requester).has(FAMILY);
    },
    namesFunctions: () => namesFunctions(root),
  };
}

function hasModule(root: string, release: string): boolean {
  const modules = readIfAny(join(root, 'lib/modules', release, 'modules.dep'));
  return /(^|\/)drop_monitor\.ko/m.test(modules);
}

function isBefore(release: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

function unavailable(missing: string, mend: string): Probe {
  return { state: 'unavailable', detail: 'counts no drops', missing, mend };
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
