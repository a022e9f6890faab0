/** `netfall export`: writes a stretch of the log as events.ndjson, which `netfall replay` reads. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CollectorConfig } from '@netfall/collector';
import { type Log, openEmbeddedLog, systemClock } from '@netfall/log';
import { writeEventLine } from '@netfall/proto';
import { loadConfig } from '../config/load.ts';
import { CommandError } from '../errors.ts';
import { createLogger } from '../runtime/logger.ts';
import { awaitSharedLog } from '../runtime/open-log.ts';
import { aborted, stopSignal } from '../runtime/signals.ts';
import { defaultData } from '../runtime/up.ts';

interface Options {
  readonly config?: string;
  readonly data?: string;
  readonly from?: number;
  readonly to?: number;
}

export async function exportEntries({ config: file, data, from, to }: Options): Promise<void> {
  const stop = stopSignal();
  const log = file === undefined ? openOwnLog(data) : await openShared(file, stop);
  if (!log) return;
  await using _ = { [Symbol.asyncDispose]: () => log.close() };
  const { first, last } = await log.info();
  const end = Math.min(to ?? last, last);
  // What was asked for and is no longer held is an error that the log itself words.
  await write(log, from ?? first, end, stop);
}

async function write(log: Log, from: number, end: number, stop: AbortSignal): Promise<void> {
  if (from > end) return;
  const done = new AbortController();
  void aborted(stop).then(() => done.abort());
  for await (const batch of log.read({ from, signal: done.signal })) {
    const wanted = batch.filter(({ sequence }) => sequence <= end);
    const lines = wanted.map((entry) => `${writeEventLine(entry)}\n`).join('');
    if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
    if (wanted.length < batch.length || wanted.at(-1)?.sequence === end) return;
  }
}

/** The embedded log of `netfall up`, which must not be running: it has one user at a time. */
function openOwnLog(data = defaultData(process.env)): Log {
  const dir = join(data, 'log');
  if (!existsSync(dir)) {
    throw new CommandError(`${dir} holds no log: name the --data of "netfall up", or a collector's --config`);
  }
  return openEmbeddedLog({ dir, clock: systemClock });
}

function openShared(file: string, stop: AbortSignal): Promise<Log | null> {
  const { log, cell } = loadConfig(file, CollectorConfig);
  return awaitSharedLog(log, file, { cell, clock: systemClock, logger: createLogger('warn') }, stop);
}
