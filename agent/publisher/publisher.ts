/**
 * Sends what the spool holds to the log, oldest first, several at a time, until the log acknowledges each. Holds no more
 * messages in memory than are under way. It must not know what a message says.
 */
import { type Clock, type Log, LogError, sleep } from '@netfall/log';
import { envelopeMessageId } from '@netfall/proto';
import type { Logger } from 'pino';
import type { Spool, SpooledMessage } from '../spool/spool.ts';

export interface PublisherOptions {
  readonly spool: Spool;
  readonly log: Pick<Log, 'append'>;
  readonly clock: Clock;
  /** Uniform in [0, 1): the jitter of retries. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly hostId: string;
  /** The subject of this host's messages. */
  readonly subject: string;
  /** Counts a message that the log will never take. */
  readonly lost: (hop: string, count: number) => void;
}

export interface PublisherStatus {
  readonly inFlight: number;
  /** Messages that the log acknowledged since the start. */
  readonly acknowledged: number;
  /** Attempts that failed and were repeated. */
  readonly retries: number;
  /** How long the last acknowledged message took from its first attempt, µs; 0 before the first. */
  readonly lastAckUs: number;
  /** Whether the log took nothing at the last attempt. */
  readonly failing: boolean;
}

const MOST_IN_FLIGHT = 64;
/**
 * From the oldest message under way to the newest, exclusive: readers of the log tell repetitions from news within a
 * window of this many numbers.
 */
const SPAN = 256;
const BACKOFF_MS = 250;
const MOST_BACKOFF_MS = 5000;

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #stop = new AbortController();
  /** Messages under way: when each was first tried, µs. In order of their numbers. */
  readonly #inFlight = new Map<number, number>();
  /** The incarnation that `#cursor` belongs to, and the last message taken from the spool. */
  #incarnation = '';
  #cursor = 0;
  #acknowledged = 0;
  #retries = 0;
  #lastAckUs = 0;
  #failing = false;
  #idle: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get status(): PublisherStatus {
    return {
      inFlight: this.#inFlight.size,
      acknowledged: this.#acknowledged,
      retries: this.#retries,
      lastAckUs: this.#lastAckUs,
      failing: this.#failing,
    };
  }

  /** How acknowledgements do, µs: the age of the oldest that is awaited, or how long the last one took if longer. */
  ackUs(nowUs: number): number {
    const [oldestUs] = this.#inFlight.values();
    return oldestUs === undefined ? this.#lastAckUs : Math.max(nowUs - oldestUs, this.#lastAckUs);
  }

  /** Takes from the spool as much as may be under way. To be called when there is something new in it. */
  wake(): void {
    const { spool, clock } = this.#options;
    if (spool.incarnation !== this.#incarnation) {
      this.#incarnation = spool.incarnation;
      this.#cursor = 0;
      this.#inFlight.clear();
    }
    while (!this.#stop.signal.aborted && this.#inFlight.size < MOST_IN_FLIGHT) {
      const message = spool.next(this.#cursor);
      if (!message) break;
      const [oldest] = this.#inFlight.keys();
      if (oldest !== undefined && message.seq - oldest >= SPAN) break;
      this.#cursor = message.seq;
      this.#inFlight.set(message.seq, clock.nowUs());
      void this.#deliver(message);
    }
    if (this.#inFlight.size === 0) this.#idle?.();
  }

  /** Resolves when the spool is empty, or after `ms` milliseconds. Returns whether it is empty. */
  async flush(ms: number): Promise<boolean> {
    this.wake();
    if (this.#inFlight.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.setTimer(ms, resolve);
        this.#idle = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    return this.#options.spool.messages === 0;
  }

  /** Sends nothing more. What is unacknowledged stays in the spool. */
  stop(): void {
    this.#stop.abort();
  }

  async #deliver(message: SpooledMessage): Promise<void> {
    const { spool, clock, random } = this.#options;
    const { incarnation, seq } = message;
    for (let backoffMs = BACKOFF_MS; !this.#stop.signal.aborted; ) {
      if (!spool.has(incarnation, seq)) break;
      const error = await this.#try(message);
      if (error === undefined) {
        this.#succeeded(message);
        break;
      }
      if (error instanceof LogError && error.code === 'too-large') {
        this.#options.logger.error(`${error.message}; message ${seq} is dropped and counted`);
        this.#options.lost('too_large', 1);
        spool.acknowledge(incarnation, seq);
        break;
      }
      this.#failed(error);
      await sleep(clock, backoffMs * (0.5 + random() / 2), this.#stop.signal);
      backoffMs = Math.min(MOST_BACKOFF_MS, backoffMs * 2);
    }
    if (incarnation === this.#incarnation) this.#inFlight.delete(seq);
    this.wake();
  }

  /** Appends once. Resolves to what went wrong, or undefined. */
  async #try({ incarnation, seq, data }: SpooledMessage): Promise<unknown> {
    const { log, subject, hostId } = this.#options;
    try {
      await log.append({ subject, id: envelopeMessageId(hostId, incarnation, seq), data });
      return undefined;
    } catch (error) {
      return error ?? new Error('the log failed without an error');
    }
  }

  #succeeded({ incarnation, seq }: SpooledMessage): void {
    const { spool, clock, logger } = this.#options;
    const firstUs = this.#inFlight.get(seq) ?? clock.nowUs();
    this.#lastAckUs = Math.max(0, clock.nowUs() - firstUs);
    this.#acknowledged++;
    spool.acknowledge(incarnation, seq);
    if (this.#failing) logger.info('the log takes messages again');
    this.#failing = false;
  }

  #failed(error: unknown): void {
    this.#retries++;
    if (this.#failing) return;
    this.#failing = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn(`the log takes no messages (${why}): they wait in the spool`);
  }
}
