import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES, type Capability, type Privileges } from '../kernel/capabilities.ts';
import { countsNone, lackOfCapabilities, lackOfNetworkNamespace } from './lack.ts';

const BPF: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

function holding(held: readonly Capability[], more: Partial<Privileges> = {}): Privileges {
  return {
    root: true,
    effective: new Set(held),
    bounding: new Set(CAPABILITIES),
    noNewPrivileges: false,
    seccomp: false,
    initialUserNamespace: true,
    ...more,
  };
}

describe('lackOfCapabilities', () => {
  it('is nothing where they are held, whatever else is in the way of more', () => {
    const privileges = holding(BPF, { bounding: new Set(), noNewPrivileges: true });
    expect(lackOfCapabilities(BPF, privileges)).toBeUndefined();
  });

  it('gives all that a file needs, since that replaces what it had', () => {
    const { missing, mend } = lackOfCapabilities(BPF, holding(['CAP_BPF'])) ?? {};
    expect(missing).toBe('CAP_PERFMON not held');
    expect(mend).toBe(
      `setcap cap_bpf,cap_perfmon+ep ${process.execPath}, or AmbientCapabilities=CAP_BPF CAP_PERFMON in the systemd unit`,
    );
  });

  it('names what an ordinary user has already beside what is needed', () => {
    const mend = (root: boolean) =>
      lackOfCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], holding(BPF, { root }))?.mend.split(' ')[1];
    expect(mend(false)).toBe('cap_net_admin,cap_sys_admin,cap_bpf,cap_perfmon+ep');
    expect(mend(true)).toBe('cap_net_admin,cap_sys_admin+ep');
  });

  it('has a container give what its bounding set lacks', () => {
    const bounding = new Set<Capability>(['CAP_BPF', 'CAP_SYS_ADMIN']);
    expect(lackOfCapabilities(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], holding([], { bounding }))).toEqual({
      missing: 'CAP_NET_ADMIN and CAP_SYS_ADMIN not held, and the bounding set keeps what is lacking out',
      mend:
        'docker run --cap-add=NET_ADMIN --cap-add=SYS_ADMIN, ' +
        "or capabilities: {add: [NET_ADMIN, SYS_ADMIN]} in the pod's securityContext, " +
        'or CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN in the systemd unit',
    });
  });

  it('does not name setcap where files give nothing', () => {
    expect(lackOfCapabilities(BPF, holding([], { noNewPrivileges: true }))).toEqual({
      missing: 'CAP_BPF and CAP_PERFMON not held, and no_new_privs keeps what is lacking out',
      mend: "AmbientCapabilities=CAP_BPF CAP_PERFMON in the systemd unit, or allowPrivilegeEscalation: true in the pod's securityContext",
    });
  });

  it('takes those of another user namespace for nothing', () => {
    expect(lackOfCapabilities(BPF, holding(BPF, { initialUserNamespace: false }))).toEqual({
      missing: "CAP_BPF and CAP_PERFMON not held in the host's user namespace: this is another one",
      mend: "run in the host's user namespace (no rootless container, docker run --userns=host, PrivateUsers=no in the systemd unit)",
    });
  });
});

describe('lackOfNetworkNamespace', () => {
  it('goes by a setting that the first namespace alone shows', () => {
    const root = mkdtempSync(join(tmpdir(), 'netfall-root-'));
    const lack = () => lackOfNetworkNamespace(root, 'it is');
    expect(lack()).toBeUndefined();
    mkdirSync(join(root, 'proc/sys/net/core'), { recursive: true });
    expect(lack()).toEqual({
      missing: "it is in the host's network namespace only, and this is another one",
      mend: "run in the host's network namespace (docker run --net=host, hostNetwork: true in the pod's spec)",
    });
    writeFileSync(join(root, 'proc/sys/net/core/netdev_max_backlog'), '1000\n');
    expect(lack()).toBeUndefined();
    rmSync(root, { recursive: true });
  });
});

it('sets steps apart from ways', () => {
  const lacks = [
    { missing: 'a', mend: 'mend a, or replace it' },
    { missing: 'b', mend: 'mend b' },
  ];
  expect(countsNone(...lacks)).toEqual({
    ...{ state: 'unavailable', detail: 'counts no drops' },
    missing: 'a; b',
    mend: 'mend a, or replace it; mend b',
  });
});
