/** Opens the log that a configuration names. */
import { hostname } from 'node:os';
import type { AgentLog } from '@netfall/agent';
import {
  type Clock,
  type Log,
  type LogConfig,
  LogError,
  openEmbeddedLog,
  openJetStreamLog,
  sleep,
} from '@netfall/log';
import { cellSubjects, streamName } from '@netfall/proto';
import type { Logger } from 'pino';
import { CommandError } from '../errors.ts';

export interface LogEnvironment {
  readonly cell: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The pause between attempts to reach a log that is not there yet. */
const RETRY_MS = 2000;

/** The log of `config.nats`, or the embedded one in `dir`. Throws LogError. */
export async function openLog(config: LogConfig, dir: string, environment: LogEnvironment): Promise<Log> {
  return openNatsLog(config, environment) ?? openEmbeddedLog({ dir, clock: environment.clock });
}

/**
 * The log of `config.nats`, for one of many processes that share it. They are started in any order, so a log that cannot
 * be reached is said once and tried again until `signal` aborts; then the result is null. Throws LogError for the rest.
 */
export async function awaitSharedLog(
  config: LogConfig,
  file: string,
  environment: LogEnvironment,
  signal: AbortSignal,
): Promise<Log | null> {
  const { clock, logger } = environment;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const log = openNatsLog(config, environment);
      if (log) return await log;
    } catch (error) {
      if (!(error instanceof LogError) || (error.code !== 'unavailable' && error.code !== 'timeout'))
        throw error;
      if (attempt === 1) logger.warn(`${error.message}; trying again every ${RETRY_MS / 1000} s`);
      await sleep(clock, RETRY_MS, signal);
      continue;
    }
    throw noLog(file);
  }
  return null;
}

function noLog(file: string): CommandError {
  return new CommandError(
    `${file} names no log: set log.nats.servers, or run "netfall up", which needs none`,
  );
}

/** The shared log as an agent needs it. */
export interface Reached extends AgentLog {
  /** Rejects when the log will never take anything: for example because its stream has other settings. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * The log of `config.nats`, at once. Until it can be reached appends and puts fail as `unavailable`: the host is
 * watched, and what is to be said is kept on its disk. Throws CommandError when no log is named.
 */
export function reachForLog(config: LogConfig, file: string, environment: LogEnvironment): Reached {
  if (!config.nats) throw noLog(file);
  const stopping = new AbortController();
  let log: Log | null = null;
  const opening = awaitSharedLog(config, file, environment, stopping.signal).then((opened) => {
    log = opened;
  });
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  opening.catch(reject);
  const reached = (): Log => {
    if (!log) throw new LogError('unavailable', 'the log has not been reached yet');
    return log;
  };
  return {
    failed,
    append: async (message) => reached().append(message),
    evidence: { put: async (name, chunks) => reached().evidence.put(name, chunks) },
    async *watchLast(subject, signal) {
      await opening.catch(() => {});
      if (log) yield* log.watchLast(subject, signal);
    },
    async close() {
      stopping.abort();
      await opening.catch(() => {});
      await log?.close();
    },
  };
}

function openNatsLog({ nats }: LogConfig, { cell, clock, logger }: LogEnvironment): Promise<Log> | null {
  if (!nats) return null;
  return openJetStreamLog({
    servers: nats.servers,
    ...(nats.credentials_file !== undefined && { credentials: { credsFile: nats.credentials_file } }),
    ...(nats.inbox_prefix !== undefined && { inboxPrefix: nats.inbox_prefix }),
    stream: streamName(cell),
    subjects: [cellSubjects(cell)],
    clock,
    name: `netfall on ${hostname()}`,
    notice: (message) => logger.warn(message),
  });
}
