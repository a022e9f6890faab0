/** What the contract's tests need of an implementation, and the few helpers they share. */

import { expect } from 'vitest';
import type { Log, Outgoing, Stored } from '../log.ts';

export interface OpenOptions {
  readonly maxBytes?: number;
  readonly maxEvidenceBytes?: number;
  readonly dedupeUs?: number;
}

/** What an implementation can do beside the contract. */
export interface Traits {
  /** Several handles may be open at a time, each with its own connection. */
  readonly shared: boolean;
  /** What was stored is there after the last handle was closed, and can be damaged. */
  readonly durable: boolean;
  /** How many random histories it is compared with the model on. */
  readonly modelRuns: number;
}

/** The stores of a log. */
export type BlobStoreName = 'blobs' | 'evidence';

/** One empty log and what can be done to it, for one test. */
export interface Bed {
  /** Opens the log. The settings are those of the first call. */
  open(options?: OpenOptions): Promise<Log>;
  /** Opens it so that acknowledgements can be lost: while they are, appends are stored and then fail. */
  openLossy(): Promise<{ readonly log: Log; loseAcks(): void; keepAcks(): Promise<void> }>;
  /** Lets so much time pass. */
  pass(us: number): Promise<void>;
  /** Damages a stored blob of a durable log behind its back. */
  corruptBlob(store: BlobStoreName, name: string): Promise<void>;
  /** Closes every handle and removes everything. */
  end(): Promise<void>;
}

export const SUBJECT = 'netfall.test.host.web-1';

/** A message whose data is its id. */
export function message(id: string, more: Partial<Outgoing> = {}): Outgoing {
  return { subject: SUBJECT, id, data: Buffer.from(id), ...more };
}

/** Reads from `from` until `count` entries came, then ends the reading. */
export async function collect(log: Log, from: number, count: number, maxBatch?: number): Promise<Stored[]> {
  const entries: Stored[] = [];
  if (count === 0) return entries;
  const abort = new AbortController();
  const bound = maxBatch === undefined ? {} : { maxBatch };
  for await (const batch of log.read({ from, signal: abort.signal, ...bound })) {
    expect(batch.length).toBeGreaterThan(0);
    entries.push(...batch);
    if (entries.length >= count) abort.abort();
  }
  return entries;
}

/** The data of entries as text: for messages made by `message`, their ids. */
export function texts(entries: readonly Stored[]): string[] {
  return entries.map(({ data }) => Buffer.from(data).toString());
}

/** What an iteration ends with: its LogError code, or `quiet`. */
export async function ending(log: Log, from: number): Promise<string> {
  try {
    for await (const batch of log.read({ from, signal: AbortSignal.timeout(20_000) }))
      expect(batch).toBeDefined();
    return 'quiet';
  } catch (error) {
    return codeOf(error);
  }
}

export function codeOf(error: unknown): string {
  expect(error).toBeInstanceOf(Error);
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** The code a promise is rejected with. */
export function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'resolved', codeOf);
}
