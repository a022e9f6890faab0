/**
 * Blobs in a JetStream object store. It must not know what blobs hold.
 *
 * Writing and listing are the client library's. Reading is not: the library takes in a whole object as fast as the server
 * sends it, however slowly it is consumed, and waits for ever when chunks are missing. The layout is that of NATS's
 * ADR-20: chunks on `$O.<bucket>.C.<nuid>`, what is known about an object on `$O.<bucket>.M.<name in base64url>`.
 */

import { createHash } from 'node:crypto';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import {
  Base64UrlPaddedCodec,
  type ObjectInfo,
  type ObjectStore,
  Objm,
  StorageType,
  setSha256Backend,
} from '@nats-io/obj';
import { type Clock, sleep } from '../clock.ts';
import { type Blobs, LogError } from '../log.ts';
import { checkBlobName, checkBlobPrefix } from '../names.ts';
import type { Connection } from './connection.ts';
import { Delivery } from './delivery.ts';
import { asLogError } from './errors.ts';
import { LOOK_AGAIN_MS, LOOKS_WHEN_REPLICATED } from './stream.ts';

const CHUNK_BYTES = 128 * 1024;
const CHUNKS_A_BATCH = 16;
const NEVER = new AbortController().signal;

export interface BlobStore {
  readonly connection: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly clock: Clock;
  readonly bucket: string;
  readonly replicas: number;
  readonly timeoutMs: number;
  /** Throws when the log is closed. */
  readonly ensureOpen: () => void;
}

/** Opens the bucket, or makes it. Throws LogError. */
export async function objectBlobs(store: BlobStore): Promise<Blobs> {
  const { connection, jsm, bucket, ensureOpen } = store;
  const where = `bucket ${bucket} on ${connection.servers}`;
  // The library's own digest is JavaScript unless told otherwise, once a process.
  setSha256Backend('native');
  const run = async <T>(request: (objects: ObjectStore) => Promise<T>): Promise<T> => {
    ensureOpen();
    try {
      return await connection.guard(() => request(objects));
    } catch (error) {
      throw asLogError(error, where);
    }
  };
  let objects: ObjectStore;
  try {
    objects = await new Objm(store.js).create(bucket, {
      storage: StorageType.File,
      replicas: store.replicas,
    });
  } catch (error) {
    throw asLogError(error, where);
  }
  return {
    async put(name, chunks) {
      checkBlobName(name);
      const source = new Watched(chunks);
      try {
        await run((open) =>
          open.put({ name, options: { max_chunk_size: CHUNK_BYTES } }, source.stream(), {
            timeout: store.timeoutMs,
          }),
        );
      } catch (error) {
        throw source.failure ? source.failure.cause : error;
      }
    },
    async get(name) {
      checkBlobName(name);
      const info = await run((open) => open.info(name));
      return info && !info.deleted ? verifiedChunks(store, info, where) : null;
    },
    async list(prefix) {
      checkBlobPrefix(prefix);
      const all = await run((open) => open.list());
      return all
        .map(({ name }) => name)
        .filter((name) => name.startsWith(prefix))
        .sort();
    },
    async delete(name) {
      checkBlobName(name);
      await run(async (open) => {
        await open.delete(name);
        // The library leaves a tombstone for each name that ever was; blobs are named after sequences, so they would
        // pile up. Only up to the tombstone: someone may have put the name again.
        const info = await open.info(name);
        if (!info?.deleted) return;
        const filter = `$O.${bucket}.M.${Base64UrlPaddedCodec.encode(name)}`;
        await jsm.streams.purge(`OBJ_${bucket}`, { filter, seq: info.revision + 1 });
      });
    },
  };
}

/** A source of chunks as the stream that the library wants, which remembers why the source failed. */
class Watched {
  failure: { readonly cause: unknown } | null = null;
  readonly #chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  stream(): ReadableStream<Uint8Array> {
    return ReadableStream.from(this.#watch());
  }

  async *#watch(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#chunks;
    } catch (error) {
      this.failure = { cause: error };
      throw error;
    }
  }
}

async function* verifiedChunks(
  store: BlobStore,
  info: ObjectInfo,
  where: string,
): AsyncGenerator<Uint8Array> {
  const { connection, jsm, clock, bucket } = store;
  const corrupt = (what: string) =>
    new LogError(
      'corrupt',
      `blob ${info.name} in ${where} ${what}: get it again, or delete it and use another one`,
    );
  const hash = createHash('sha256');
  let received = 0;
  let next = 1;
  let looks = 0;
  while (received < info.chunks) {
    store.ensureOpen();
    const delivery = await Delivery.open(connection, jsm, clock, {
      stream: `OBJ_${bucket}`,
      from: next,
      filter: `$O.${bucket}.C.${info.nuid}`,
      untilIdle: true,
    }).catch((error: unknown) => {
      throw asLogError(error, where);
    });
    try {
      const lacks = info.chunks - received - delivery.pending;
      if (lacks > 0 && store.replicas > 1 && ++looks < LOOKS_WHEN_REPLICATED) {
        await sleep(clock, LOOK_AGAIN_MS, NEVER);
        continue;
      }
      if (lacks !== 0) {
        throw corrupt(
          `has ${received + delivery.pending} of ${info.chunks} chunks (was it replaced meanwhile?)`,
        );
      }
      for (;;) {
        const chunks = await delivery.take(CHUNKS_A_BATCH, NEVER);
        if (!chunks) break;
        for (const { sequence, data } of chunks) {
          next = sequence + 1;
          received++;
          hash.update(data);
          yield data;
        }
        if (received >= info.chunks) break;
      }
    } finally {
      delivery.stop();
    }
  }
  if (`SHA-256=${hash.digest('base64url')}` !== info.digest.replace(/=+$/, '')) {
    throw corrupt('does not match its digest');
  }
}
