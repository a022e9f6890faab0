/** The JetStream log on three servers that hold every entry three times, as a fleet runs it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  findNatsServer,
  NATS_SERVER_MISSING,
  type NatsServer,
  startNatsCluster,
} from '../../test/nats-server.ts';
import { codeOf, message, texts } from '../contract/bed.ts';
import { logContract } from '../contract.ts';
import { LogError, type Stored } from '../log.ts';
import { jetStreamBed } from '../testing/jetstream-bed.ts';
import { openJetStreamLog } from './jetstream-log.ts';

const missing = findNatsServer() === null;

describe.skipIf(missing)(missing ? `JetStream cluster (${NATS_SERVER_MISSING})` : 'JetStream cluster', () => {
  let dir: string;
  let servers: NatsServer[];

  const openFleet = () =>
    openJetStreamLog({
      servers: servers.map(({ url }) => url),
      stream: 'FLEET',
      subjects: ['netfall.fleet.>'],
      replicas: 3,
      timeoutMs: 2000,
    });

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'netfall-nats-'));
    servers = await startNatsCluster(dir, 3);
    // A cluster takes streams once it has elected a leader.
    for (;;) {
      try {
        await (await openFleet()).close();
        return;
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        await pause(100);
      }
    }
  }, 60_000);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(dir, { recursive: true, force: true });
  });

  async function leader(): Promise<NatsServer> {
    const nc = await connect({ servers: servers.map(({ url }) => url) });
    for (;;) {
      const reply = await nc.request('$JS.API.STREAM.INFO.FLEET').catch(() => null);
      const name = reply?.json<{ cluster?: { leader?: string } }>().cluster?.leader;
      if (name) {
        await nc.close();
        return servers[Number(name.slice(1)) - 1]!;
      }
      await pause(50);
    }
  }

  logContract('contract', { shared: true, durable: true, modelRuns: 3 }, () => jetStreamBed(servers[0]!, 3));

  test('whichever leader is killed, what was acknowledged is there and readers read on', {
    timeout: 60_000,
  }, async () => {
    const log = await openFleet();
    const abort = new AbortController();
    const entries: Stored[] = [];
    const reading = (async () => {
      try {
        for await (const batch of log.read({ from: 1, signal: abort.signal })) entries.push(...batch);
        return 'quiet';
      } catch (error) {
        return codeOf(error);
      }
    })();
    const acknowledged = new Map<string, number>();
    let number = 0;
    let stop = false;
    const appender = async () => {
      while (!stop) {
        const id = `m${++number}`;
        try {
          const { sequence } = await log.append(message(id, { subject: 'netfall.fleet.a' }));
          acknowledged.set(id, sequence);
        } catch (error) {
          expect(['unavailable', 'timeout']).toContain(codeOf(error));
          await pause(20);
        }
      }
    };
    const appenders = Array.from({ length: 10 }, appender);
    for (let round = 0; round < 2; round++) {
      const before = acknowledged.size;
      while (acknowledged.size < before + 100) await pause(10);
      const killed = await leader();
      await killed.kill('SIGKILL');
      const during = acknowledged.size;
      while (acknowledged.size < during + 100) await pause(10);
      await killed.restart();
    }
    stop = true;
    await Promise.all(appenders);
    const { last } = await log.info();
    while (entries.length < last) await pause(10);
    abort.abort();
    expect(await reading).toBe('quiet');
    expect(entries.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: last }, (_, index) => index + 1),
    );
    for (const [id, sequence] of acknowledged) expect(texts([entries[sequence - 1]!])).toEqual([id]);
    await log.close();
  });
});
