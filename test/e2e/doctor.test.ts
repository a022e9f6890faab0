/**
 * What is missing is named, with the mend, and everything else works: `netfall doctor` and an agent, each started without
 * one thing that they would like to have. What needs a kernel with a drop monitor is in agent/sources/privileges.vm.test.ts.
 */
import { existsSync } from 'node:fs';
import { probeKfreeSkb } from '@netfall/agent/kfree-skb';
import { describe, expect, it } from 'vitest';
import { Namespace } from '../load/namespace.ts';
import { udpFlood } from '../load/udp-flood.ts';
import {
  type Circumstances,
  examine,
  give,
  notGiven,
  type Said,
  watch,
  without,
} from '../processes/circumstances.ts';
import { withoutBpf } from '../processes/without-bpf.ts';

const NOBODY = 65_534;
const SENT = 2000;
const node = process.execPath;

/** This kernel's own lack, which every circumstance has besides. */
const NO_MONITOR = 'this kernel has no drop monitor, and takes no modules';
const GET_MONITOR = 'run a kernel built with CONFIG_NET_DROP_MONITOR';
const STANDS_BACK = 'kfree-skb counts drops, and no device here tells of drops in its hardware';
const COUNTS = 'counts drops in the kernel by reason, function and protocol';

const works =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  probeKfreeSkb().state === 'ok' &&
  !existsSync('/proc/modules');

interface Circumstance {
  readonly without: string;
  readonly made: Circumstances;
  readonly kfreeSkb: Said;
  readonly dropMonitor: Said;
  /** Those held and those not held, and whether BPF could do with them. */
  readonly capabilities: string;
  readonly capable: boolean;
  readonly drops: string;
}

const FINE: Said = { state: 'ok', detail: COUNTS, mend: '' };
const BY_BPF = 'counted by kfree-skb: it works here';
const BY_NOBODY = 'counted by nobody: no source, kfree-skb and drop-monitor cannot';
const ALL = 'CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYSLOG, CAP_PERFMON, CAP_BPF';

/** What the drop monitor says while kfree-skb counts. */
function standsBack(missing: string, mend: string): Said {
  return { state: 'off', detail: `${STANDS_BACK}; it could not count instead: ${missing}`, mend };
}

function cannot(missing: string, mend: string): Said {
  return { state: 'unavailable', detail: `counts no drops; ${missing}`, mend };
}

const circumstances: readonly Circumstance[] = [
  {
    without: 'the module drop_monitor',
    made: [],
    kfreeSkb: FINE,
    dropMonitor: standsBack(NO_MONITOR, GET_MONITOR),
    capabilities: `${ALL} held`,
    capable: true,
    drops: BY_BPF,
  },
  {
    without: 'CAP_SYS_ADMIN',
    made: without('SYS_ADMIN'),
    kfreeSkb: FINE,
    dropMonitor: standsBack(
      `${notGiven('SYS_ADMIN')}; ${NO_MONITOR}`,
      `${give('SYS_ADMIN')}; ${GET_MONITOR}`,
    ),
    capabilities: 'CAP_NET_ADMIN, CAP_SYSLOG, CAP_PERFMON, CAP_BPF held; not held: CAP_SYS_ADMIN',
    capable: true,
    drops: BY_BPF,
  },
  {
    without: 'CAP_NET_ADMIN',
    made: without('NET_ADMIN'),
    kfreeSkb: FINE,
    dropMonitor: standsBack(
      `${notGiven('NET_ADMIN')}; ${NO_MONITOR}`,
      `${give('NET_ADMIN')}; ${GET_MONITOR}`,
    ),
    capabilities: 'CAP_SYS_ADMIN, CAP_SYSLOG, CAP_PERFMON, CAP_BPF held; not held: CAP_NET_ADMIN',
    capable: true,
    drops: BY_BPF,
  },
  {
    without: 'BPF, by its capabilities',
    made: without('SYS_ADMIN', 'PERFMON', 'BPF'),
    kfreeSkb: cannot(notGiven('BPF', 'PERFMON'), give('BPF', 'PERFMON')),
    dropMonitor: cannot(`${notGiven('SYS_ADMIN')}; ${NO_MONITOR}`, `${give('SYS_ADMIN')}; ${GET_MONITOR}`),
    capabilities: 'CAP_NET_ADMIN, CAP_SYSLOG held; not held: CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF',
    capable: false,
    drops: BY_NOBODY,
  },
  {
    without: 'BPF, which a filter of system calls denies',
    made: withoutBpf('EPERM'),
    kfreeSkb: cannot(
      'a filter of system calls denies bpf(2) (bpf(BPF_MAP_CREATE): EPERM (operation not permitted))',
      'docker run --security-opt seccomp=FILE with a profile that allows bpf, or SystemCallFilter=bpf in the systemd unit',
    ),
    dropMonitor: cannot(NO_MONITOR, GET_MONITOR),
    capabilities: `${ALL} held`,
    capable: true,
    drops: BY_NOBODY,
  },
  {
    without: 'BPF, which a filter of system calls hides',
    made: withoutBpf('ENOSYS'),
    kfreeSkb: cannot(
      'this kernel has no bpf(2), or a filter of system calls hides it',
      'docker run --security-opt seccomp=FILE with a profile that allows bpf, or SystemCallFilter=bpf in the systemd unit, or run a kernel built with CONFIG_BPF_SYSCALL=y',
    ),
    dropMonitor: cannot(NO_MONITOR, GET_MONITOR),
    capabilities: `${ALL} held`,
    capable: true,
    drops: BY_NOBODY,
  },
  {
    without: "the host's user namespace",
    made: ['unshare', '--user', '--map-root-user'],
    kfreeSkb: cannot(
      "CAP_BPF and CAP_PERFMON not held in the host's user namespace: this is another one",
      "run in the host's user namespace (no rootless container, docker run --userns=host, PrivateUsers=no in the systemd unit)",
    ),
    dropMonitor: cannot(
      `CAP_NET_ADMIN and CAP_SYS_ADMIN not held in the host's user namespace: this is another one; ${NO_MONITOR}`,
      `run in the host's user namespace (no rootless container, docker run --userns=host, PrivateUsers=no in the systemd unit); ${GET_MONITOR}`,
    ),
    capabilities: `${ALL} held in another user namespace than the host's`,
    capable: false,
    drops: BY_NOBODY,
  },
  {
    without: 'any capability, as an ordinary user',
    made: ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--inh-caps=-all'],
    kfreeSkb: cannot(
      'CAP_BPF and CAP_PERFMON not held',
      `setcap cap_bpf,cap_perfmon+ep ${node}, or AmbientCapabilities=CAP_BPF CAP_PERFMON in the systemd unit`,
    ),
    dropMonitor: cannot(
      `CAP_NET_ADMIN and CAP_SYS_ADMIN not held; ${NO_MONITOR}`,
      `setcap cap_net_admin,cap_sys_admin+ep ${node}, or AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN in the systemd unit; ${GET_MONITOR}`,
    ),
    capabilities: `none held; not held: ${ALL}`,
    capable: false,
    drops: BY_NOBODY,
  },
];

