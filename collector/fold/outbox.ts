/** What is to be told to whom, and what came of it. Sending is somebody else's work. */
import type { Delivered } from '@netfall/proto';
import type { Delivery, Incident, Notification } from './model.ts';

/** Notifications that are settled and kept to be shown. */
const MOST_SETTLED = 1000;
/** Notifications that may wait; sinks that take nothing while hosts make new trouble must not fill the memory. */
const MOST_PENDING = 10_000;

/** Ids of the notifications that a step changed, and of those that had to go. */
export interface OutboxStep {
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

const NOTHING: OutboxStep = { changed: [], removed: [] };

export class Outbox {
  readonly records: Map<string, Notification>;
  #settled = 0;

  constructor(records: Iterable<Notification>) {
    this.records = new Map([...records].map((record) => [record.id, record]));
    for (const record of this.records.values()) if (!isPending(record)) this.#settled++;
  }

  /** Creates a notification. Where too many wait, the oldest one is given up. */
  add(
    kind: Notification['kind'],
    incident: Incident,
    nowUs: number,
    sinks: readonly string[],
    why = '',
  ): OutboxStep {
    const id = `${incident.id}/${kind}${why === '' ? '' : `-${why}`}`;
    const deliveries = sinks.toSorted().map((sink): Delivery => {
      return { sink, state: 'pending', attempts: 0, at_us: 0, error: '' };
    });
    this.records.set(id, { id, incident_id: incident.id, kind, created_us: nowUs, incident, deliveries });
    if (deliveries.length === 0) this.#settled++;
    const changed = [id];
    while (this.records.size - this.#settled > MOST_PENDING) {
      const oldest = this.#oldest(isPending);
      const waits = ({ state }: Delivery) => state === 'pending';
      this.#giveUp(oldest, waits, nowUs, `over ${MOST_PENDING} newer ones wait`);
      changed.push(oldest.id);
    }
    return { changed, removed: this.#forget() };
  }

  /** Folds an outcome. The first one stands. */
  settle(delivered: Delivered, nowUs: number): OutboxStep {
    const record = this.records.get(delivered.notification_id);
    const delivery = record?.deliveries.find(({ sink }) => sink === delivered.sink);
    if (!record || delivery?.state !== 'pending') return NOTHING;
    const settled: Delivery = {
      sink: delivery.sink,
      state: delivered.error === '' ? 'delivered' : 'failed',
      attempts: delivered.attempts,
      at_us: nowUs,
      error: delivered.error,
    };
    const deliveries = record.deliveries.map((known) => (known === delivery ? settled : known));
    const changed = { ...record, deliveries };
    this.records.set(record.id, changed);
    if (!isPending(changed)) this.#settled++;
    return { changed: [record.id], removed: this.#forget() };
  }

  /** Gives up what waits for other sinks than these: nobody will send it. */
  retain(sinks: readonly string[], nowUs: number): OutboxStep {
    const changed: string[] = [];
    for (const record of this.records.values()) {
      const gone = ({ sink, state }: Delivery) => state === 'pending' && !sinks.includes(sink);
      if (!record.deliveries.some(gone)) continue;
      this.#giveUp(record, gone, nowUs, 'the sink was removed from the configuration');
      changed.push(record.id);
    }
    return { changed, removed: this.#forget() };
  }

  /** Settles those deliveries of a pending notification that are `wanted` as failed. */
  #giveUp(record: Notification, wanted: (delivery: Delivery) => boolean, nowUs: number, error: string): void {
    const deliveries = record.deliveries.map((delivery): Delivery => {
      return wanted(delivery) ? { ...delivery, state: 'failed', at_us: nowUs, error } : delivery;
    });
    const changed = { ...record, deliveries };
    this.records.set(record.id, changed);
    if (!isPending(changed)) this.#settled++;
  }

  /** Drops the oldest settled ones. */
  #forget(): string[] {
    const removed: string[] = [];
    for (; this.#settled > MOST_SETTLED; this.#settled--) {
      const { id } = this.#oldest((record) => !isPending(record));
      this.records.delete(id);
      removed.push(id);
    }
    return removed;
  }

  /** The oldest of those there are: by time, then by id, since the map's order is another one after a restore. */
  #oldest(wanted: (record: Notification) => boolean): Notification {
    let oldest: Notification | undefined;
    for (const record of this.records.values()) {
      if (wanted(record) && (!oldest || isOlder(record, oldest))) oldest = record;
    }
    if (!oldest) throw new Error('the outbox counts notifications that it does not hold');
    return oldest;
  }
}

function isOlder(a: Notification, b: Notification): boolean {
  return a.created_us < b.created_us || (a.created_us === b.created_us && a.id < b.id);
}

export function isPending(notification: Notification): boolean {
  return notification.deliveries.some(({ state }) => state === 'pending');
}
