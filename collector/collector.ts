/**
 * A collector: a replica of the fold with its API, page and notifier around it. When the log turns out not to be the one
 * that was folded (purged past this replica, restored from a backup), it goes back to a snapshot by itself.
 */
import { join } from 'node:path';
import { type Clock, type Log, LogError, sleep } from '@netfall/log';
import type { Logger } from 'pino';
import { type Api, createApi } from './api/api.ts';
import { createMetrics, type Metrics } from './api/metrics.ts';
import { readToken } from './api/operator.ts';
import { Reader } from './api/reader.ts';
import { type CollectorConfig, foldConfig } from './config.ts';
import { epochOf, takeOver as takeOverLog } from './epoch.ts';
import { migrateRows } from './fold/migrate.ts';
import { startFoldThread } from './fold-thread.ts';
import { createSinks } from './notify/config.ts';
import { createNotifier, type Notifier } from './notify/notifier.ts';
import { BarrierLifted, Replica } from './replica.ts';
import { resume, type Say } from './resume.ts';
import { currentRules } from './rules.ts';
import { signalMeaning } from './signal-meaning.ts';
import type { ReplicaStatus } from './status.ts';
import { lockReplica, type ReplicaLock } from './store/lock.ts';

export interface CollectorOptions {
  readonly config: CollectorConfig;
  /** Stays open when the collector stops. */
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where secrets are that the configuration names. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Collector {
  readonly url: string;
  status(): ReplicaStatus;
  /** Rejects when the collector cannot go on; the reason is in words for people. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** How long to wait between attempts to go on after the log turned out to be another one, ms. */
const RESUME_PAUSE_MS = 2000;
/** A moment for peers of the older release to leave a snapshot at the epoch, ms. */
const PEER_PAUSE_MS = 1000;

/** Starts a collector; resolves once the API answers. Rejects with an Error that names what is wrong and the mend. */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { config } = options;
  const lock = lockReplica(config.data);
  try {
    const collector = new RunningCollector(options, lock);
    await collector.start();
    return collector;
  } catch (error) {
    lock.release();
    throw error;
  }
}

class RunningCollector implements Collector {
  readonly failed: Promise<never>;
  readonly #options: CollectorOptions;
  readonly #lock: ReplicaLock;
  readonly #path: string;
  readonly #say: Say;
  readonly #fail: (error: Error) => void;
  readonly #stopping = new AbortController();
  #replica: Replica | null = null;
  #reader: Reader | null = null;
  #metrics: Metrics | null = null;
  #api: Api | null = null;
  #notifier: Notifier | null = null;
  #resuming: Promise<void> = Promise.resolve();

  constructor(options: CollectorOptions, lock: ReplicaLock) {
    this.#options = options;
    this.#lock = lock;
    this.#path = join(options.config.data, 'replica.db');
    const { logger } = options;
    this.#say = { info: (message) => logger.info(message), warn: (message) => logger.warn(message) };
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    this.#fail = reject;
  }

  get url(): string {
    return this.#api?.url ?? '';
  }

  async start(): Promise<void> {
    const { config, log, clock, logger, env } = this.#options;
    const sinks = createSinks(config.notify, {
      env,
      meaning: signalMeaning,
      ...(config.public_url !== undefined && { publicUrl: config.public_url }),
    });
    const { operator_token_file } = config.api;
    const operatorToken = operator_token_file === undefined ? undefined : readToken(operator_token_file);
    await this.#startReplica();
    const reader = new Reader(this.#path);
    const status = () => this.status();
    const metrics = createMetrics({ reader, sinks: sinks.map(({ name }) => name), status });
    this.#reader = reader;
    this.#metrics = metrics;
    this.#notifier = createNotifier({
      reader,
      sinks,
      mayDeliver: () => this.#replica?.mayDeliver() ?? false,
      recordDelivered: async (delivered) => {
        if (!this.#replica) throw new Error('the replica is starting anew');
        await this.#replica.recordDelivered(delivered);
      },
      clock,
      logger,
      random: Math.random,
      metrics: metrics.notifier,
    });
    try {
      this.#api = await createApi({
        reader,
        evidence: log.evidence,
        status,
        listen: config.listen,
        logger,
        metrics,
        clock,
        changeSwitches: async (switches, seen) => {
          if (!this.#replica) throw new Error('the replica is starting anew');
          return this.#replica.changeSwitches(switches, seen);
        },
        append: async (entry) => {
          if (!this.#replica) throw new Error('the replica is starting anew');
          return this.#replica.append(entry);
        },
        ...(operatorToken !== undefined && { operatorToken }),
      });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  status(): ReplicaStatus {
    const status = this.#replica?.status();
    if (status) return status;
    return {
      replica: this.#lock.replica,
      cell: this.#options.config.cell,
      ready: false,
      why: 'the replica is looking for a state to go on from',
      sequence: 0,
      lastSequence: 0,
      logTimeUs: 0,
      lagMs: 0,
      entries: 0,
      rejected: {},
      epoch: { fold_version: 0, config_digest: '', catalog_digest: '' },
      configDiffers: false,
      leader: false,
      claimHolder: '',
      commits: 0,
    };
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#resuming;
    await this.#notifier?.close();
    await this.#api?.close();
    await this.#replica?.stop();
    this.#reader?.close();
    this.#lock.release();
  }

  async #startReplica(): Promise<void> {
    const { config, log, clock } = this.#options;
    const rules = currentRules(config.cell);
    const path = this.#path;
    const awaitPeer = () => sleep(clock, PEER_PAUSE_MS, this.#stopping.signal);
    const epoch = epochOf(rules, foldConfig(config));
    const takeOver = () => takeOverLog(log, config.cell, epoch, this.#lock.replica);
    await resume({ path, log, rules, migrate: migrateRows, say: this.#say, takeOver, awaitPeer });
    const { identity } = await log.info();
    const replica = new Replica({
      replica: this.#lock.replica,
      config: {
        cell: config.cell,
        fold: foldConfig(config),
        snapshot_every_s: config.snapshot_every_s,
        retain_s: config.retain_s,
      },
      rules,
      path,
      log,
      clock,
      say: this.#say,
      startFolding: (events) => startFoldThread({ path, identity, cell: config.cell }, events),
      onCommit: ({ sequence, incidents, notifications, commitMs }) => {
        this.#metrics?.committed(commitMs / 1000);
        this.#reader?.changed({ sequence, incidents, notifications });
      },
      onFailure: (error) => this.#replicaFailed(error),
      random: Math.random,
    });
    // It may fail, or commit, before start resolves.
    this.#replica = replica;
    await replica.start();
    // Readers of an earlier state must not go on as if this one had followed from it.
    this.#reader?.replaced();
  }

  /** A log that moved on or back, or past its barrier, is a reason to look for another state; one made anew is not. */
  #replicaFailed(error: Error): void {
    const { logger, clock } = this.#options;
    const another = error instanceof LogError && ['gap', 'rewound'].includes(error.code);
    if (!another && !(error instanceof BarrierLifted)) {
      this.#fail(error);
      return;
    }
    logger.warn(`stopped folding: ${error.message}`);
    const replica = this.#replica;
    this.#replica = null;
    this.#resuming = (async () => {
      await replica?.stop();
      while (!this.#stopping.signal.aborted) {
        try {
          await this.#startReplica();
          return;
        } catch (cause) {
          logger.error(cause instanceof Error ? cause.message : String(cause));
          await sleep(clock, RESUME_PAUSE_MS, this.#stopping.signal);
        }
      }
    })();
  }
}
