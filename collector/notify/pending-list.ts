/** What waits to be delivered, as the database last said; read again only when it may have changed. */
import type { Clock } from '@netfall/log';
import type { Logger } from 'pino';
import type { PendingNotification, Reader } from '../api/reader.ts';
import type { Sink } from './sink.ts';

/** How often the database is looked at though nothing says that it changed, ms. */
const RESCAN_MS = 30_000;

/** What is needed of the database. */
export type Outbox = Pick<Reader, 'pendingNotifications' | 'getNotification'>;

export class PendingList {
  readonly #reader: Outbox;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known: ReadonlySet<string>;
  readonly #missing = new Set<string>();
  #list: readonly PendingNotification[] = [];
  #staleAtUs = 0;

  constructor(reader: Outbox, clock: Clock, sinks: readonly Sink[], log: Logger) {
    this.#reader = reader;
    this.#clock = clock;
    this.#log = log;
    this.#known = new Set(sinks.map(({ name }) => name));
  }

  stale(): void {
    this.#staleAtUs = 0;
  }

  /** Oldest first. The same array as long as nothing was read anew. */
  list(): readonly PendingNotification[] {
    const nowUs = this.#clock.nowUs();
    if (nowUs < this.#staleAtUs) return this.#list;
    this.#list = this.#reader.pendingNotifications();
    this.#staleAtUs = nowUs + RESCAN_MS * 1000;
    for (const { sinks } of this.#list) for (const sink of sinks) this.#warnOfMissing(sink);
    return this.#list;
  }

  /** Whether the sink has yet to take the notification, by what the database says now. */
  isPending(id: string, sink: string) {
    const notification = this.#reader.getNotification(id);
    const delivery = notification?.deliveries.find((known) => known.sink === sink);
    return delivery?.state === 'pending' ? notification : null;
  }

  #warnOfMissing(sink: string): void {
    if (this.#known.has(sink) || this.#missing.has(sink) || this.#missing.size > 100) return;
    this.#missing.add(sink);
    this.#log.warn(
      { sink },
      `notifications wait for sink ${sink}, which this collector lacks: configure it in all of them`,
    );
  }
}
