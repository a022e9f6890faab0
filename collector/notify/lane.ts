/**
 * One sink's deliveries, one after the other: which is next, when to try again, when to give up, and the record of what
 * came of it. Knows nothing of what a sink is or how claims are made.
 */
import { type Clock, sleep, type Timer } from '@netfall/log';
import { type Delivered, LIMITS } from '@netfall/proto';
import type { Logger } from 'pino';
import type { PendingNotification } from '../api/reader.ts';
import type { PendingList } from './pending-list.ts';
import type { SendResult, Sink } from './sink.ts';

/** The longest that a lane waits before it looks around, ms. */
const POLL_MS = 1000;

export interface NotifierLimits {
  /** How long a sink may take to answer, ms. */
  readonly timeoutMs: number;
  /** The first pause after a failure and the longest one, ms; jitter takes off up to half. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** The longest that a sink may ask to be left alone, ms. */
  readonly maxRetryAfterMs: number;
  /** A notification this old is given up when sending it fails, ms. */
  readonly giveUpAfterMs: number;
  /** How long closing waits for an answer that is under way, ms. */
  readonly drainMs: number;
}

export const NOTIFIER_LIMITS: NotifierLimits = {
  timeoutMs: 10_000,
  backoffMs: 1000,
  maxBackoffMs: 60_000,
  maxRetryAfterMs: 600_000,
  giveUpAfterMs: 86_400_000,
  drainMs: 5000,
};

export interface NotifierMetrics {
  attempted(sink: string, outcome: SendResult['outcome'], seconds: number): void;
  settled(sink: string, state: 'delivered' | 'failed'): void;
}

/** What came of a notification to a sink; who holds the claim adds its own name. */
export type Outcome = Omit<Delivered, 'holder'>;

/** What a lane is given by its notifier. */
export interface LaneOptions {
  /** Whether this replica holds the claim now. Asked right before each attempt. */
  mayDeliver(): boolean;
  /** Appends the outcome to the log; a repetition with the same notification and sink must be stored once. */
  recordDelivered(outcome: Outcome): Promise<void>;
  readonly clock: Clock;
  /** From 0 to 1. */
  random(): number;
  readonly metrics?: NotifierMetrics;
  readonly limits: NotifierLimits;
  readonly log: Logger;
  /** Ends the lane once nothing is under way, and what is under way. */
  readonly closing: AbortSignal;
  readonly cut: AbortSignal;
}

interface Attempts {
  count: number;
  /** Not before this, microseconds. */
  notBeforeUs: number;
}

export class Lane {
  readonly #sink: Sink;
  readonly #outbox: PendingList;
  readonly #options: LaneOptions;
  /** Failed attempts of this run, by notification. */
  readonly #attempts = new Map<string, Attempts>();
  /** Recorded by this lane, but still pending in a database that has not folded the record yet. */
  readonly #settled = new Set<string>();
  #seen: readonly PendingNotification[] = [];
  /** Failures in a row, and how long the sink is left alone for them. */
  #failures = 0;
  #pausedUntilUs = 0;
  #wake: () => void = () => {};

  constructor(sink: Sink, outbox: PendingList, options: LaneOptions) {
    this.#sink = sink;
    this.#outbox = outbox;
    this.#options = options;
  }

  wake(): void {
    this.#wake();
  }

  /** The state is another one: what was sent in the one before says nothing about what is pending in this one. */
  forget(): void {
    this.#settled.clear();
    this.#attempts.clear();
  }

