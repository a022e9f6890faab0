/** `netfall agent`: an agent alone, reporting to a log that it shares with the rest of the fleet. */
import { AgentConfig, createAgent, openEvidence, openLastWord, openSpool } from '@netfall/agent';
import { systemClock } from '@netfall/log';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../runtime/logger.ts';
import { reachForLog } from '../runtime/open-log.ts';
import { aborted, stopSignal } from '../runtime/signals.ts';

export async function agent({ config: file }: { readonly config: string }): Promise<void> {
  const stop = stopSignal();
  const logger = createLogger('info');
  const clock = systemClock;
  const config = loadConfig(file, AgentConfig);
  await using stack = new AsyncDisposableStack();
  const log = reachForLog(config.log, file, { cell: config.cell, clock, logger });
  stack.defer(() => log.close());
  const spool = openSpool({
    data: config.data,
    maxMessages: config.spool.max_messages,
    maxBytes: config.spool.max_bytes,
    clock,
    random: Math.random,
    logger,
  });
  stack.defer(() => spool.close());
  const lastWord = openLastWord(config.data, 'switches.json');
  const evidence = openEvidence(config.data);
  const running = createAgent({ config, log, spool, evidence, lastWord, clock, logger });
  running.start();
  logger.info(`agent of host ${running.hostId} reports to cell ${config.cell}`);
  const reason = await Promise.race([aborted(stop), log.failed.catch((error) => error as Error)]);
  await running.stop(String(reason));
  if (reason instanceof Error) throw reason;
}
