import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Capability, parsePrivileges } from '../../kernel/capabilities.ts';
import { KernelError } from '../../kernel/libc.ts';
import { type Facts, probeDropMonitor } from './probe.ts';

let root: string;

const ROOT = parsePrivileges('CapEff:\t000001ffffffffff\n', '');
const holding = (...names: Capability[]) => ({ privileges: { ...ROOT, effective: new Set(names) } });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-drop-monitor-'));
  write('proc/sys/net/core/netdev_max_backlog', '1000\n');
  write('proc/sys/kernel/osrelease', '6.1.0-9-amd64\n');
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function probe(facts: Partial<Facts> = {}, mode: 'packet' | 'summary' = 'packet') {
  const all = { privileges: ROOT, loaded: () => true, namesFunctions: () => true, ...facts };
  return probeDropMonitor({ root, mode, facts: all });
}

describe('the probe of drop-monitor', () => {
  it('finds all in order', () => {
    expect(probe()).toEqual({
      state: 'ok',
      detail: 'counts drops by reason, function and protocol, an alert a packet',
    });
    expect(probe({}, 'summary').state).toBe('ok');
  });

  it.each([
    ['CAP_NET_ADMIN not held', holding('CAP_SYS_ADMIN')],
    ['CAP_SYS_ADMIN not held', holding('CAP_NET_ADMIN')],
    ['CAP_NET_ADMIN and CAP_SYS_ADMIN not held', holding()],
  ])('says %s', (missing, facts) => {
    expect(probe(facts)).toMatchObject({
      ...{ state: 'unavailable', missing },
      mend: expect.stringMatching(/^setcap cap_net_admin,cap_sys_admin\S*\+ep \//),
    });
  });

  it('knows another network namespace', () => {
    rmSync(join(root, 'proc/sys/net/core/netdev_max_backlog'));
    // There the kernel shows no monitor, whether it has one or not.
    expect(probe({ loaded: () => false })).toEqual({
      state: 'unavailable',
      detail: 'counts no drops',
      missing: "the drop monitor is in the host's network namespace only, and this is another one",
      mend: "run in the host's network namespace (docker run --net=host, hostNetwork: true in the pod's spec)",
    });
  });

  it('names everything that is missing, with a mend for each', () => {
    rmSync(join(root, 'proc/sys/net/core/netdev_max_backlog'));
    write('lib/modules/6.1.0-9-amd64/modules.dep', 'kernel/a.ko:\n');
    const { missing, mend } = probe({ ...holding('CAP_NET_ADMIN'), loaded: () => false });
    expect(missing?.split('; ')).toEqual([
      'CAP_SYS_ADMIN not held',
      "the drop monitor is in the host's network namespace only, and this is another one",
      'this kernel has no drop monitor: no module drop_monitor for Linux 6.1.0-9-amd64',
    ]);
    expect(mend?.split('; ').map((step) => step.split(' ')[0])).toEqual(['setcap', 'run', 'apt-get']);
  });

  it('takes a module that is not loaded yet', () => {
    write('lib/modules/6.1.0-9-amd64/modules.dep', 'kernel/net/core/drop_monitor.ko.xz:\nkernel/a.ko:\n');
    expect(probe({ loaded: () => false }).state).toBe('ok');
  });

  it.each([
    ['is loaded', 'proc/modules', 'drop_monitor 20480 0 - Live 0x0\n'],
    ['is built in', 'lib/modules/6.1.0-9-amd64/modules.builtin', 'kernel/net/core/drop_monitor.ko\n'],
  ])('takes one that %s and not seen by netlink', (_, path, text) => {
    write(path, text);
    expect(probe({ loaded: () => false }).state).toBe('ok');
  });

  it('says how to get the module', () => {
    write('proc/modules', 'not_drop_monitor 20480 0 - Live 0x0\n');
    write('lib/modules/6.1.0-9-amd64/modules.dep', 'kernel/net/core/not_drop_monitor.ko.xz:\n');
    expect(probe({ loaded: () => false })).toMatchObject({
      state: 'unavailable',
      missing: 'this kernel has no drop monitor: no module drop_monitor for Linux 6.1.0-9-amd64',
      mend: 'apt-get install linux-modules-extra-6.1.0-9-amd64, or run a kernel built with CONFIG_NET_DROP_MONITOR',
    });
  });

  it('says so when modules cannot be seen, as in a container', () => {
    write('proc/modules', '');
    expect(probe({ loaded: () => false })).toMatchObject({
      state: 'unavailable',
      missing: `the drop monitor is not loaded, and no ${root}/lib/modules/6.1.0-9-amd64 tells whether this kernel has it`,
      mend: 'modprobe drop_monitor (on the host, if this is a container), or run a kernel built with CONFIG_NET_DROP_MONITOR',
    });
  });

  it('says so when the kernel takes no modules', () => {
    expect(probe({ loaded: () => false })).toMatchObject({
      state: 'unavailable',
      missing: 'this kernel has no drop monitor, and takes no modules',
      mend: 'run a kernel built with CONFIG_NET_DROP_MONITOR',
    });
  });

  it('says so when netlink is not to be had', () => {
    const loaded = () => {
      throw new KernelError('socket(16, 16)', constants.errno.EAFNOSUPPORT);
    };
    expect(probe({ loaded })).toMatchObject({
      state: 'unavailable',
      missing: expect.stringMatching(/^generic netlink cannot be used \(socket\(16, 16\): EAFNOSUPPORT /),
      mend: 'RestrictAddressFamilies=AF_NETLINK in the systemd unit, or allow it in the seccomp profile',
    });
  });

  it('says what old kernels lack', () => {
    write('proc/sys/kernel/osrelease', '5.3.18\n');
    expect(probe()).toMatchObject({ state: 'unavailable', mend: 'run Linux 5.4 or later' });
    write('proc/sys/kernel/osrelease', '5.4.0\n');
    expect(probe()).toMatchObject({ state: 'degraded', mend: 'run Linux 5.18 or later' });
    write('proc/sys/kernel/osrelease', '5.18.0\n');
    expect(probe().state).toBe('ok');
  });

  it('says when nothing names functions, which alone summaries tell', () => {
    expect(probe({ namesFunctions: () => false }).state).toBe('ok');
    expect(probe({ namesFunctions: () => false }, 'summary')).toMatchObject({
      state: 'degraded',
      missing: expect.stringContaining('function names'),
    });
  });
});
