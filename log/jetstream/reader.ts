/**
 * Reading the stream from a sequence on, for ever, without skipping: deliveries one after the other, and before each a
 * look at the stream that tells an interruption (read on) from a loss (say so). It must not know what entries mean.
 */

import type { JetStreamManager } from '@nats-io/jetstream';
import { type Clock, sleep } from '../clock.ts';
import { LogError, type LogErrorCode, type ReadOptions, type Stored } from '../log.ts';
import { checkRead } from '../names.ts';
import type { Connection } from './connection.ts';
import { Delivery } from './delivery.ts';
import { asLogError } from './errors.ts';
import { timestampUs } from './position.ts';
import { firstHeld, identityOf, LOOK_AGAIN_MS, LOOKS_WHEN_REPLICATED } from './stream.ts';

export interface ReadSource {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly clock: Clock;
  readonly stream: string;
  /** The identity that the stream must keep. */
  readonly identity: string;
}

const RETRY_MS = 100;
const RETRY_MOST_MS = 5000;

const FINAL: ReadonlySet<LogErrorCode> = new Set(['gap', 'rewound', 'replaced', 'corrupt', 'closed']);

/** Where a reader stands. */
interface Place {
  /** The first sequence not read yet. */
  next: number;
  /** The newest entry that was read, and when the log stored it, to recognise it by. */
  newest: { readonly sequence: number; readonly timeUs: number } | null;
  /** The last delivery left `next` out: make sure that it is still held. */
  suspect: boolean;
}

/** `Log.read` on a JetStream stream. */
export async function* readStream(
  source: ReadSource,
  options: ReadOptions,
): AsyncGenerator<readonly Stored[], void, void> {
  const maxBatch = checkRead(options);
  const { signal } = options;
  const place: Place = { next: options.from, newest: null, suspect: false };
  while (!signal.aborted) {
    const delivery = await openDelivery(source, place, signal);
    if (!delivery) return;
    try {
      for (;;) {
        const batch = await delivery.take(maxBatch, signal);
        if (!batch) break;
        const contiguous = contiguousPart(batch, place.next);
        const newest = contiguous.at(-1);
        if (newest) {
          place.next = newest.sequence + 1;
          place.newest = newest;
          yield contiguous;
          if (signal.aborted) return;
        }
        place.suspect = contiguous.length < batch.length;
        if (place.suspect) break;
      }
    } finally {
      delivery.stop();
    }
  }
}

/** The part of a batch that follows on without a gap, first sequence `next`. Usually the batch itself. */
function contiguousPart(batch: readonly Stored[], next: number): readonly Stored[] {
  const end = batch.findIndex((stored, index) => stored.sequence !== next + index);
  return end < 0 ? batch : batch.slice(0, end);
}

/** A delivery from `place.next` on, after however many attempts, or null when the signal aborted. */
async function openDelivery(source: ReadSource, place: Place, signal: AbortSignal): Promise<Delivery | null> {
  const { connection, jsm, clock, stream } = source;
  let said = '';
  for (let wait = RETRY_MS; ; wait = Math.min(2 * wait, RETRY_MOST_MS)) {
    await connection.whenUp(signal);
    if (signal.aborted) return null;
    try {
      await verify(source, place, signal);
      return await Delivery.open(connection, jsm, clock, { stream, from: place.next });
    } catch (error) {
      const reason = asLogError(error, `stream ${stream} on ${connection.servers}`);
      if (FINAL.has(reason.code)) throw reason;
      // A lost connection has been told, and a reason needs telling once.
      if (connection.up && reason.message !== said) {
        said = reason.message;
        connection.notice(`reading waits at ${place.next}: ${reason.message}`);
      }
      await sleep(clock, wait, signal);
    }
  }
}

/** Throws LogError `replaced`, `rewound` or `gap` when reading on at `place` would not be the same log without a loss. */
async function verify(source: ReadSource, place: Place, signal: AbortSignal): Promise<void> {
  const { connection, jsm, stream } = source;
  for (let look = 1; ; look++) {
    const info = await connection.guard(() => jsm.streams.info(stream));
    const where = `stream ${stream} on ${connection.servers}`;
    if (identityOf(info) !== source.identity) {
      throw new LogError(
        'replaced',
        `${where} was deleted and made again at ${info.created}: open it again, start anew`,
      );
    }
    const { last_seq: last } = info.state;
    const first = firstHeld(info);
    if (place.next > last + 1) {
      if (info.config.num_replicas > 1 && look < LOOKS_WHEN_REPLICATED) {
        await sleep(source.clock, LOOK_AGAIN_MS, signal);
        if (signal.aborted) return;
        continue;
      }
      throw new LogError(
        'rewound',
        `${where} ends at ${last}, entry ${place.next - 1} was expected: it was restored from a backup, load a snapshot`,
      );
    }
    if (place.next < first) {
      throw new LogError(
        'gap',
        `entries ${place.next} to ${first - 1} are no longer held by ${where}: load a snapshot, then read from ${first}`,
      );
    }
    if (place.newest && place.newest.sequence >= first) await verifyNewest(source, place.newest, where);
    if (place.suspect && place.next <= last) await verifyHeld(source, place.next, where);
    return;
  }
}

/** A restored stream may have grown beyond the reader again: then its newest entry is another one than was read. */
async function verifyNewest(
  { connection, jsm, stream }: ReadSource,
  newest: { readonly sequence: number; readonly timeUs: number },
  where: string,
): Promise<void> {
  const held = await connection.guard(() => jsm.streams.getMessage(stream, { seq: newest.sequence }));
  // Purged since the look at the stream.
  if (!held) return;
  if (timestampUs(held.timestamp) === newest.timeUs) return;
  throw new LogError(
    'rewound',
    `${where} holds another entry ${newest.sequence} than was read: it was restored from a backup, load a snapshot`,
  );
}

async function verifyHeld(
  { connection, jsm, stream }: ReadSource,
  sequence: number,
  where: string,
): Promise<void> {
  if (await connection.guard(() => jsm.streams.getMessage(stream, { seq: sequence }))) return;
  throw new LogError(
    'gap',
    `entry ${sequence} is no longer held by ${where}: load a snapshot, then read on behind it`,
  );
}
