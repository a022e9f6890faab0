/** The log on three servers, of which one may lag behind, or be killed. */

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING, type NatsServer } from '../../test/nats-server.ts';
import { codeOf, message, texts } from '../contract/bed.ts';
import { whole } from '../contract/blobs.ts';
import type { Stored } from '../log.ts';
import { type Cluster, startCluster } from '../testing/cluster.ts';

const missing = findNatsServer() === null;

describe.skipIf(missing)(
  missing ? `JetStream replicas (${NATS_SERVER_MISSING})` : 'JetStream replicas',
  () => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = await startCluster();
    }, 60_000);

    afterAll(() => cluster?.end());

    async function leader(): Promise<NatsServer> {
      const nc = await connect({ servers: cluster.servers.map(({ url }) => url) });
      for (;;) {
        const reply = await nc.request('$JS.API.STREAM.INFO.FLEET').catch(() => null);
        const name = reply?.json<{ cluster?: { leader?: string } }>().cluster?.leader;
        if (name) {
          await nc.close();
          return cluster.servers[Number(name.slice(1)) - 1]!;
        }
        await pause(50);
      }
    }

    // A read may be answered by a replica that has yet to apply what the others have stored.
    test.each(['blobs', 'evidence'] as const)(
      '%s are whole for whoever reads them as soon as they are stored',
      async (store) => {
        const log = await cluster.open();
        for (let i = 0; i < 50; i++) {
          const stored = randomBytes(400_000);
          await log[store].put('snapshot', [stored]);
          expect((await whole(log[store], 'snapshot'))?.equals(stored)).toBe(true);
        }
        await log.close();
      },
    );

    test('whichever leader is killed, what was acknowledged is there and readers read on', {
      timeout: 60_000,
    }, async () => {
      const log = await cluster.open();
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
  },
);
