/**
 * The spool: gives every message of this host its number, and keeps it until the log has it. Bounded in messages and
 * bytes; what does not fit pushes out the oldest, is counted, and the count is carried by the next message. This file is
 * what those who fill and empty it know of it.
 */
import type { Loss } from '@netfall/proto';

/** What a message needs to know of the spool to be written. */
export interface Draft {
  readonly incarnation: string;
  readonly seq: number;
  /** The oldest message that may still be sent: this one when no other is left. */
  readonly oldestSeq: number;
  /** Unacknowledged messages and their bytes, without this one. */
  readonly messages: number;
  readonly bytes: number;
  /** Losses that this message must carry: evictions since the last message, and what the evicted ones had carried. */
  readonly carried: readonly Loss[];
}

export interface SealedMessage {
  readonly data: Uint8Array;
  /** The losses that the message carries, `carried` included. */
  readonly losses: readonly Loss[];
}

export interface SpooledMessage {
  readonly incarnation: string;
  readonly seq: number;
  readonly data: Uint8Array;
}

export interface Spool {
  /** Minted with the file: 13 hexadecimal digits of the time in µs and 8 random ones. Empty while it cannot be opened. */
  readonly incarnation: string;
  /** Unacknowledged messages, and their bytes. */
  readonly messages: number;
  readonly bytes: number;
  /** Messages evicted since it was opened. */
  readonly evicted: number;
  /** How full it is, 0 to 1, by whichever bound is nearer. */
  readonly fill: number;
  /**
   * Numbers a message and stores it durably. Returns its number. `build` may be called more than once; only its last
   * result counts. Throws SpoolError when nothing could be stored: no number was given and the call may be repeated.
   */
  append(build: (draft: Draft) => SealedMessage): number;
  /** The oldest unacknowledged message numbered above `seq`. */
  next(seq: number): SpooledMessage | undefined;
  /** Whether a message of this incarnation still waits to be acknowledged. */
  has(incarnation: string, seq: number): boolean;
  /** The log has it. Written down with the next append: forgetting it costs a repetition, no loss. */
  acknowledge(incarnation: string, seq: number): void;
  close(): void;
}
