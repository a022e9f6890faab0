/**
 * Blobs in a JetStream object store. It must not know what blobs hold.
 *
 * The client library makes the bucket; the rest is here. Its reading takes in a whole object as fast as the server sends
 * it, however slowly it is consumed, and waits for ever when chunks are missing; its listing throws where nobody catches
 * when a description is no JSON, and whoever may put an object may write that; and its putting needs the permission to
 * read every message of the bucket.
 */

import { createHash } from 'node:crypto';
import { type JetStreamClient, type JetStreamManager, JsHeaders } from '@nats-io/jetstream';
import { Base64UrlPaddedCodec, Objm, StorageType } from '@nats-io/obj';
import { headers, nuid } from '@nats-io/transport-node';
import { type Clock, sleep } from '../clock.ts';
import { type Blobs, LogError } from '../log.ts';
import { checkBlobName, checkBlobPrefix } from '../names.ts';
import type { Connection } from './connection.ts';
import { Delivery } from './delivery.ts';
import { asLogError } from './errors.ts';
import {
  chunksSubject,
  type Description,
  descriptionSubject,
  descriptionSubjects,
  nameOf,
  readDescription,
  writeDescription,
} from './object-info.ts';
import { LOOK_AGAIN_MS, LOOKS_WHEN_REPLICATED } from './stream.ts';

const CHUNK_BYTES = 128 * 1024;
const CHUNKS_A_BATCH = 16;
/** How often something is asked that may not answer yet, and after what pause again. */
const TRIES = 3;
const AGAIN_MS = 200;
const NAMES_A_BATCH = 1024;
const NEVER = new AbortController().signal;

export interface BlobStore {
  readonly connection: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly clock: Clock;
  readonly bucket: string;
  readonly replicas: number;
  /**
   * Whether a put looks for what it replaces by a direct get. That says in its subject all that it asks for, so a user
   * may be allowed descriptions and no chunks; but in a cluster a server that lags answers it without what was put a
   * moment ago, whose chunks then stay.
   */
  readonly direct: boolean;
  /** Throws when the log is closed. */
  readonly ensureOpen: () => void;
}

/**
 * Finds the bucket, or makes it. Throws LogError.
 * @param maxBytes what it may hold; -1: no bound but the server's own
 */
export async function ensureBucket({ js, bucket, ...store }: BlobStore, maxBytes: number): Promise<void> {
  try {
    await new Objm(js).create(bucket, {
      storage: StorageType.File,
      replicas: store.replicas,
      max_bytes: maxBytes,
    });
  } catch (error) {
    throw asLogError(error, `bucket ${bucket} on ${store.connection.servers}`);
  }
}

/** The blobs in a bucket. While there is no such bucket everything fails as `unavailable`. */
export function objectBlobs(store: BlobStore): Blobs {
  const { connection, js, jsm, clock, bucket, ensureOpen } = store;
  const stream = `OBJ_${bucket}`;
  const where = `bucket ${bucket} on ${connection.servers}`;
  const run = async <T>(request: () => Promise<T>): Promise<T> => {
    ensureOpen();
    try {
      return await connection.guard(request);
    } catch (error) {
      throw asLogError(error, where);
    }
  };
  const describe = async (name: string, direct: boolean) => {
    const query = { last_by_subj: descriptionSubject(bucket, name) };
    const message = await patiently(clock, () =>
      run<{ readonly seq: number; readonly data: Uint8Array } | null>(() => {
        return direct ? jsm.direct.getMessage(stream, query) : jsm.streams.getMessage(stream, query);
      }),
    );
    return message && { sequence: message.seq, description: readDescription(message.data) };
  };
  const purgeChunks = (id: string) =>
    run(() => jsm.streams.purge(stream, { filter: chunksSubject(bucket, id) }));
  /** What was stored is in the way of nobody, but takes room. That it could not be removed fails nothing. */
  const discardChunks = (id: string) => purgeChunks(id).catch(() => {});

  return {
    async put(name, chunks) {
      checkBlobName(name);
      const replaced = await describe(name, store.direct);
      const id = nuid.next();
      const chunkBytes = Math.min(CHUNK_BYTES, connection.nc.info?.max_payload ?? CHUNK_BYTES);
      const hash = createHash('sha256');
      let size = 0;
      let count = 0;
      let described = false;
      try {
        for await (const chunk of cut(chunks, chunkBytes)) {
          await run(() => js.publish(chunksSubject(bucket, id), chunk));
          hash.update(chunk);
          size += chunk.length;
          count++;
        }
        const object = {
          ...{ bucket, name, nuid: id, size, chunks: count, chunkBytes },
          mtime: new Date(clock.nowUs() / 1000).toISOString(),
          digest: `SHA-256=${Base64UrlPaddedCodec.encode(hash.digest())}`,
        };
        described = true;
        const rollUp = headers();
        rollUp.set(JsHeaders.RollupHdr, JsHeaders.RollupValueSubject);
        await run(() =>
          js.publish(descriptionSubject(bucket, name), writeDescription(object), { headers: rollUp }),
        );
      } catch (error) {
        // After these nobody knows whether the object stands: the next put of its name removes what there is.
        const unknown = error instanceof LogError && ['timeout', 'unavailable'].includes(error.code);
        if (!described || !unknown) await discardChunks(id);
        throw error;
      }
      if (typeof replaced?.description === 'object') await discardChunks(replaced.description.nuid);
    },
    async get(name) {
      checkBlobName(name);
      const found = await describe(name, false);
      if (!found || found.description === 'deleted') return null;
      if (found.description === 'malformed')
        throw corrupt(name, where, 'has a description that makes no sense');
      return verifiedChunks(store, name, found.description, where);
    },
    async list(prefix) {
      checkBlobPrefix(prefix);
      const names = await patiently(clock, () => run(() => listNames(store, where)));
      return names.filter((name) => name.startsWith(prefix)).sort();
    },
    async delete(name) {
      checkBlobName(name);
      const found = await describe(name, false);
      if (!found) return;
      // The library leaves a tombstone for each name that ever was; blobs are named after sequences or digests, so they
      // would pile up. Only up to what was found: someone may have put the name again.
      const filter = descriptionSubject(bucket, name);
      await run(() => jsm.streams.purge(stream, { filter, seq: found.sequence + 1 }));
      if (typeof found.description === 'object') await purgeChunks(found.description.nuid);
    },
  };
}

