/** What `netfall doctor` and an agent say and do without something, where the kernel has a drop monitor. */
import { describe, expect, it } from 'vitest';
import { Namespace } from '../../test/load/namespace.ts';
import { udpFlood } from '../../test/load/udp-flood.ts';
import {
  type Circumstances,
  examine,
  give,
  notGiven,
  watch,
  without,
} from '../../test/processes/circumstances.ts';
import { withoutBpf } from '../../test/processes/without-bpf.ts';
import { probeDropMonitor } from './drop-monitor/probe.ts';

const SENT = 500;
const MONITORS = 'counts drops by reason, function and protocol, an alert a packet';
const available = process.getuid?.() === 0 && probeDropMonitor({ root: '/', mode: 'packet' }).state === 'ok';

describe.skipIf(!available)(
  'netfall beside a drop monitor that it may not use (needs root, setpriv and a kernel that has one)',
  { timeout: 240_000 },
  () => {
    /** The drop monitor is not needed, since kfree-skb counts; but it is said why it could not take its place. */
    async function expectSpare(made: Circumstances, missing: string, mend: string): Promise<void> {
      const doing = 'kfree-skb counts drops, and no device here tells of drops in its hardware';
      expect(await examine(made)).toMatchObject({
        'kfree-skb': { state: 'ok', mend: '' },
        'drop-monitor': { state: 'off', detail: `${doing}; it could not count instead: ${missing}`, mend },
        drops: { ok: true, detail: 'counted by kfree-skb: it works here' },
      });
    }

    it.each(['NET_ADMIN', 'SYS_ADMIN'])('says that CAP_%s is missing', async (name) => {
      await expectSpare(without(name), notGiven(name), give(name));
    });

    it("says that it is outside of the host's network namespace", async () => {
      using place = new Namespace('outside');
      await expectSpare(
        ['ip', 'netns', 'exec', place.name],
        "the drop monitor is in the host's network namespace only, and this is another one",
        "run in the host's network namespace (docker run --net=host, hostNetwork: true in the pod's spec)",
      );
    });

    it('counts by it where BPF is denied', async () => {
      const made = withoutBpf('EPERM');
      const monitor = { state: 'ok', detail: MONITORS, mend: '' };
      expect(await examine(made)).toMatchObject({
        'kfree-skb': { state: 'unavailable' },
        'drop-monitor': monitor,
        drops: { ok: true, detail: 'counted by drop-monitor: kfree-skb does not work here' },
      });
      const flood = () => udpFlood({ host: '::1', port: 9, count: SENT, ratePerSecond: 500 }).done;
      const { sources, ...counted } = await watch(made, flood);
      expect(sources).toContainEqual({ name: 'drop-monitor', ...monitor });
      expect(counted).toEqual({ reportsDrops: true, dropped: SENT, refused: SENT });
    });
  },
);
