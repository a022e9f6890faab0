/**
 * What stands in a bucket about an object, as NATS's ADR-20 lays it out: chunks on `$O.<bucket>.C.<nuid>`, a description
 * in JSON on `$O.<bucket>.M.<name in base64url, padded>`, the newest of which counts. Descriptions come from whoever may
 * put objects, so nothing in them is taken as it is. It must not know of connections.
 */

import { Base64UrlPaddedCodec } from '@nats-io/obj';
import { isBlobName } from '../names.ts';

/** The part of a description that reading and deleting go by. */
export interface Description {
  /** Names the chunks. */
  readonly nuid: string;
  readonly chunks: number;
  /** `SHA-256=` and the digest in base64url, with or without padding. */
  readonly digest: string;
}

export interface PutObject extends Description {
  readonly bucket: string;
  readonly name: string;
  readonly size: number;
  readonly chunkBytes: number;
  /** ISO 8601. */
  readonly mtime: string;
}

// 22 of these by the library; without dots and wildcards it is a token of a subject, whoever made it.
const NUID = /^[A-Za-z0-9]{1,64}$/;
const DIGEST = /^SHA-256=[A-Za-z0-9_-]{43}=?$/;

export function chunksSubject(bucket: string, nuid: string): string {
  return `$O.${bucket}.C.${nuid}`;
}

export function descriptionSubject(bucket: string, name: string): string {
  return `$O.${bucket}.M.${Base64UrlPaddedCodec.encode(name)}`;
}

/** Of every object in a bucket. */
export function descriptionSubjects(bucket: string): string {
  return `$O.${bucket}.M.>`;
}

/** The name of the object that a subject describes; null when it is none that a blob could have. */
export function nameOf(bucket: string, subject: string): string | null {
  const name = Buffer.from(subject.slice(`$O.${bucket}.M.`.length), 'base64url').toString();
  return isBlobName(name) && descriptionSubject(bucket, name) === subject ? name : null;
}

export function writeDescription(object: PutObject): string {
  const { bucket, name, nuid, size, chunks, chunkBytes, mtime, digest } = object;
  const options = { max_chunk_size: chunkBytes };
  return JSON.stringify({ name, options, bucket, nuid, size, mtime, chunks, digest });
}

/** Reads a description: `deleted` when it says so, `malformed` when it makes no sense. */
export function readDescription(data: Uint8Array): Description | 'deleted' | 'malformed' {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
  } catch {
    return 'malformed';
  }
  if (typeof parsed !== 'object' || parsed === null) return 'malformed';
  if ('deleted' in parsed && parsed.deleted === true) return 'deleted';
  if (!('nuid' in parsed && typeof parsed.nuid === 'string' && NUID.test(parsed.nuid))) return 'malformed';
  if (!('digest' in parsed && typeof parsed.digest === 'string' && DIGEST.test(parsed.digest))) {
    return 'malformed';
  }
  const chunks = 'chunks' in parsed ? parsed.chunks : undefined;
  if (typeof chunks !== 'number' || !Number.isSafeInteger(chunks) || chunks < 0) return 'malformed';
  return { nuid: parsed.nuid, chunks, digest: parsed.digest };
}
