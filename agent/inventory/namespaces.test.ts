import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownCapabilities } from '../kernel/capabilities.ts';
import { NetworkNamespaces, ownerOf } from './namespaces.ts';

const ID = '0123456789ab'.padEnd(64, 'c');
const POD = '11111111-2222-3333-4444-555555555555';

describe('ownerOf', () => {
  it.each([
    [
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${POD.replaceAll('-', '_')}.slice/cri-containerd-${ID}.scope`,
      `pod ${POD} container 0123456789ab`,
    ],
    [
      `0::/kubepods.slice/kubepods-pod${POD.replaceAll('-', '_')}.slice/crio-${ID}.scope/container`,
      `pod ${POD} container 0123456789ab`,
    ],
    [
      `12:pids:/kubepods/besteffort/pod${POD}/${ID}\n1:name=systemd:/kubepods/besteffort/pod${POD}/${ID}`,
      `pod ${POD} container 0123456789ab`,
    ],
    [`0::/kubepods/pod${POD}`, `pod ${POD}`],
    [`0::/system.slice/docker-${ID}.scope`, 'container 0123456789ab'],
    [`11:memory:/docker/${ID}`, 'container 0123456789ab'],
    [`0::/machine.slice/libpod-${ID}.scope/container`, 'container 0123456789ab'],
    ['0::/system.slice/nginx.service', 'nginx.service'],
    ['0::/system.slice/system-openvpn.slice/openvpn@a.service/worker', 'openvpn@a.service'],
    ['0::/user.slice/user-0.slice/session-1.scope', ''],
    ['0::/', ''],
    ['', ''],
    ['no colons', ''],
  ])('%s', (cgroups, owner) => {
    expect(ownerOf(`${cgroups}\n`)).toBe(owner);
  });
});

describe('NetworkNamespaces', () => {
  let root: string;
  let nowUs: number;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'netfall-namespaces-'));
    nowUs = 0;
    addProcess(1, 10, '0::/init.scope');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function addProcess(pid: number, inode: number, cgroups: string): void {
    mkdirSync(join(root, `proc/${pid}/ns`), { recursive: true });
    symlinkSync(`net:[${inode}]`, join(root, `proc/${pid}/ns/net`));
    writeFileSync(join(root, `proc/${pid}/cgroup`), `${cgroups}\n`);
  }

  const open = () => new NetworkNamespaces(root, () => nowUs);

  it('has no name for the host’s own, and for none', () => {
    const namespaces = open();
    expect(namespaces.name(10)).toBe('');
    expect(namespaces.name(0)).toBe('');
  });

  it('names one after what the first process in it belongs to', () => {
    addProcess(50, 77, '0::/user.slice');
    addProcess(51, 77, `0::/docker/${ID}`);
    addProcess(52, 77, '0::/system.slice/late.service');
    expect(open().name(77)).toBe('container 0123456789ab');
  });

  it('gives the number of one that nothing is known of, and looks again after a while', () => {
    const namespaces = open();
    expect(namespaces.name(99)).toBe('net:[99]');
    addProcess(60, 99, '0::/system.slice/a.service');
    expect(namespaces.name(99)).toBe('net:[99]');
    nowUs += 10_000_000;
    expect(namespaces.name(99)).toBe('a.service');
  });

  it('looks again when the clock is set back', () => {
    nowUs = 3_600_000_000;
    const namespaces = open();
    expect(namespaces.name(99)).toBe('net:[99]');
    addProcess(60, 99, '0::/system.slice/a.service');
    nowUs = 0;
    expect(namespaces.name(99)).toBe('a.service');
  });

  it('goes by the pod before the name that its runtime gave, and by that before a unit', () => {
    mkdirSync(join(root, 'run/netns'), { recursive: true });
    const given = (name: string) => {
      writeFileSync(join(root, 'run/netns', name), '');
      return statSync(join(root, 'run/netns', name)).ino;
    };
    const [pod, vpn, empty] = [given('cni-1'), given('vpn'), given('empty')];
    addProcess(50, pod, '0::/system.slice/containerd.service');
    addProcess(51, pod, `0::/kubepods/pod${POD}`);
    addProcess(52, vpn, '0::/system.slice/openvpn.service');
    const found = open().list();
    expect(found).toHaveLength(4);
    expect(found).toEqual(
      expect.arrayContaining([
        { inode: 10, name: 'host', path: 'proc/1/ns/net' },
        { inode: pod, name: `pod ${POD}`, path: 'proc/50/ns/net' },
        { inode: vpn, name: 'netns vpn', path: 'proc/52/ns/net' },
        { inode: empty, name: 'netns empty', path: 'run/netns/empty' },
      ]),
    );
  });

  it('forgets in time, for numbers are used again', () => {
    addProcess(60, 99, '0::/system.slice/a.service');
    const namespaces = open();
    expect(namespaces.name(99)).toBe('a.service');
    rmSync(join(root, 'proc/60'), { recursive: true });
    addProcess(61, 99, '0::/system.slice/b.service');
    nowUs += 299_000_000;
    expect(namespaces.name(99)).toBe('a.service');
    nowUs += 1_000_000;
    expect(namespaces.name(99)).toBe('b.service');
  });
});

const works = ownCapabilities().has('CAP_SYS_ADMIN') && spawnSync('ip', ['netns', 'list']).status === 0;

describe.skipIf(!works)('NetworkNamespaces on this machine (needs root and iproute2)', () => {
  it('knows the names that ip netns gave', async () => {
    const name = `netfall-name-${process.pid}`;
    expect(spawnSync('ip', ['netns', 'add', name]).status).toBe(0);
    try {
      const child = spawn('ip', ['netns', 'exec', name, 'stat', '-Lc', '%i', '/proc/self/ns/net']);
      let inode = '';
      child.stdout.on('data', (text) => {
        inode += String(text);
      });
      await once(child, 'close');
      expect(new NetworkNamespaces('/', () => 0).name(Number(inode))).toBe(`netns ${name}`);
    } finally {
      spawnSync('ip', ['netns', 'delete', name]);
    }
  });
});
