/** The log as one JetStream stream and two object store buckets. It must not know what entries mean. */

import {
  type JetStreamPublishOptions,
  jetstream,
  jetstreamManager,
  type MsgRequest,
  PubHeaders,
  type StoredMsg,
} from '@nats-io/jetstream';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { type Log, LogError, type Outgoing, type Receipt, type Stored } from '../log.ts';
import {
  checkOutgoing,
  checkSequence,
  checkSubject,
  DEFAULT_DEDUPE_US,
  DEFAULT_MAX_EVIDENCE_BYTES,
  DEFAULT_MAX_MESSAGE_BYTES,
} from '../names.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { apiCode, asLogError, DUPLICATE_IN_PROCESS } from './errors.ts';
import { type BlobStore, ensureBucket, objectBlobs } from './object-blobs.ts';
import { timestampUs } from './position.ts';
import { readStream } from './reader.ts';
import { ensureStream, firstHeld, identityOf } from './stream.ts';
import { watchLast } from './watch.ts';

const COPY_WAIT_MS = 20;
const NEVER = new AbortController().signal;

export interface JetStreamLogOptions extends ConnectionOptions {
  /** The stream's name, e.g. `NETFALL_default`; made when missing. */
  readonly stream: string;
  /** What the stream takes, e.g. `netfall.default.>`. */
  readonly subjects: readonly string[];
  /** How many servers hold each entry (default 1; use 3 in a cluster). */
  readonly replicas?: number;
  /** Entries may hold this many bytes (default: what the server gives). */
  readonly maxBytes?: number;
  /** The most bytes of data a message may carry (default 512 KiB). */
  readonly maxMessageBytes?: number;
  /** How long an id is remembered, microseconds (default 10 s). */
  readonly dedupeUs?: number;
  /** The object store bucket for blobs (default `<stream>-blobs`); evidence has `<stream>-evidence`. */
  readonly bucket?: string;
  /**
   * Evidence may hold this many bytes (default 1 GiB), which the server sets aside when the bucket is made. A bucket that
   * exists stays as it is.
   */
  readonly maxEvidenceBytes?: number;
  /** How long an append or a question may take before it fails with `timeout`, milliseconds (default 5000). */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Connects, and finds or makes stream and buckets. Throws LogError `unavailable` or `timeout` when the servers cannot be
 * reached, `conflict` when a stream of that name has settings that would lose entries. Once open it reconnects for ever.
 * That there is no bucket for evidence, and none can be made, is told to `notice`; the rest works.
 */
export async function openJetStreamLog(options: JetStreamLogOptions): Promise<Log> {
  const connection = await Connection.open(options);
  try {
    return await openOn(connection, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function openOn(connection: Connection, options: JetStreamLogOptions): Promise<Log> {
  const { stream, replicas = 1, timeoutMs = 5000, clock = systemClock } = options;
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  const where = `stream ${stream} on ${connection.servers}`;
  const js = jetstream(connection.nc, { timeout: timeoutMs });
  const jsm = await jetstreamManager(connection.nc, { timeout: timeoutMs, checkAPI: false });
  const identity = identityOf(
    await ensureStream(connection, jsm, {
      stream,
      subjects: options.subjects,
      replicas,
      maxBytes: options.maxBytes ?? -1,
      maxMessageBytes,
      dedupeUs: options.dedupeUs ?? DEFAULT_DEDUPE_US,
    }),
  );
  const appends = new Set<Promise<Receipt>>();
  let closed = false;

  const ensureOpen = () => {
    if (closed) throw new LogError('closed', `${where} is closed here: open it again`);
  };

  const request = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await connection.guard(run);
    } catch (error) {
      throw asLogError(error, where);
    }
  };

  const message = (query: MsgRequest) => request(() => jsm.streams.getMessage(stream, query));

  /** Publishes; while the first copy of the message is still being replicated, waits for what becomes of it. */
  const publish = async (
    subject: string,
    data: Uint8Array,
    publishOptions: Partial<JetStreamPublishOptions>,
  ) => {
    for (let waited = 0; ; waited += COPY_WAIT_MS) {
      try {
        return await request(() => js.publish(subject, data, publishOptions));
      } catch (error) {
        const inProcess = error instanceof LogError && apiCode(error.cause) === DUPLICATE_IN_PROCESS;
        if (!inProcess || waited >= timeoutMs) throw error;
        await sleep(clock, COPY_WAIT_MS, NEVER);
      }
    }
  };

  const append = async ({ subject, id, data, expectLastOnSubject }: Outgoing): Promise<Receipt> => {
    const expect: JetStreamPublishOptions['expect'] = { streamName: stream };
    if (expectLastOnSubject !== undefined) expect.lastSubjectSequence = expectLastOnSubject;
    try {
      const ack = await publish(subject, data, { msgID: id, timeout: timeoutMs, expect });
      return { sequence: ack.seq, duplicate: ack.duplicate };
    } catch (error) {
      if (!(error instanceof LogError && error.code === 'conflict')) throw error;
      // The server compares before it looks for duplicates: the retry of a claim whose acknowledgement was lost meets
      // its own first copy.
      const newest = await message({ last_by_subj: subject });
      if (newest?.header.get(PubHeaders.MsgIdHdr) !== id) throw error;
      return { sequence: newest.seq, duplicate: true };
    }
  };

  const store = (bucket: string, direct: boolean): BlobStore => {
    return { connection, js, jsm, clock, bucket, replicas, direct, ensureOpen };
  };
  const snapshots = store(options.bucket ?? `${stream}-blobs`, false);
  const evidence = store(`${stream}-evidence`, true);
  const [made] = await Promise.allSettled([
    ensureBucket(snapshots, -1),
    ensureBucket(evidence, options.maxEvidenceBytes ?? DEFAULT_MAX_EVIDENCE_BYTES).catch(
      (error: LogError) => {
        connection.notice(`${error.message}; until then there is no place for evidence`);
      },
    ),
  ]);
  if (made.status === 'rejected') throw made.reason;

  return {
    blobs: objectBlobs(snapshots),
    evidence: objectBlobs(evidence),
    async append(outgoing) {
      ensureOpen();
      checkOutgoing(outgoing);
      const { id, data } = outgoing;
      if (data.length > maxMessageBytes) {
        throw new LogError(
          'too-large',
          `message ${id} has ${data.length} bytes, ${where} takes ${maxMessageBytes}: split it or store a blob`,
        );
      }
      const pending = append(outgoing);
      appends.add(pending);
      return pending.finally(() => appends.delete(pending));
    },
    read(readOptions) {
      return readStream({ connection, jsm, clock, stream, identity }, readOptions);
    },
    async get(sequence) {
      ensureOpen();
      checkSequence(sequence);
      return storedOf(await message({ seq: sequence }));
    },
    async lastOn(subject) {
      ensureOpen();
      checkSubject(subject);
      return storedOf(await message({ last_by_subj: subject }));
    },
    async *watchLast(subject, signal) {
      ensureOpen();
      checkSubject(subject);
      yield* watchLast({ connection, jsm, clock, stream }, subject, signal);
    },
    async info() {
      ensureOpen();
      const info = await request(() => jsm.streams.info(stream));
      const { last_seq: last, bytes } = info.state;
      return { identity: identityOf(info), first: firstHeld(info), last, bytes };
    },
    async purge(sequence) {
      ensureOpen();
      checkSequence(sequence);
      const info = await request(() => jsm.streams.info(stream));
      // Beyond its end the server would skip sequences, and for 0 it would purge everything.
      const end = Math.min(sequence, info.state.last_seq + 1);
      if (end > firstHeld(info)) await request(() => jsm.streams.purge(stream, { seq: end }));
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(appends);
      await connection.close();
    },
  };
}

function storedOf(message: StoredMsg | null): Stored | null {
  if (!message) return null;
  const timeUs = timestampUs(message.timestamp);
  if (timeUs === null)
    throw new LogError('corrupt', `entry ${message.seq} has the time stamp ${message.timestamp}`);
  return { sequence: message.seq, timeUs, subject: message.subject, data: message.data };
}
