/** What is to be told to whom, and what came of it. Sending is somebody else's work. */
import type { Delivered } from '@netfall/proto';
import type { Delivery, Incident, Notification } from './model.ts';

/** Notifications that are settled and kept to be shown. */
const MOST_SETTLED = 1000;

export class Outbox {
  readonly records: Map<string, Notification>;
  #settled = 0;

  constructor(records: Iterable<Notification>) {
    this.records = new Map([...records].map((record) => [record.id, record]));
    for (const record of this.records.values()) if (!isPending(record)) this.#settled++;
  }

  /** Creates a notification; returns its id, and the ids of those that had to go. */
  add(kind: Notification['kind'], incident: Incident, nowUs: number, sinks: readonly string[]): string[] {
    const id = `${incident.id}/${kind}`;
    const deliveries = sinks.toSorted().map((sink): Delivery => {
      return { sink, state: 'pending', attempts: 0, at_us: 0, error: '' };
    });
    this.records.set(id, { id, incident_id: incident.id, kind, created_us: nowUs, incident, deliveries });
    if (deliveries.length > 0) return [];
    this.#settled++;
    return this.#forget();
  }

  /** Folds an outcome. The first one stands; returns whether it did, and the ids of those that had to go. */
  settle(delivered: Delivered, nowUs: number): { readonly changed: boolean; readonly removed: string[] } {
    const record = this.records.get(delivered.notification_id);
    const delivery = record?.deliveries.find(({ sink }) => sink === delivered.sink);
    if (!record || delivery?.state !== 'pending') return { changed: false, removed: [] };
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
    if (isPending(changed)) return { changed: true, removed: [] };
    this.#settled++;
    return { changed: true, removed: this.#forget() };
  }

  /** Drops the oldest settled ones; what is pending is never dropped. */
  #forget(): string[] {
    const removed: string[] = [];
    while (this.#settled > MOST_SETTLED) {
      let oldest: Notification | undefined;
      for (const record of this.records.values()) {
        if (!isPending(record) && (!oldest || isOlder(record, oldest))) oldest = record;
      }
      if (!oldest) break;
      this.records.delete(oldest.id);
      this.#settled--;
      removed.push(oldest.id);
    }
    return removed;
  }
}

/** By time, then by id: the map's own order differs between a replica that ran on and one that was restored. */
function isOlder(a: Notification, b: Notification): boolean {
  return a.created_us < b.created_us || (a.created_us === b.created_us && a.id < b.id);
}

export function isPending(notification: Notification): boolean {
  return notification.deliveries.some(({ state }) => state === 'pending');
}
