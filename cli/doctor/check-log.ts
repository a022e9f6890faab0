/** Whether the log that an agent is configured with can be reached. */
import type { AgentConfig } from '@netfall/agent';
import { systemClock } from '@netfall/log';
import { pino } from 'pino';
import { openLog } from '../runtime/open-log.ts';
import type { Check } from './checks.ts';

export async function checkLog({ cell, log: config }: AgentConfig): Promise<Check> {
  const servers = config.nats?.servers.join(', ') ?? '';
  try {
    const environment = { cell, clock: systemClock, logger: pino({ level: 'silent' }) };
    const log = await openLog(config, ':memory:', environment);
    const { last } = await log.info();
    await log.close();
    return { name: 'log', ok: true, detail: `${servers} answer; the log ends at entry ${last}`, mend: '' };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name: 'log', ok: false, detail, mend: `start NATS with JetStream at ${servers}` };
  }
}
