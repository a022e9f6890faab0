/**
 * Keeps logs of crashes until the log has them as evidence, each under its digest, and puts them there one at a time,
 * again and again until they are taken. Bounded; what does not fit pushes out the oldest and is counted. It must not
 * know what a log says, nor what refers to it.
 */
import { createHash } from 'node:crypto';
import { type Blobs, type Clock, sleep } from '@netfall/log';
import type { Logger } from 'pino';
import type { EvidenceStore } from './store.ts';

export interface EvidencePublisherOptions {
  readonly store: EvidenceStore;
  readonly log: { readonly evidence: Pick<Blobs, 'put'> };
  /** Logs that may wait, at least 1. */
  readonly maxLogs: number;
  /** Their bytes. One that is larger by itself is not kept. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Uniform in [0, 1): the jitter of retries. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Counts logs that will not be in the log's evidence: at the hops `evicted`, `unwritable` and `damaged`. */
  readonly lost: (hop: string, count: number) => void;
}

export interface EvidenceStatus {
  /** Logs that wait, and their bytes. */
  readonly logs: number;
  readonly bytes: number;
  /** Logs that were taken since the start. */
  readonly put: number;
  /** Attempts that failed and were repeated. */
  readonly retries: number;
  /** Whether one waits that was refused. */
  readonly failing: boolean;
}

const BACKOFF_MS = 250;
/** Longer than messages wait: a bucket that is full stays full for a while, and every attempt sends the whole log. */
const MOST_BACKOFF_MS = 30_000;

export class EvidencePublisher {
  readonly #options: EvidencePublisherOptions;
  readonly #stop = new AbortController();
  /** Bytes by digest, the oldest first. */
  readonly #waiting = new Map<string, number>();
  #bytes = 0;
  #put = 0;
  #retries = 0;
  /** The one that was refused last. Attempts go on behind it, so that it holds up no other. */
  #refused: string | undefined;
  #saidRefused = false;
  #saidFull = false;
  #saidUnwritable = false;
  #sending = false;
  #idle: (() => void) | undefined;

  constructor(options: EvidencePublisherOptions) {
    this.#options = options;
  }

  get status(): EvidenceStatus {
    return {
      logs: this.#waiting.size,
      bytes: this.#bytes,
      put: this.#put,
      retries: this.#retries,
      failing: this.#failing,
    };
  }

  /** Goes on with what an earlier run has left. */
  start(): void {
    try {
      for (const { digest, bytes } of this.#options.store.list()) this.#add(digest, bytes);
    } catch (error) {
      this.#options.logger.error(
        `logs of crashes that were kept cannot be read (${messageOf(error)}): check the folder's permissions`,
      );
    }
    this.#evict();
    void this.#send();
  }

