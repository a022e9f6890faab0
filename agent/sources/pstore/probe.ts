/** Whether this kernel keeps its crashes in pstore and they can be read here, and what to do about it when not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Probe } from '../../source.ts';
import type { Lack } from '../lack.ts';

/** Where pstore shows its records, and where systemd-pstore moves them, below the root. */
export const MOUNT = 'sys/fs/pstore';
export const ARCHIVE = 'var/lib/systemd/pstore';

const NOTHING = "finds no crashes of this host's earlier boots";

/** @param root stands in for `/` */
export function probePstore(root: string): Probe {
  const folder = join(root, MOUNT);
  const archived = namesIn(join(root, ARCHIVE)).length > 0;
  if (!existsSync(folder) && !archived)
    return { state: 'off', detail: 'this kernel has no pstore to keep a crash in' };
  const backend = backendOf(root);
  const lack = lackOfRecords(root, folder, backend);
  if (lack && !archived) return { state: 'unavailable', detail: NOTHING, ...lack };
  if (lack)
    return { state: 'degraded', detail: `reads the crashes in ${join(root, ARCHIVE)} alone`, ...lack };
  const detail = `reads the crashes that ${backend} kept`;
  const preempted = kdumpPreempts(root);
  return preempted ? { state: 'degraded', detail, ...preempted } : { state: 'ok', detail };
}

/** Why there will be no records in pstore; undefined when they are there to be read. */
function lackOfRecords(root: string, folder: string, backend: string): Lack | undefined {
  if (backend === '') {
    return {
      missing: 'no backend of pstore is registered, so that no crash outlives a reboot',
      mend: existsSync(join(root, 'sys/firmware/efi'))
        ? 'modprobe efi_pstore pstore_disable=0'
        : 'boot with reserve_mem=2M:4096:oops ramoops.mem_name=oops (Linux 6.12), or boot with memmap=2M$ADDRESS ramoops.mem_address=ADDRESS ramoops.mem_size=2M',
    };
  }
  if (!isMounted(root)) {
    return {
      missing: `pstore is not mounted on ${folder}`,
      mend: 'mount -t pstore pstore /sys/fs/pstore, or docker run -v /sys/fs/pstore:/sys/fs/pstore',
    };
  }
  try {
    readdirSync(folder);
    return undefined;
  } catch (error) {
    return {
      missing: `${folder} cannot be read (${error instanceof Error ? error.message : error})`,
      mend: 'run as root, or AmbientCapabilities=CAP_DAC_READ_SEARCH in the systemd unit',
    };
  }
}

/** A panic starts a kdump kernel before anything else hears of it, unless that is told to wait. */
function kdumpPreempts(root: string): Lack | undefined {
  const loaded = line(root, 'sys/kernel/kexec_crash_loaded') === '1';
  const waits = line(root, 'sys/module/kernel/parameters/crash_kexec_post_notifiers') === 'Y';
  if (!loaded || waits) return undefined;
  return {
    missing: 'a kdump kernel is loaded, which a panic starts before pstore and netoops hear of it',
    mend: 'boot with crash_kexec_post_notifiers; echo Y > /sys/module/kernel/parameters/crash_kexec_post_notifiers',
  };
}

/** The backend's name; '' when there is none. */
function backendOf(root: string): string {
  const backend = line(root, 'sys/module/pstore/parameters/backend');
  return backend === '(null)' ? '' : backend;
}

function isMounted(root: string): boolean {
  return /^\S+ \S+ pstore /m.test(text(root, 'proc/mounts'));
}

function line(root: string, name: string): string {
  return text(root, name).trim();
}

function text(root: string, name: string): string {
  try {
    return readFileSync(join(root, name), 'latin1');
  } catch {
    return '';
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
