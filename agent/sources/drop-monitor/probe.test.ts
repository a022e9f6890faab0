import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Capability } from '../../kernel/capabilities.ts';
import { type Facts, probeDropMonitor } from './probe.ts';

let root: string;

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
  const capabilities = new Set<Capability>(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
  const all = { capabilities, loaded: () => true, namesFunctions: () => true, ...facts };
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
    ['CAP_NET_ADMIN not held', { capabilities: new Set(['CAP_SYS_ADMIN'] as const) }],
    ['CAP_SYS_ADMIN not held', { capabilities: new Set(['CAP_NET_ADMIN'] as const) }],
    ['CAP_NET_ADMIN and CAP_SYS_ADMIN not held', { capabilities: new Set<Capability>() }],
  ])('says %s', (missing, facts) => {
    expect(probe(facts)).toMatchObject({
      ...{ state: 'unavailable', missing },
      mend: expect.stringMatching(/^setcap cap_net_admin,cap_sys_admin\+ep \//),
    });
  });

  it('knows another network namespace', () => {
    rmSync(join(root, 'proc/sys/net'), { recursive: true });
    expect(probe()).toMatchObject({
      state: 'unavailable',
      mend: "run in the host's network namespace (docker run --net=host, hostNetwork: true)",
    });
  });

  it('takes a module that is not loaded yet', () => {
    write('lib/modules/6.1.0-9-amd64/modules.dep', 'kernel/net/core/drop_monitor.ko.xz:\nkernel/a.ko:\n');
    expect(probe({ loaded: () => false }).state).toBe('ok');
  });

  it('says how to get the module', () => {
    write('lib/modules/6.1.0-9-amd64/modules.dep', 'kernel/net/core/not_drop_monitor.ko.xz:\n');
    expect(probe({ loaded: () => false })).toMatchObject({
      state: 'unavailable',
      missing: 'this kernel has no drop monitor: no module drop_monitor for Linux 6.1.0-9-amd64',
      mend: 'modprobe drop_monitor, or apt-get install linux-modules-extra-6.1.0-9-amd64, or run a kernel built with CONFIG_NET_DROP_MONITOR=m',
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
