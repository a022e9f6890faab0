/**
 * What keeps a source from working that is not the kernel's: privileges and namespaces of this process, in words, with
 * the mend that helps where it runs. It must not know what sources do with them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Capability, Privileges } from '../kernel/capabilities.ts';
import type { Probe } from '../source.ts';

/** Something that is missing, and what to do about it: `missing` and `mend` of a probe. */
export interface Lack {
  readonly missing: string;
  /** Ways of which one is enough, with ", or " between them. */
  readonly mend: string;
}

/** What a source says that counts no drops; each of its lacks has to be mended, with "; " between them. */
export function countsNone(...lacks: readonly Lack[]): Probe {
  return {
    state: 'unavailable',
    detail: 'counts no drops',
    missing: lacks.map(({ missing }) => missing).join('; '),
    mend: lacks.map(({ mend }) => mend).join('; '),
  };
}

/** What this process lacks to use capabilities that count for the machine's own things only; undefined for nothing. */
export function lackOfCapabilities(needed: readonly Capability[], privileges: Privileges): Lack | undefined {
  const { root, effective, bounding, noNewPrivileges, initialUserNamespace } = privileges;
  if (!initialUserNamespace) {
    return {
      missing: `${needed.join(' and ')} not held in the host's user namespace: this is another one`,
      mend: "run in the host's user namespace (no rootless container, docker run --userns=host, PrivateUsers=no in the systemd unit)",
    };
  }
  const lacking = needed.filter((capability) => !effective.has(capability));
  if (lacking.length === 0) return undefined;
  const names = lacking.map((capability) => capability.replace('CAP_', ''));
  if (!lacking.every((capability) => bounding.has(capability))) {
    return {
      missing: `${lacking.join(' and ')} not held, and the bounding set keeps what is lacking out`,
      mend:
        `docker run ${names.map((name) => `--cap-add=${name}`).join(' ')}, ` +
        `or capabilities: {add: [${names.join(', ')}]} in the pod's securityContext, ` +
        `or CapabilityBoundingSet=${lacking.join(' ')} in the systemd unit`,
    };
  }
  // What a file or a unit gives replaces what it gave before; root has that without.
  const wanted = [...new Set([...needed, ...(root ? [] : effective)])];
  const ambient = `AmbientCapabilities=${wanted.join(' ')} in the systemd unit`;
  if (noNewPrivileges) {
    return {
      missing: `${lacking.join(' and ')} not held, and no_new_privs keeps what is lacking out`,
      mend: `${ambient}, or allowPrivilegeEscalation: true in the pod's securityContext`,
    };
  }
  return {
    missing: `${lacking.join(' and ')} not held`,
    mend: `setcap ${wanted.join(',').toLowerCase()}+ep ${process.execPath}, or ${ambient}`,
  };
}

/**
 * What is missing outside of the machine's own network namespace; undefined in it, or where that cannot be told.
 * @param what is to be found there only, e.g. "the drop monitor is".
 */
export function lackOfNetworkNamespace(root: string, what: string): Lack | undefined {
  const settings = join(root, 'proc/sys/net');
  // This one is shown in the first namespace only.
  if (!existsSync(settings) || existsSync(join(settings, 'core/netdev_max_backlog'))) return undefined;
  return {
    missing: `${what} in the host's network namespace only, and this is another one`,
    mend: "run in the host's network namespace (docker run --net=host, hostNetwork: true in the pod's spec)",
  };
}
