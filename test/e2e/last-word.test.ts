/** An agent that is restarted goes by what operators said last, before the log has answered. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openJetStreamLog } from '@netfall/log';
import { cellSubjects, collectorSubject, encodeEntry, streamName } from '@netfall/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { launcher, Netfall } from '../processes/netfall.ts';
import { withoutBpf } from '../processes/without-bpf.ts';

const root = process.getuid?.() === 0;
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

describe.skipIf(!root || !findNatsServer())(
  `a source that is off when its agent is restarted without a log (needs root; ${NATS_SERVER_MISSING})`,
  () => {
    test('is off from the start: nothing is so much as tried in the kernel', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'netfall-last-word-'));
      cleanup.push(() => rmSync(dir, { recursive: true }));
      const server = await startNatsServer({ dir: join(dir, 'nats') });
      cleanup.push(() => server.stop());
      const data = join(dir, 'agent');
      const config = join(dir, 'agent.yaml');
      writeFileSync(config, `data: ${data}\nlog: {nats: {servers: ["127.0.0.1:${server.port}"]}}\n`);
      const start = (...made: string[]) => {
        const [command = '', ...rest] = [...made, launcher];
        const agent = new Netfall([...rest, 'agent', '--config', config], { command });
        cleanup.push(() => agent.kill('SIGKILL'));
        return agent;
      };

      const first = start();
      await first.line(/kfree-skb: counts drops/);
      await switchOff(server.url);
      await first.line(/kfree-skb: switched off by ann until \S+: it costs too much/);
      expect(await first.kill('SIGTERM')).toBe(0);
      await server.stop();

      // One that calls bpf(2) dies of it.
      const again = start(...withoutBpf('kill'));
      await again.line(/kfree-skb: switched off by ann until \S+: it costs too much/);
      await again.line(/trying again every/);
      await sleep(3000);
      expect(await again.kill('SIGTERM')).toBe(0);
      expect(again.stderr).not.toContain('kfree-skb: counts drops');

      rmSync(join(data, 'switches.json'));
      expect((await start(...withoutBpf('kill')).ended).code).toBe('SIGSYS');
    }, 90_000);
  },
);

/** Says in the log that kfree-skb is off on all hosts for an hour. */
async function switchOff(url: string): Promise<void> {
  const log = await openJetStreamLog({
    servers: [url],
    stream: streamName('default'),
    subjects: [cellSubjects('default')],
  });
  const off = { source: 'kfree-skb', until_us: (Date.now() + 3_600_000) * 1000, hosts: [], labels: [] };
  const switches = [{ ...off, why: 'it costs too much', by: 'ann' }];
  const data = encodeEntry({ switches: { switches, by: 'ann' } });
  await log.append({ subject: collectorSubject('default', 'switches'), id: 'off', data });
  await log.close();
}
