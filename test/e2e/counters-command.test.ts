/** `netfall counters` on the running kernel, with drops in a network namespace of the test's own. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { probeKfreeSkb } from '@netfall/agent/kfree-skb';
import type { AuditedDrop, CounterDelta } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Namespace } from '../load/namespace.ts';
import { udpFlood } from '../load/udp-flood.ts';
import { launcher, Netfall, run } from '../processes/netfall.ts';

const root = process.getuid?.() === 0;
const counts = root && probeKfreeSkb().state !== 'unavailable';

describe.skipIf(!counts)('netfall counters (needs root, iproute2 and BPF)', () => {
  let namespace: Namespace;

  beforeEach(() => {
    namespace = new Namespace('netfall-audited');
  });

  afterEach(() => namespace[Symbol.dispose]());

  it('names the counter of another namespace that counted the drops, and how many', async () => {
    const child = new Netfall(['counters', '--for', '5s', '--json']);
    await sleep(2000);
    const to = { host: '::1', port: 9, namespace: namespace.name };
    expect((await udpFlood({ ...to, count: 321 }).done).sent).toBe(321);
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    const { audit, counters, seconds } = JSON.parse(stdout);
    expect(seconds).toBeGreaterThanOrEqual(5);
    const there = (counters as CounterDelta[]).filter((row) => row.namespace === `netns ${namespace.name}`);
    expect(there).toContainEqual({
      name: 'Udp6NoPorts',
      interface: '',
      delta: 321,
      namespace: `netns ${namespace.name}`,
      lost: 'always',
    });
    const explained = (audit.explained as AuditedDrop[]).filter(({ counter }) => counter === 'Udp6NoPorts');
    expect(explained).toMatchObject([{ reason: 'NO_SOCKET', protocol: 'IPv6', events: 321 }]);
  });

  it('prints one page where no terminal is', async () => {
    const child = new Netfall(['counters', '--for', '4s']);
    await sleep(1500);
    await udpFlood({ host: '::1', port: 9, count: 50, namespace: namespace.name }).done;
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\S+, 4\.\d s$/m);
    expect(stdout).toMatch(/^ +50 +\S+ +NO_SOCKET +\S+ +Udp6NoPorts$/m);
    expect(stdout).not.toContain('\x1b');
  });
});

describe.skipIf(!root || !existsSync('/usr/bin/setpriv'))(
  'netfall counters without privileges (needs root and setpriv to give them up)',
  () => {
    it('says why it cannot audit, and shows the counters all the same', async () => {
      const less = ['--bounding-set', '-all', '--inh-caps', '-all', '--', launcher];
      const child = new Netfall([...less, 'counters', '--for', '3s', '--all', '--json'], {
        command: 'setpriv',
      });
      await sleep(1200);
      await udpFlood({ host: '::1', port: 9, count: 40 }).done;
      const { code, stdout } = await child.ended;
      expect(code).toBe(0);
      const { audit, not_audited, counters } = JSON.parse(stdout);
      expect(audit).toBe(null);
      expect(not_audited).toMatch(/^drops cannot be counted: CAP_BPF and CAP_PERFMON not held, /);
      const own = (counters as CounterDelta[]).find((row) => row.name === 'Udp6NoPorts' && !row.namespace);
      expect(own?.delta).toBe(40);
      expect((counters as CounterDelta[]).map(({ name }) => name)).toContain('Udp6OutDatagrams');
    });
  },
);

it('explains itself', async () => {
  expect((await run('counters', '--help')).stdout).toContain('--for <duration>');
});