/** Cuts what comes into chunks of so many bytes, of which only the last may be shorter. */
async function* cut(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let chunk = Buffer.allocUnsafe(bytes);
  let filled = 0;
  for await (const part of source) {
    for (let taken = 0; taken < part.length; ) {
      const more = part.subarray(taken, taken + bytes - filled);
      chunk.set(more, filled);
      filled += more.length;
      taken += more.length;
      if (filled < bytes) break;
      yield chunk;
      chunk = Buffer.allocUnsafe(bytes);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/**
 * On a cluster what was just made may not answer yet: nobody answers a direct read of a new stream, and the list of a new
 * consumer breaks off as it begins. It is asked again.
 */
async function patiently<T>(clock: Clock, request: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await request();
    } catch (error) {
      if (left <= 1 || !(error instanceof LogError && error.code === 'unavailable')) throw error;
      await sleep(clock, AGAIN_MS, NEVER);
    }
  }
}

/** The names of all objects that are not deleted, those with a malformed description included. */
async function listNames({ connection, jsm, clock, bucket }: BlobStore, where: string): Promise<string[]> {
  const names = new Set<string>();
  const delivery = await Delivery.open(connection, jsm, clock, {
    stream: `OBJ_${bucket}`,
    from: 1,
    filter: descriptionSubjects(bucket),
    untilIdle: true,
  });
  try {
    for (let left = delivery.pending; left > 0; ) {
      const batch = await delivery.take(NAMES_A_BATCH, NEVER);
      if (!batch) {
        // What was replaced or deleted meanwhile does not come any more.
        if (delivery.idle) break;
        throw new LogError('unavailable', `${where}: the list broke off (${delivery.ended}): try again`);
      }
      left -= batch.length;
      for (const { subject, data } of batch) {
        const name = nameOf(bucket, subject);
        if (name === null) continue;
        // Of several descriptions, which there are when one replaces another meanwhile, the last counts.
        if (readDescription(data) === 'deleted') names.delete(name);
        else names.add(name);
      }
    }
  } finally {
    delivery.stop();
  }
  return [...names];
}

function corrupt(name: string, where: string, what: string): LogError {
  return new LogError(
    'corrupt',
    `blob ${name} in ${where} ${what}: get it again, or delete it and use another one`,
  );
}

async function* verifiedChunks(
  store: BlobStore,
  name: string,
  { nuid, chunks, digest }: Description,
  where: string,
): AsyncGenerator<Uint8Array> {
  const { connection, jsm, clock, bucket } = store;
  const hash = createHash('sha256');
  let received = 0;
  let next = 1;
  let looks = 0;
  while (received < chunks) {
    store.ensureOpen();
    const delivery = await Delivery.open(connection, jsm, clock, {
      stream: `OBJ_${bucket}`,
      from: next,
      filter: chunksSubject(bucket, nuid),
      untilIdle: true,
    }).catch((error: unknown) => {
      throw asLogError(error, where);
    });
    try {
      const lacks = chunks - received - delivery.pending;
      if (lacks > 0 && store.replicas > 1 && ++looks < LOOKS_WHEN_REPLICATED) {
        await sleep(clock, LOOK_AGAIN_MS, NEVER);
        continue;
      }
      if (lacks !== 0) {
        const has = `has ${received + delivery.pending} of ${chunks} chunks (was it replaced meanwhile?)`;
        throw corrupt(name, where, has);
      }
      for (;;) {
        const batch = await delivery.take(CHUNKS_A_BATCH, NEVER);
        if (!batch) break;
        for (const { sequence, data } of batch) {
          next = sequence + 1;
          received++;
          hash.update(data);
          yield data;
        }
        if (received >= chunks) break;
      }
    } finally {
      delivery.stop();
    }
  }
  if (`SHA-256=${hash.digest('base64url')}` !== digest.replace(/=+$/, '')) {
    throw corrupt(name, where, 'does not match its digest');
  }
}