  /**
   * Keeps a log, durably once this returns, until it is in the log as `crash/DIGEST`. Returns its digest, SHA-256 in hex.
   * What cannot be kept is counted.
   */
  keep(log: Uint8Array): string {
    const { store, maxBytes, lost } = this.#options;
    const digest = createHash('sha256').update(log).digest('hex');
    if (this.#waiting.has(digest)) return digest;
    if (log.length > maxBytes) {
      this.#sayFull();
      lost('evicted', 1);
      return digest;
    }
    try {
      store.write(digest, log);
    } catch (error) {
      this.#failedToWrite(error);
      return digest;
    }
    if (this.#saidUnwritable) this.#options.logger.info('logs of crashes can be kept again');
    this.#saidUnwritable = false;
    this.#add(digest, log.length);
    this.#evict();
    void this.#send();
    return digest;
  }

  /** Resolves when nothing waits, or after `ms` milliseconds. Returns whether nothing waits. */
  async flush(ms: number): Promise<boolean> {
    if (this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.setTimer(ms, resolve);
        this.#idle = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    return this.#waiting.size === 0;
  }

  /** Puts nothing more. What was not taken stays in the store. */
  stop(): void {
    this.#stop.abort();
  }

  get #failing(): boolean {
    return this.#refused !== undefined && this.#waiting.has(this.#refused);
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    const { log, clock, random } = this.#options;
    const { signal } = this.#stop;
    for (let backoffMs = BACKOFF_MS; !signal.aborted; ) {
      const digest = this.#next();
      if (digest === undefined) break;
      const data = this.#read(digest);
      if (!data) continue;
      try {
        await log.evidence.put(`crash/${digest}`, [data]);
        this.#taken(digest);
        backoffMs = BACKOFF_MS;
      } catch (error) {
        this.#failed(digest, error);
        await sleep(clock, backoffMs * (0.5 + random() / 2), signal);
        backoffMs = Math.min(MOST_BACKOFF_MS, backoffMs * 2);
      }
    }
    this.#sending = false;
    if (this.#waiting.size === 0) this.#idle?.();
  }

  /** The oldest behind the one that was refused last; from the front when there is none behind it. */
  #next(): string | undefined {
    let passed = !this.#failing;
    for (const digest of this.#waiting.keys()) {
      if (passed) return digest;
      passed = digest === this.#refused;
    }
    const [oldest] = this.#waiting.keys();
    return oldest;
  }

  /** What is kept of a log; what is damaged is thrown away and counted. */
  #read(digest: string): Uint8Array | undefined {
    const { store, logger, lost } = this.#options;
    let why = 'its bytes are not what they were';
    try {
      const data = store.read(digest);
      if (createHash('sha256').update(data).digest('hex') === digest) return data;
    } catch (error) {
      why = messageOf(error);
    }
    this.#remove(digest);
    lost('damaged', 1);
    logger.error(
      `the log of a crash that was kept as ${digest} is damaged (${why}): it is dropped and counted`,
    );
    return undefined;
  }

  #taken(digest: string): void {
    this.#put++;
    this.#remove(digest);
    if (this.#saidRefused && !this.#failing) {
      this.#saidRefused = false;
      this.#options.logger.info('the log takes evidence again');
    }
    if (this.#waiting.size === 0) this.#saidFull = false;
  }

  #failed(digest: string, error: unknown): void {
    this.#retries++;
    this.#refused = digest;
    if (this.#saidRefused) return;
    this.#saidRefused = true;
    this.#options.logger.warn(`the log takes no evidence (${messageOf(error)}): it waits in the data folder`);
  }

  #failedToWrite(error: unknown): void {
    this.#options.lost('unwritable', 1);
    if (this.#saidUnwritable) return;
    this.#saidUnwritable = true;
    this.#options.logger.error(
      `the log of a crash cannot be kept (${messageOf(error)}): it is lost and counted; ` +
        `free space, check the folder's permissions, or set "data"`,
    );
  }

  #add(digest: string, bytes: number): void {
    this.#waiting.set(digest, bytes);
    this.#bytes += bytes;
  }

  #remove(digest: string): void {
    this.#bytes -= this.#waiting.get(digest) ?? 0;
    this.#waiting.delete(digest);
    try {
      this.#options.store.remove(digest);
    } catch {
      // It stays there and is put once more after the next start, which changes nothing.
    }
  }

  /** Removes the oldest until the rest is within the bounds. */
  #evict(): void {
    const { maxLogs, maxBytes, lost } = this.#options;
    for (const digest of this.#waiting.keys()) {
      if (this.#waiting.size <= maxLogs && this.#bytes <= maxBytes) return;
      this.#remove(digest);
      this.#sayFull();
      lost('evicted', 1);
    }
  }

  #sayFull(): void {
    if (this.#saidFull) return;
    this.#saidFull = true;
    const { maxLogs, maxBytes, logger } = this.#options;
    logger.warn(
      `logs of crashes find no room among ${maxLogs} of ${maxBytes} bytes: the oldest are evicted and counted`,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
