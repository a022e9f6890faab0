/**
 * A simulated log as messages for a real one, whose stamps are its own: all times in a message are moved to when it is
 * appended. Must not know how it is appended.
 */
import {
  type Change,
  collectorMessageId,
  decodeEntry,
  type Envelope,
  type EventLine,
  encodeEntry,
  envelopeMessageId,
} from '@netfall/proto';

/** What a log takes; structurally the same as the log's `Outgoing`. */
export interface LiveMessage {
  readonly subject: string;
  readonly id: string;
  readonly data: Uint8Array;
}

/**
 * The message of an entry that is appended at `nowUs`, µs since the epoch; null for what collectors append, since those that
 * read the log do so themselves.
 * @param run names this run, in the letters of an id: hosts have it as their incarnation, so that a second run into the same
 * log is not taken for a repetition of the first
 */
export function liveMessage(event: EventLine, nowUs: number, run: string): LiveMessage | null {
  const { envelope, change } = decodeEntry(event.data);
  const laterUs = nowUs - event.timeUs;
  const { subject } = event;
  if (change) {
    const id = collectorMessageId(run, 'change', event.sequence);
    return { subject, id, data: encodeEntry({ change: movedChange(change, laterUs) }) };
  }
  if (!envelope) return null;
  const id = envelopeMessageId(envelope.host_id, run, envelope.seq);
  return { subject, id, data: encodeEntry({ envelope: { ...moved(envelope, laterUs), incarnation: run } }) };
}

function movedChange(change: Change, laterUs: number): Change {
  return { ...change, at_us: change.at_us + laterUs };
}

function moved(envelope: Envelope, laterUs: number): Envelope {
  for (const { drop_report, crash_witness, crash_report } of envelope.items) {
    for (const sample of drop_report?.samples ?? []) sample.observed_us += laterUs;
    if (crash_report) crash_report.last_us += laterUs;
    const witness = crash_witness ?? crash_report?.witness;
    if (witness) witness.first_us += laterUs;
  }
  return { ...envelope, observed_us: envelope.observed_us + laterUs };
}
