import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJetStreamLog } from '@netfall/log';
import { cellSubjects, decodeEntry, streamName } from '@netfall/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { Netfall } from '../processes/netfall.ts';

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

describe.skipIf(!findNatsServer())(`an agent that starts before its log (${NATS_SERVER_MISSING})`, () => {
  test('watches the host from the start and tells all of it later', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'netfall-late-'));
    cleanup.push(() => rmSync(dir, { recursive: true }));
    const server = await startNatsServer({ dir: join(dir, 'nats') });
    cleanup.push(() => server.stop());
    await server.stop();
    const config = join(dir, 'agent.yaml');
    writeFileSync(
      config,
      `data: ${join(dir, 'agent')}\nhost_id: early\nlog:\n  nats:\n    servers: ["127.0.0.1:${server.port}"]\n`,
    );
    const agent = new Netfall(['agent', '--config', config]);
    cleanup.push(() => agent.kill('SIGKILL'));
    await agent.line(/trying again every/);
    await agent.line(/agent of host early reports to cell default/);
    // Longer than the first message takes.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const reachableUs = Date.now() * 1000;
    await server.restart();

    const log = await openJetStreamLog({
      servers: [server.url],
      stream: streamName('default'),
      subjects: [cellSubjects('default')],
    });
    cleanup.push(() => log.close());
    const stop = AbortSignal.timeout(30_000);
    for await (const batch of log.read({ from: 1, signal: stop })) {
      // What waited is sent at once, and stored in any order.
      const envelopes = batch.map(({ data }) => decodeEntry(data).envelope);
      const first = envelopes.find((envelope) => envelope?.seq === 1);
      if (!first) continue;
      expect(first.host_id).toBe('early');
      expect(first.observed_us).toBeLessThan(reachableUs);
      break;
    }
    expect(stop.aborted).toBe(false);
    expect(await agent.kill('SIGTERM')).toBe(0);
  }, 60_000);
});
