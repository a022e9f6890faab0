/**
 * Trouble in a VM's kernel, real and on demand, and how the kernel tells the host of it: scripts for Vm.run. Knows nothing
 * of who listens.
 */
import { fetchCrashModule } from './crash-module.ts';
import { type Branch, fetchKernel } from './packages.ts';

/** Each of them is the kernel's end. */
export const crashes = ['panic', 'null-dereference', 'soft-lockup'] as const;
export type Crash = (typeof crashes)[number];

/**
 * A script for each crash, none of which returns, and one for a warning, which does. Throws a VmError `unavailable` when
 * the module that they take cannot be had.
 */
export async function troubleScripts(kernel: Branch): Promise<Readonly<Record<Crash | 'warning', string>>> {
  const load = await loadScript(kernel);
  return {
    panic: 'echo c >/proc/sysrq-trigger',
    'null-dereference': `${load}; echo 1 >/proc/sys/kernel/panic_on_oops; ${provoke('null-dereference')}`,
    'soft-lockup': `${load}; ${softLockup}`,
    warning: `${load}; ${provoke('warning')}`,
  };
}

/** A script that makes the module do what it has under that name. */
export function provoke(trouble: string): string {
  return `echo ${trouble} >/dev/netfall_crash`;
}

/** A panic by a soft lockup, which shows after twice that many seconds. */
export const softLockup = `
  echo 2 >/proc/sys/kernel/watchdog_thresh
  echo 1 >/proc/sys/kernel/softlockup_panic
  ${provoke('soft-lockup')}`;

/** A script that loads the module of crash-module/ unless it is there. Throws as {@link troubleScripts} does. */
export async function loadScript(kernel: Branch): Promise<string> {
  return `[ -e /dev/netfall_crash ] || insmod '${await fetchCrashModule(await fetchKernel(kernel))}'`;
}

export interface NetconsoleTarget {
  /** The network's prefix, as in Machine: it goes from the guest to the host. */
  readonly network: string;
  readonly port: number;
  readonly extended: boolean;
  /** Whether messages say the kernel's release; Linux 6.12 and extended only. */
  readonly release?: boolean;
  /** What messages carry besides; Linux 6.12 and extended only. */
  readonly userdata?: Readonly<Record<string, string>>;
}

/** A script that makes the kernel send its log from now on. */
export function netconsoleScript(name: string, target: NetconsoleTarget): string {
  const folder = `/sys/kernel/config/netconsole/${name}`;
  const attributes = {
    dev_name: 'eth0',
    local_ip: `${target.network}.2`,
    remote_ip: `${target.network}.1`,
    remote_port: target.port,
    extended: Number(target.extended),
    ...(target.release && { release: 1 }),
  };
  return `
    modprobe netconsole
    mkdir ${folder}
    ${Object.entries(attributes)
      .map(([attribute, value]) => `echo ${value} >${folder}/${attribute}`)
      .join('\n')}
    ${Object.entries(target.userdata ?? {})
      .map(
        ([key, value]) => `mkdir ${folder}/userdata/${key}; echo '${value}' >${folder}/userdata/${key}/value`,
      )
      .join('\n')}
    echo 1 >${folder}/enabled`;
}
