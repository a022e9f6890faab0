/** The JetStream log against the contract, on a real server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import {
  findNatsServer,
  NATS_SERVER_MISSING,
  type NatsServer,
  startNatsServer,
} from '../../test/nats-server.ts';
import { logContract } from '../contract.ts';
import { jetStreamBed } from '../testing/jetstream-bed.ts';

const missing = findNatsServer() === null;

describe.skipIf(missing)(missing ? `JetStream log (${NATS_SERVER_MISSING})` : 'JetStream log', () => {
  let server: NatsServer;
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'netfall-nats-'));
    server = await startNatsServer({ dir });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  logContract('contract', { shared: true, durable: true, modelRuns: 8 }, () => jetStreamBed(server));
});
