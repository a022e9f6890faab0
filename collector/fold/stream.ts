/**
 * Which of a host's numbered messages have been folded: exactly-once on top of a log that may hold a message twice and
 * out of order. One stream an incarnation; a low-water mark and a bounded window above it.
 */

/** An agent never has more messages in flight than this; a message further ahead gives up on those behind. */
export const WINDOW = 256;

/** The stored form. */
export interface StreamRecord {
  readonly incarnation: string;
  /** Every message up to here is accounted for: folded or lost. */
  low: number;
  /** The messages above low that were folded, ascending. */
  ahead: number[];
  /** Live time at which it first had news after another stream of the host had; 0 if it never did. */
  returned_us: number;
}

export interface Acceptance {
  /** Whether the message is new. */
  readonly fresh: boolean;
  /** Whether none after it was folded before. */
  readonly newest: boolean;
  /** How many messages are now known never to come. */
  readonly lost: number;
}

/**
 * A stream as of its first message that was seen. What lies below `oldestSeq` was settled before this fold began to
 * look, and is not counted.
 */
export function openStream(incarnation: string, oldestSeq: number): StreamRecord {
  return { incarnation, low: oldestSeq - 1, ahead: [], returned_us: 0 };
}

/** Takes note of message `seq`; the host will send none below `oldestSeq` any more. */
export function accept(stream: StreamRecord, seq: number, oldestSeq: number): Acceptance {
  let lost = 0;
  const at = seq <= stream.low ? -1 : insertionPoint(stream.ahead, seq);
  const fresh = at !== -1;
  const newest = fresh && at === stream.ahead.length;
  if (fresh) stream.ahead.splice(at, 0, seq);
  // A duplicate's oldest_seq is as true as it ever was.
  lost += raise(stream, Math.max(oldestSeq - 1, seq - WINDOW));
  return { fresh, newest, lost };
}

/** Gives up on what is missing below the newest message; returns how many that is. */
export function giveUp(stream: StreamRecord): number {
  return raise(stream, stream.ahead.at(-1) ?? stream.low);
}

/** Moves the low-water mark to at least `to`, then over what follows it without a gap. Returns how many it passed unseen. */
function raise(stream: StreamRecord, to: number): number {
  const { ahead } = stream;
  let lost = 0;
  let taken = 0;
  if (to > stream.low) {
    while (taken < ahead.length && (ahead[taken] as number) <= to) taken++;
    lost = to - stream.low - taken;
    stream.low = to;
  }
  while (taken < ahead.length && ahead[taken] === stream.low + 1) {
    stream.low++;
    taken++;
  }
  if (taken > 0) ahead.splice(0, taken);
  return lost;
}

/** Where to insert `seq` into the ascending list, or -1 when it is in it. */
function insertionPoint(list: readonly number[], seq: number): number {
  let at = list.length;
  while (at > 0 && (list[at - 1] as number) > seq) at--;
  return at > 0 && list[at - 1] === seq ? -1 : at;
}
