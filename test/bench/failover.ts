/**
 * Two collectors of one log, of which the one that notifies is killed: which notifications are lost, and which are sent twice
 * though nobody died between sending and recording. Simulated time; the log, claims and fold are the real ones.
 */
import { currentRules, Fold, type FoldEntry } from '@netfall/collector';
import { collectorSubject, decodeEntry, type EventLine, encodeEntry } from '@netfall/proto';
import { canonicalJson, INITIAL_CONFIG } from '../../collector/fold/config.ts';
import { isPending } from '../../collector/fold/outbox.ts';

const SINK = 'bench';
/** How long a sink takes, µs. */
const SEND_US = 200_000;

export interface Failover {
  readonly sent: number;
  readonly lost: number;
  /** Sent again, without a crash between sending and recording. */
  readonly repeated: number;
}

/** @param killUs how long after the first page the collector that sent it dies */
export function failover(entries: Iterable<EventLine>, cell: string, killUs: number): Failover {
  const rules = currentRules(cell);
  const fold = new Fold(rules);
  const sends = new Map<string, number>();
  const pending = new Set<string>();
  let sequence = 0;
  let killed = '';
  let firstUs = 0;
  let excused = '';
  let sending = null as { readonly id: string; readonly by: string; readonly untilUs: number } | null;
  const append = (timeUs: number, subject: string, data: Uint8Array) => {
    fold.apply({ sequence: ++sequence, timeUs, subject, data } satisfies FoldEntry);
    for (const notification of fold.takeChanges().notifications) {
      if (isPending(notification)) pending.add(notification.id);
      else pending.delete(notification.id);
    }
  };
  for (const { timeUs, subject, data } of entries) {
    if (sequence === 0) {
      const config = canonicalJson({ ...INITIAL_CONFIG, sinks: [SINK] });
      const epoch = {
        fold_version: rules.version,
        config_digest: '',
        catalog_digest: rules.catalogDigest,
        config,
      };
      append(timeUs, collectorSubject(cell, 'epoch'), encodeEntry({ epoch }));
    }
    if (firstUs > 0 && killed === '' && timeUs >= firstUs + killUs) {
      killed = fold.claim.holder;
      if (sending?.by === killed) {
        excused = sending.id;
        sending = null;
      }
    }
    if (sending && timeUs >= sending.untilUs) {
      const { id, by } = sending;
      const delivered = { notification_id: id, sink: SINK, holder: by, attempts: 1, error: '' };
      append(timeUs, collectorSubject(cell, 'delivered'), encodeEntry({ delivered }));
      sending = null;
    }
    // Who is dead claims nothing.
    if (!(subject.endsWith('.claim') && decodeEntry(data).claim?.holder === killed))
      append(timeUs, subject, data);
    const { holder, until_us } = fold.claim;
    if (sending || holder === '' || holder === killed || fold.nowUs >= until_us) continue;
    const [next] = pending;
    if (next === undefined) continue;
    if (firstUs === 0) firstUs = timeUs;
    sends.set(next, (sends.get(next) ?? 0) + 1);
    sending = { id: next, by: holder, untilUs: timeUs + SEND_US };
  }
  const again = [...sends].filter(([id, times]) => times > (id === excused ? 2 : 1)).length;
  const left = [...pending].filter((id) => !sends.has(id)).length;
  return { sent: sends.size, lost: left, repeated: again };
}
