/**
 * The log: one totally ordered, append-only stream a cell, the only state that agents and collectors share.
 * Two implementations (embedded SQLite, NATS JetStream) keep this contract; log/contract.ts tests both.
 * This file must not know what an entry means: payloads are bytes here.
 */

/** A message to append. */
export interface Outgoing {
  /** A subject that proto/subjects.ts made, e.g. `netfall.default.host.web-1`. */
  readonly subject: string;
  /** Names the message for the short dedupe window: a retry with the same id inside it is not stored again. */
  readonly id: string;
  readonly data: Uint8Array;
  /**
   * Compare-and-append: store only if the newest entry on this very subject has this sequence (0: none has been stored
   * or none is left). Otherwise the append fails with code `conflict`, or is a duplicate when the log has a first copy.
   */
  readonly expectLastOnSubject?: number;
}

export interface Receipt {
  /** Where the message stands in the log. For a duplicate, where its first copy stands. */
  readonly sequence: number;
  readonly duplicate: boolean;
}

/** An entry as it stands in the log. */
export interface Stored {
  /** From 1, growing; contiguous except where entries were purged. At most 2^53-1. */
  readonly sequence: number;
  /** When the log stored it, microseconds since the Unix epoch, by the log's own clock. */
  readonly timeUs: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

export interface LogInfo {
  /** Changes when the stream is deleted and made again: a checkpoint of another identity must not be used. */
  readonly identity: string;
  /** The oldest sequence still held; `last + 1` when the log is empty. */
  readonly first: number;
  /** The newest sequence ever given, 0 before the first. */
  readonly last: number;
  readonly bytes: number;
}

export interface ReadOptions {
  /** The first sequence wanted. */
  readonly from: number;
  /** Ends the iteration quietly. */
  readonly signal: AbortSignal;
  /** The most entries a batch may hold (default 1024). */
  readonly maxBatch?: number;
}

export interface Log {
  /**
   * Appends one message and resolves once it is durable. Calls may overlap; the order of storage is then the log's
   * choice. Rejects with LogError: after `unavailable` or `timeout` the outcome is unknown and a retry is right;
   * after `conflict`, `full` or `too-large` the message is not stored.
   */
  append(message: Outgoing): Promise<Receipt>;
  /**
   * Yields every entry from `from` on, in order, in batches, then waits for more until the signal aborts. Rides out a
   * lost connection by itself. Throws LogError `gap` when entries that were asked for are no longer held, `rewound`
   * when the log ends before `from - 1`, `replaced` when the stream was deleted and made again meanwhile.
   */
  read(options: ReadOptions): AsyncIterable<readonly Stored[]>;
  /** One entry, or null when it is not (or no longer) held. */
  get(sequence: number): Promise<Stored | null>;
  /** The newest entry on a subject, or null. */
  lastOn(subject: string): Promise<Stored | null>;
  /**
   * Yields the newest entry on a subject, when there is one, and every newer one soon after it is stored (within seconds
   * where the log is shared), until the signal aborts; passes over those that have been overtaken. Made for a great many
   * who wait for what seldom comes. Rides out a lost connection by itself. Throws LogError `closed`.
   */
  watchLast(subject: string, signal: AbortSignal): AsyncIterable<Stored>;
  info(): Promise<LogInfo>;
  /** Drops every entry below `sequence`. Sequences are never given again. */
  purge(sequence: number): Promise<void>;
  /** What collectors put for each other and believe: snapshots. */
  readonly blobs: Blobs;
  /**
   * What agents put for people to look at: logs of crashes. Apart from `blobs`, since agents may put here and not there,
   * and bounded: a put that finds no room fails with LogError `full`. Whatever an agent may write it may also spoil, so
   * nothing here is to be believed further than its name says: objects are named after their content.
   */
  readonly evidence: Blobs;
  /** Waits for appends that are under way, then lets go of everything. */
  close(): Promise<void>;
}

/** A store of large things that entries refer to by name. */
export interface Blobs {
  /** Stores a blob whole or not at all, replacing one of the same name. Names match `[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*`. */
  put(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** The blob's chunks in order, verified against the stored digest (LogError `corrupt`), or null when there is none. */
  get(name: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** Names that start with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  delete(name: string): Promise<void>;
}

export type LogErrorCode =
  | 'unavailable'
  | 'timeout'
  | 'conflict'
  | 'full'
  | 'too-large'
  | 'locked'
  | 'gap'
  | 'rewound'
  | 'replaced'
  | 'corrupt'
  | 'closed';

/** What went wrong with the log, in words that name the thing and the mend. */
export class LogError extends Error {
  readonly code: LogErrorCode;
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogError';
    this.code = code;
  }
}