describe.skipIf(!works)(
  'netfall without what it would like to have (needs root, setpriv, and a kernel that takes no modules)',
  { timeout: 120_000 },
  () => {
    const flood = (count: number, namespace?: string) =>
      udpFlood({ host: '::1', port: 9, count, ratePerSecond: 2000, namespace }).done;

    it.each(circumstances)('says what is missing without $without, and does the rest', async (one) => {
      const found = await examine(one.made);
      expect(found).toMatchObject({
        'kfree-skb': one.kfreeSkb,
        'drop-monitor': one.dropMonitor,
        counters: { state: 'ok', detail: 'kernel counters from /proc/net', mend: '' },
        drops: { ok: one.drops === BY_BPF, detail: one.drops, mend: '' },
        capabilities: { ok: one.capable, detail: one.capabilities, mend: '' },
      });
      const { sources, ...counted } = await watch(one.made, () => flood(SENT));
      const counts = one.drops === BY_BPF;
      expect(counted).toEqual({ reportsDrops: counts, dropped: counts ? SENT : 0, refused: SENT });
      // The agent says the same in its reports, but for what would matter only if another source failed.
      const { 'kfree-skb': kfreeSkb, 'drop-monitor': dropMonitor, counters } = found;
      // Those of crashes have suites of their own.
      const ofPackets = ['kfree-skb', 'drop-monitor', 'counters'];
      expect(sources.filter(({ name }) => ofPackets.includes(name))).toEqual([
        { name: 'kfree-skb', ...(kfreeSkb as Said) },
        {
          name: 'drop-monitor',
          ...(counts ? { state: 'off', detail: STANDS_BACK, mend: '' } : (dropMonitor as Said)),
        },
        { name: 'counters', ...(counters as Said) },
      ]);
    });

    it("says what is missing outside of the host's network namespace, and does the rest", async () => {
      using place = new Namespace('doctor');
      const made = ['ip', 'netns', 'exec', place.name];
      const enter =
        "run in the host's network namespace (docker run --net=host, hostNetwork: true in the pod's spec)";
      const only = "in the host's network namespace only, and this is another one";
      const counters = {
        state: 'degraded',
        detail: `kernel counters from /proc/net; the host's interfaces are ${only}`,
        mend: enter,
      };
      expect(await examine(made)).toMatchObject({
        'kfree-skb': FINE,
        // Whether this kernel has one cannot be seen from here.
        'drop-monitor': standsBack(`the drop monitor is ${only}`, enter),
        counters,
        drops: { ok: true, detail: BY_BPF },
        capabilities: { ok: true, detail: `${ALL} held` },
      });
      // Drops are counted wherever they happen, the counters of interfaces and protocols where the agent is.
      const load = () => Promise.all([flood(SENT), flood(SENT / 2, place.name)]);
      const { sources, ...counted } = await watch(made, load);
      expect(counted).toEqual({ reportsDrops: true, dropped: SENT + SENT / 2, refused: SENT / 2 });
      expect(sources).toContainEqual({ name: 'counters', ...counters });
      expect(place.udpNoPorts()).toBe(SENT / 2);
    });
  },
);
