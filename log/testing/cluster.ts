/** Three NATS servers that hold every entry three times, as a fleet runs them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type NatsServer, startNatsCluster } from '../../test/nats-server.ts';
import { openJetStreamLog } from '../jetstream/jetstream-log.ts';
import { type Log, LogError } from '../log.ts';

export interface Cluster {
  readonly servers: readonly NatsServer[];
  /** The log on stream `FLEET`. */
  open(): Promise<Log>;
  end(): Promise<void>;
}

/** Starts the servers and resolves when they take streams. */
export async function startCluster(): Promise<Cluster> {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-nats-'));
  const servers = await startNatsCluster(dir, 3);
  const open = () =>
    openJetStreamLog({
      servers: servers.map(({ url }) => url),
      stream: 'FLEET',
      subjects: ['netfall.fleet.>'],
      replicas: 3,
      timeoutMs: 2000,
    });
  const end = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(dir, { recursive: true, force: true });
  };
  // They do once they have elected a leader.
  for (;;) {
    try {
      await (await open()).close();
      return { servers, open, end };
    } catch (error) {
      if (error instanceof LogError) {
        await pause(100);
        continue;
      }
      await end();
      throw error;
    }
  }
}
