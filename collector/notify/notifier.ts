/**
 * Delivers notifications: takes what is pending in the replica's database, sends it while this replica holds the claim,
 * and records each outcome in the log. At least once: what was sent and not recorded is sent again by whoever delivers
 * next; what is recorded is not.
 *
 * Every sink has a lane of its own, so that one that is down holds up no other: one notification in flight, oldest
 * first (what failed comes after what did not), those of one incident in their order. Knows nothing of what a sink is
 * or how claims are made.
 */
import type { Logger } from 'pino';
import type { Reader } from '../api/reader.ts';
import { Lane, type LaneOptions, NOTIFIER_LIMITS, type NotifierLimits } from './lane.ts';
import { type Outbox, PendingList } from './pending-list.ts';
import type { Sink } from './sink.ts';

export interface NotifierOptions
  extends Pick<LaneOptions, 'mayDeliver' | 'recordDelivered' | 'clock' | 'random' | 'metrics'> {
  readonly reader: Outbox & Pick<Reader, 'onChange'>;
  readonly sinks: readonly Sink[];
  readonly logger: Logger;
  readonly limits?: Partial<NotifierLimits>;
}

export interface Notifier {
  /** Starts no further attempt, waits a while for the one under way to be answered and recorded, then cuts it off. */
  close(): Promise<void>;
}

/** Starts delivering. */
export function createNotifier(options: NotifierOptions): Notifier {
  const { reader, sinks, clock } = options;
  const limits = { ...NOTIFIER_LIMITS, ...options.limits };
  const log = options.logger.child({ component: 'notify' });
  const closing = new AbortController();
  const cut = new AbortController();
  const outbox = new PendingList(reader, clock, sinks, log);
  const lanes = sinks.map(
    (sink) => new Lane(sink, outbox, { ...options, limits, log, closing: closing.signal, cut: cut.signal }),
  );
  const unsubscribe = reader.onChange(({ notifications, replaced }) => {
    if (notifications.length > 0 || replaced) outbox.stale();
    for (const lane of lanes) {
      if (replaced) lane.forget();
      lane.wake();
    }
  });
  const done = Promise.all(lanes.map((lane) => lane.run()));

  return {
    async close() {
      unsubscribe();
      closing.abort();
      for (const lane of lanes) lane.wake();
      const timer = clock.setTimer(limits.drainMs, () => cut.abort());
      await done;
      timer.cancel();
    },
  };
}
