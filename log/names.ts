/**
 * What subjects, message ids and blob names may look like, the same for every implementation of the log: what one
 * refuses, the other must not let through. A name out of bounds is a fault of the caller, hence a TypeError.
 */

import type { Outgoing, ReadOptions } from './log.ts';

/** Bytes of data a message may carry unless the log is opened with another bound: half of what a NATS server takes. */
export const DEFAULT_MAX_MESSAGE_BYTES = 512 * 1024;
/** How long a message id is remembered unless the log is opened otherwise, microseconds. */
export const DEFAULT_DEDUPE_US = 10_000_000;
/** Bytes that evidence may take unless the log is opened with another bound. */
export const DEFAULT_MAX_EVIDENCE_BYTES = 1024 ** 3;
/** Entries a batch holds at most unless the reader asks otherwise. */
const DEFAULT_MAX_BATCH = 1024;

const MAX_SUBJECT = 256;
const MAX_ID = 256;
const MAX_BLOB_NAME = 200;

// One or more dot-separated tokens of visible ASCII without the wildcards.
const SUBJECT = /^[!-)+-\-/-=?-~]+(\.[!-)+-\-/-=?-~]+)*$/;
const ID = /^[!-~]+$/;
const BLOB_NAME = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;
const BLOB_PREFIX = /^[A-Za-z0-9._/-]*$/;

/** Throws TypeError unless the subject can be stored: literal tokens of visible ASCII, at most 256 bytes. */
export function checkSubject(subject: string): void {
  if (subject.length > MAX_SUBJECT || !SUBJECT.test(subject)) {
    throw new TypeError(
      `subject ${quote(subject)}: give dot-separated tokens of visible ASCII, no * or >, at most 256`,
    );
  }
}

/** Throws TypeError unless subject, id and expectation of a message are well formed. */
export function checkOutgoing(message: Outgoing): void {
  checkSubject(message.subject);
  if (message.id.length > MAX_ID || !ID.test(message.id)) {
    throw new TypeError(
      `message id ${quote(message.id)}: give 1 to 256 characters of visible ASCII without spaces`,
    );
  }
  const expected = message.expectLastOnSubject;
  if (expected !== undefined && !(Number.isSafeInteger(expected) && expected >= 0)) {
    throw new TypeError(`expectLastOnSubject ${expected}: give a sequence, or 0 for none`);
  }
}

/** Throws TypeError unless `sequence` is a whole number from 1 to 2^53-1. */
export function checkSequence(sequence: number): void {
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new TypeError(`sequence ${sequence}: give a whole number from 1 on`);
  }
}

/** Throws TypeError unless the options can be served; returns the batch bound in force. */
export function checkRead(options: ReadOptions): number {
  checkSequence(options.from);
  const maxBatch = options.maxBatch ?? DEFAULT_MAX_BATCH;
  if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) {
    throw new TypeError(`maxBatch ${maxBatch}: give a whole number from 1 on`);
  }
  return maxBatch;
}

/** Whether a blob name is of the form the interface states and at most 200 characters long. */
export function isBlobName(name: string): boolean {
  return name.length <= MAX_BLOB_NAME && BLOB_NAME.test(name);
}

/** Throws TypeError unless it is a blob name. */
export function checkBlobName(name: string): void {
  if (!isBlobName(name)) {
    throw new TypeError(
      `blob name ${quote(name)}: give letters, digits, . _ - in parts split by /, at most 200`,
    );
  }
}

/** Throws TypeError unless some blob name could start with the prefix. */
export function checkBlobPrefix(prefix: string): void {
  if (!BLOB_PREFIX.test(prefix)) {
    throw new TypeError(`blob prefix ${quote(prefix)}: give letters, digits and . _ - / only`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
