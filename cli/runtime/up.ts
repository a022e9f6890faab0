/** Agent and collector in one process, as an object that a command or a test starts and stops. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  type AgentLog,
  type AgentStatus,
  completeConfig,
  createAgent,
  openEvidence,
  openLastWord,
  openSpool,
} from '@netfall/agent';
import { startCollector } from '@netfall/collector';
import { parseAddress } from '@netfall/collector/listen';
import type { Clock } from '@netfall/log';
import type { Logger } from 'pino';
import type { UpConfig } from '../config/up.ts';
import { openLog } from './open-log.ts';

export interface UpOptions {
  readonly config: UpConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Up extends AsyncDisposable {
  /** Where API and page answer. */
  readonly url: string;
  readonly agent: AgentStatus;
  /** Resolves once a report of this run can be read from the API; never if it is stopped before. */
  readonly reported: Promise<void>;
  /** Rejects when the collector cannot go on. */
  readonly failed: Promise<never>;
  /** Says goodbye, folds what is left and lets go of everything. `reason` stands in the goodbye. */
  stop(reason: string): Promise<void>;
}

const POLL_MS = 50;

/** Where `netfall up` keeps its files unless it is told: the user's own place for state, which needs no root. */
export function defaultData(env: UpOptions['env']): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'netfall');
}

/** Starts everything; resolves once the API answers. Rejects with an Error that names what is wrong and the mend. */
export async function startUp({ config, clock, logger, env }: UpOptions): Promise<Up> {
  const { agent: agentKeys, data = defaultData(env), ...collectorKeys } = config;
  const { cell } = config;
  // Before anything is opened, so that a wrong address leaves no files behind.
  parseAddress(config.listen);
  const stack = new AsyncDisposableStack();
  try {
    const log = await openLog(config.log, join(data, 'log'), { cell, clock, logger });
    stack.defer(() => log.close());
    const collector = await startCollector({
      config: { ...collectorKeys, data: join(data, 'collector') },
      log,
      clock,
      logger: logger.child({ part: 'collector' }),
      env,
    });
    stack.defer(() => collector.stop());
    const agentConfig = completeConfig({ ...agentKeys, cell, log: config.log, data: join(data, 'spool') });
    const agentLogger = logger.child({ part: 'agent' });
    const spool = openSpool({
      data: agentConfig.data,
      maxMessages: agentConfig.spool.max_messages,
      maxBytes: agentConfig.spool.max_bytes,
      clock,
      random: Math.random,
      logger: agentLogger,
    });
    stack.defer(() => spool.close());
    let appended = 0;
    const agentLog: AgentLog = {
      evidence: log.evidence,
      watchLast: (subject, signal) => log.watchLast(subject, signal),
      async append(message) {
        const stored = await log.append(message);
        appended = Math.max(appended, stored.sequence);
        return stored;
      },
    };
    const agent = createAgent({
      ...{ config: agentConfig, log: agentLog, spool, clock, logger: agentLogger },
      evidence: openEvidence(agentConfig.data),
      lastWord: openLastWord(agentConfig.data, 'switches.json'),
    });
    let reason = 'stopped';
    stack.defer(() => agent.stop(reason));

    // A message of this run was made, the log has all there are, and they are folded.
    const isReported = (): boolean => {
      const { seq, spool: waiting } = agent.status();
      return seq > 0 && waiting.messages === 0 && collector.status().sequence >= appended;
    };
    // What sources can do is shown by whoever started this; what changes later is said in the log.
    agentLogger.level = 'error';
    agent.start();
    agentLogger.level = logger.level;
    const stopping = new AbortController();
    stack.defer(() => stopping.abort());
    const running = stack.move();
    return {
      url: collector.url,
      get agent() {
        return agent.status();
      },
      reported: poll(isReported, stopping.signal),
      failed: collector.failed,
      stop(why) {
        reason = why;
        return running.disposeAsync();
      },
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Resolves once `done` says so; never after the signal aborted. */
function poll(done: () => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (signal.aborted) return;
      if (done()) resolve();
      else setTimeout(look, POLL_MS);
    };
    look();
  });
}
