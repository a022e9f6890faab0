import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openJetStreamLog, systemClock } from '@netfall/log';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findNatsServer,
  NATS_SERVER_MISSING,
  type NatsServer,
  startNatsServer,
} from '../../test/nats-server.ts';
import { type Reached, reachForLog } from './open-log.ts';

const missing = findNatsServer() === null;

describe.skipIf(missing)(missing ? `a log to come (${NATS_SERVER_MISSING})` : 'a log to come', () => {
  let dir: string;
  let server: NatsServer;
  let reached: Reached;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'netfall-nats-'));
    server = await startNatsServer({ dir });
    await server.stop();
    const logger = pino({ level: 'silent' });
    const nats = { servers: [server.url] };
    reached = reachForLog({ nats }, 'agent.yaml', { cell: 'default', clock: systemClock, logger });
  });
  afterEach(async () => {
    await reached.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('takes neither messages nor evidence until it is there, and both from then on', async () => {
    const message = { subject: 'netfall.default.host.a', id: 'a/1', data: Buffer.from('a') };
    const unreached = { code: 'unavailable', message: 'the log has not been reached yet' };
    await expect(reached.append(message)).rejects.toMatchObject(unreached);
    await expect(reached.evidence.put('crash/1', [Buffer.from('log')])).rejects.toMatchObject(unreached);
    await server.restart();
    while ((await reached.append(message).catch(() => null)) === null) await pause(50);
    await reached.evidence.put('crash/1', [Buffer.from('log')]);
    const log = await openJetStreamLog({
      servers: [server.url],
      stream: 'netfall-default',
      subjects: ['netfall.default.>'],
    });
    expect(await log.evidence.list('')).toEqual(['crash/1']);
    expect((await log.info()).last).toBe(1);
    await log.close();
  });
});
