/** `netfall up`: agent and collector in one process, over an embedded log unless it is told of another. */
import { systemClock } from '@netfall/log';
import { complete, loadConfig } from '../config/load.ts';
import { UpConfig } from '../config/up.ts';
import { createLogger } from '../runtime/logger.ts';
import { aborted, stopSignal } from '../runtime/signals.ts';
import { startUp } from '../runtime/up.ts';
import { print } from '../terminal/print.ts';
import { sourceReport, sourceRows } from '../terminal/sources.ts';

/** When to say that the first report takes its time. */
const PATIENCE_MS = 10_000;

interface Options {
  readonly data?: string;
  readonly listen?: string;
  readonly nats?: readonly string[];
  readonly config?: string;
  readonly json?: boolean;
}

export async function up({ data, listen, nats, config: file, json }: Options): Promise<void> {
  const stop = stopSignal();
  const logger = createLogger('warn');
  const config: UpConfig = {
    ...(file === undefined ? complete(UpConfig, {}) : loadConfig(file, UpConfig)),
    ...(data !== undefined && { data }),
    ...(listen !== undefined && { listen }),
    ...(nats !== undefined && { log: { nats: { servers: [...nats] } } }),
  };
  await using running = await startUp({ config, clock: systemClock, logger, env: process.env });
  const sources = sourceRows(running.agent.sources);
  print(json, { sources }, (paper) => [...sourceReport(sources, paper), '']);
  const patience = setTimeout(() => logger.warn('no report has been folded yet: still trying'), PATIENCE_MS);
  patience.unref();
  void running.reported.then(() => {
    clearTimeout(patience);
    print(json, { url: running.url }, () => [`Netfall is at ${running.url}`]);
  });
  const reason = await Promise.race([aborted(stop), running.failed]);
  await running.stop(reason);
}