  async run(): Promise<void> {
    const { closing, log } = this.#options;
    while (!closing.aborted) {
      try {
        const next = this.#pick();
        if (typeof next === 'number') await this.#rest(next);
        else await this.#deliver(next);
      } catch (error) {
        // The database could not be read: nothing is lost, it is looked at again.
        log.error(
          { err: error, sink: this.#sink.name },
          'a delivery could not be prepared: it is tried again',
        );
        this.#outbox.stale();
        await this.#rest(POLL_MS);
      }
    }
  }

  /** The next notification to send, or how long to wait, ms. */
  #pick(): PendingNotification | number {
    if (!this.#options.mayDeliver()) return POLL_MS;
    const pending = this.#outbox.list();
    this.#forgetAllBut(pending);
    const nowUs = this.#options.clock.nowUs();
    if (nowUs < this.#pausedUntilUs) return Math.ceil((this.#pausedUntilUs - nowUs) / 1000);
    const incidents = new Set<string>();
    let next: PendingNotification | null = null;
    let wakeAtUs = nowUs + POLL_MS * 1000;
    for (const notification of pending) {
      const { id, incidentId, sinks } = notification;
      if (!sinks.includes(this.#sink.name) || this.#settled.has(id) || incidents.has(incidentId)) continue;
      // What follows within the incident waits for this one.
      incidents.add(incidentId);
      const notBeforeUs = this.#attempts.get(id)?.notBeforeUs ?? 0;
      if (notBeforeUs > nowUs) wakeAtUs = Math.min(wakeAtUs, notBeforeUs);
      // One that the sink cannot stomach must not be first for ever: what failed least often goes first.
      else if (next === null || this.#failed(id) < this.#failed(next.id)) next = notification;
    }
    return next ?? Math.max(1, Math.ceil((wakeAtUs - nowUs) / 1000));
  }

  #failed(id: string): number {
    return this.#attempts.get(id)?.count ?? 0;
  }

  async #deliver({ id }: PendingNotification): Promise<void> {
    const { clock, limits, log, metrics, cut, mayDeliver } = this.#options;
    const notification = this.#outbox.isPending(id, this.#sink.name);
    if (!notification || !mayDeliver()) return this.#outbox.stale();

    const timeout = new AbortController();
    const timer = clock.setTimer(limits.timeoutMs, () => timeout.abort());
    const startedUs = clock.nowUs();
    let result: SendResult;
    try {
      result = await this.#sink.send(notification, AbortSignal.any([timeout.signal, cut]));
    } catch {
      // What was thrown may hold anything, the sink's secret too.
      result = { outcome: 'retry', error: 'the sink failed inside' };
    } finally {
      timer.cancel();
    }
    if (result.outcome === 'retry' && timeout.signal.aborted) {
      result = { ...result, error: `no answer within ${limits.timeoutMs / 1000} s` };
    }
    metrics?.attempted(this.#sink.name, result.outcome, (clock.nowUs() - startedUs) / 1e6);

    const attempts = this.#failed(id) + 1;
    const about = { notification: id, sink: this.#sink.name, attempts };
    if (result.outcome === 'delivered') {
      log.info(about, 'notification delivered');
      this.#sinkAnswered();
      return this.#record(id, attempts, '');
    }
    const tooOld = clock.nowUs() - notification.created_us > limits.giveUpAfterMs * 1000;
    if (result.outcome === 'rejected' || tooOld) {
      log.error({ ...about, error: result.error }, 'notification given up');
      if (result.outcome === 'rejected') this.#sinkAnswered();
      return this.#record(id, attempts, result.error || 'failed');
    }
    log.warn({ ...about, error: result.error }, 'notification not delivered: it is tried again');
    this.#retryLater(id, attempts, result.retryAfterMs);
  }

  #sinkAnswered(): void {
    this.#failures = 0;
    this.#pausedUntilUs = 0;
  }

  /** Backs off from this notification by its own failures, and from the sink by how many it failed in a row. */
  #retryLater(id: string, attempts: number, retryAfterMs: number | undefined): void {
    const { clock, limits } = this.#options;
    const nowUs = clock.nowUs();
    const asked = retryAfterMs === undefined ? 0 : Math.min(retryAfterMs, limits.maxRetryAfterMs);
    this.#failures++;
    this.#attempts.set(id, {
      count: attempts,
      notBeforeUs: nowUs + Math.max(asked, this.#backoffMs(attempts)) * 1000,
    });
    this.#pausedUntilUs = nowUs + Math.max(asked, this.#backoffMs(this.#failures)) * 1000;
  }

  /** Tries until the outcome stands in the log. Meanwhile the lane does nothing else, and never sends it again. */
  async #record(id: string, attempts: number, error: string): Promise<void> {
    const { recordDelivered, clock, log, metrics, cut } = this.#options;
    const outcome: Outcome = {
      notification_id: id,
      sink: this.#sink.name,
      attempts,
      // A longer one would make the entry invalid.
      error: error.slice(0, LIMITS.string),
    };
    this.#settled.add(id);
    for (let tries = 1; ; tries++) {
      try {
        await recordDelivered(outcome);
        this.#attempts.delete(id);
        metrics?.settled(this.#sink.name, error === '' ? 'delivered' : 'failed');
        return;
      } catch (cause) {
        log.warn(
          { err: cause, notification: id, sink: this.#sink.name },
          'the outcome of a delivery is not in the log yet: it is tried again',
        );
      }
      await sleep(clock, this.#backoffMs(tries), cut);
      if (cut.aborted) return;
    }
  }

  /** Once the database says so itself, nothing of a settled notification need be remembered. */
  #forgetAllBut(pending: readonly PendingNotification[]): void {
    if (pending === this.#seen) return;
    this.#seen = pending;
    const still = new Set(pending.filter(({ sinks }) => sinks.includes(this.#sink.name)).map(({ id }) => id));
    for (const id of this.#settled) if (!still.has(id)) this.#settled.delete(id);
    for (const id of this.#attempts.keys()) if (!still.has(id)) this.#attempts.delete(id);
  }

  #backoffMs(failures: number): number {
    const { limits, random } = this.#options;
    const ceiling = Math.min(limits.maxBackoffMs, limits.backoffMs * 2 ** Math.min(failures - 1, 30));
    return Math.round(ceiling * (0.5 + random() / 2));
  }

  /** Waits `ms`, or until something happens. */
  #rest(ms: number): Promise<void> {
    if (this.#options.closing.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer: Timer = this.#options.clock.setTimer(ms, () => this.#wake());
      this.#wake = () => {
        this.#wake = () => {};
        timer.cancel();
        resolve();
      };
    });
  }
}
