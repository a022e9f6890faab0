/** The contract of the log on three servers that hold every entry three times, as a fleet runs it. */

import { afterAll, beforeAll, describe } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING } from '../../test/nats-server.ts';
import { logContract } from '../contract.ts';
import { type Cluster, startCluster } from '../testing/cluster.ts';
import { jetStreamBed } from '../testing/jetstream-bed.ts';

const missing = findNatsServer() === null;

describe.skipIf(missing)(missing ? `JetStream cluster (${NATS_SERVER_MISSING})` : 'JetStream cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster();
  }, 60_000);

  afterAll(() => cluster?.end());

  logContract('contract', { shared: true, durable: true, modelRuns: 3 }, () =>
    jetStreamBed(cluster.servers[0]!, 3),
  );
});
