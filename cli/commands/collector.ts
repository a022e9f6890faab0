/** `netfall collector`: a collector alone, over a log that it shares with the rest of the fleet. */
import { CollectorConfig, startCollector } from '@netfall/collector';
import { parseAddress } from '@netfall/collector/listen';
import { systemClock } from '@netfall/log';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../runtime/logger.ts';
import { awaitSharedLog } from '../runtime/open-log.ts';
import { aborted, stopSignal } from '../runtime/signals.ts';

export async function collector({ config: file }: { readonly config: string }): Promise<void> {
  const stop = stopSignal();
  const logger = createLogger('info');
  const clock = systemClock;
  const config = loadConfig(file, CollectorConfig);
  parseAddress(config.listen);
  await using stack = new AsyncDisposableStack();
  const log = await awaitSharedLog(config.log, file, { cell: config.cell, clock, logger }, stop);
  if (!log) return;
  stack.defer(() => log.close());
  const running = await startCollector({ config, log, clock, logger, env: process.env });
  stack.defer(() => running.stop());
  logger.info(`collector of cell ${config.cell} answers at ${running.url}`);
  await Promise.race([aborted(stop), running.failed]);
}
