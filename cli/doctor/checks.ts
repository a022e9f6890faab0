/** What `netfall doctor` looks at besides the sources: the kernel, privileges, Node and the data directory. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CAPABILITIES, ownPrivileges } from '@netfall/agent/capabilities';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Empty when nothing is missing. */
  readonly mend: string;
}

export interface Machine {
  /** Stands in for `/`. */
  readonly root: string;
  /** The directory to keep files in, when one is configured. */
  readonly data?: string;
}

const NODE_MAJOR = 24;

export function machineChecks({ root, data }: Machine): Check[] {
  return [
    checkKernel(root),
    checkTypes(root),
    checkCapabilities(),
    checkNode(process.versions.node),
    ...(data === undefined ? [] : [checkData(data)]),
  ];
}

function checkKernel(root: string): Check {
  const path = join(root, 'proc/sys/kernel/osrelease');
  const release = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  const [major = 0, minor = 0] = release.split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 17)) return fine('kernel', `Linux ${release}`);
  return {
    name: 'kernel',
    ok: false,
    detail: release === '' ? `${path} cannot be read` : `Linux ${release} gives no drop reasons`,
    mend: 'run Linux 5.17 or later',
  };
}

function checkTypes(root: string): Check {
  const path = join(root, 'sys/kernel/btf/vmlinux');
  if (existsSync(path)) return fine('btf', `the kernel describes its types in ${path}`);
  return {
    name: 'btf',
    ok: false,
    detail: `there is no ${path}`,
    mend: 'run a kernel built with CONFIG_DEBUG_INFO_BTF=y, and let /sys be seen',
  };
}

/** All that sources can make use of, held or not; good enough when BPF can do with them. */
function checkCapabilities(): Check {
  const { effective, initialUserNamespace } = ownPrivileges();
  const [held, lacking] = [true, false].map((wanted) =>
    CAPABILITIES.filter((capability) => effective.has(capability) === wanted).join(', '),
  );
  const where = initialUserNamespace ? '' : " in another user namespace than the host's";
  return {
    name: 'capabilities',
    ok:
      initialUserNamespace &&
      (effective.has('CAP_SYS_ADMIN') || (effective.has('CAP_BPF') && effective.has('CAP_PERFMON'))),
    detail: `${held || 'none'} held${where}${lacking && `; not held: ${lacking}`}`,
    // The source that lacks them says how to grant them.
    mend: '',
  };
}

function checkNode(version: string): Check {
  if (Number.parseInt(version, 10) >= NODE_MAJOR) return fine('node', `Node ${version}`);
  return {
    name: 'node',
    ok: false,
    detail: `Node ${version} is too old`,
    mend: `start netfall with its launcher (npx netfall), which finds Node ${NODE_MAJOR}`,
  };
}

/** Whether files could be made there; the directory itself may not exist yet. */
function checkData(data: string): Check {
  let existing = resolve(data);
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
    return fine('data', `${data} can be written`);
  } catch {
    return {
      name: 'data',
      ok: false,
      detail: `${existing} cannot be written`,
      mend: `chown ${process.getuid?.() ?? 'the user'} ${existing}, or configure another directory as data`,
    };
  }
}

function fine(name: string, detail: string): Check {
  return { name, ok: true, detail, mend: '' };
}
