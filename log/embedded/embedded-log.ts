/**
 * The log in one SQLite file, for a host that runs agent and collector in one process: no server is needed, the contract
 * is the same. It must not know what entries mean.
 */

import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, systemClock } from '../clock.ts';
import {
  type Blobs,
  type Log,
  LogError,
  type LogInfo,
  type Outgoing,
  type ReadOptions,
  type Receipt,
  type Stored,
} from '../log.ts';
import {
  checkOutgoing,
  checkRead,
  checkSequence,
  checkSubject,
  DEFAULT_DEDUPE_US,
  DEFAULT_MAX_EVIDENCE_BYTES,
  DEFAULT_MAX_MESSAGE_BYTES,
} from '../names.ts';
import { Wakeup } from '../wakeup.ts';
import { Database, rowBytes, type State } from './database.ts';
import { DedupeWindow } from './dedupe.ts';
import { fileBlobs } from './file-blobs.ts';
import { memoryBlobs } from './memory-blobs.ts';
import { Room } from './room.ts';

export interface EmbeddedLogOptions {
  /** The folder of the log, made when missing. `:memory:` keeps everything in memory, for simulated worlds. */
  readonly dir: string;
  /** Entries may hold this many bytes (default 4 GiB), each counted as the room it takes in the file. Blobs not included. */
  readonly maxBytes?: number;
  /** Evidence may hold this many bytes (default 1 GiB). */
  readonly maxEvidenceBytes?: number;
  /** The most bytes of data a message may carry (default 512 KiB). */
  readonly maxMessageBytes?: number;
  /** How long an id is remembered, microseconds (default 10 s). */
  readonly dedupeUs?: number;
  readonly clock?: Clock;
}

const DEFAULT_MAX_BYTES = 4 * 1024 ** 3;
// One transaction takes at most this much, so that a commit never holds the thread for long.
const GROUP_MESSAGES = 1024;
const GROUP_BYTES = 8 * 1024 ** 2;
// A batch ends after this much data however many entries it holds.
const BATCH_BYTES = 8 * 1024 ** 2;
// A purge deletes so many sequences a transaction, for the same reason.
const PURGE_STEP = 5000;

interface Pending {
  readonly message: Outgoing;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: LogError) => void;
}

/**
 * Opens the log in a folder, or makes it. One process at a time: a second opener gets LogError `locked`; the lock ends
 * with the process that holds it, even if that was killed. Also throws `full`, `corrupt` and `unavailable`.
 */
export function openEmbeddedLog(options: EmbeddedLogOptions): Log {
  return new EmbeddedLog(options);
}

class EmbeddedLog implements Log {
  readonly blobs: Blobs;
  readonly evidence: Blobs;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #maxMessageBytes: number;
  readonly #db: Database;
  readonly #dedupe: DedupeWindow;
  readonly #commits = new Wakeup();
  #state: State;
  #queue: Pending[] = [];
  #scheduled = false;
  #closed = false;

  constructor(options: EmbeddedLogOptions) {
    this.#dir = options.dir;
    this.#clock = options.clock ?? systemClock;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    const dedupeUs = options.dedupeUs ?? DEFAULT_DEDUPE_US;
    this.#dedupe = new DedupeWindow(dedupeUs);
    this.#db = new Database(options.dir);
    this.#state = this.#db.loadState();
    this.#remember(this.#nowUs() - dedupeUs);
    this.blobs = this.#blobsIn('blobs', Number.POSITIVE_INFINITY);
    this.evidence = this.#blobsIn('evidence', options.maxEvidenceBytes ?? DEFAULT_MAX_EVIDENCE_BYTES);
  }

  async append(message: Outgoing): Promise<Receipt> {
    this.#ensureOpen();
    checkOutgoing(message);
    if (message.data.length > this.#maxMessageBytes) {
      throw new LogError(
        'too-large',
        `message ${message.id} has ${message.data.length} bytes, the log takes ${this.#maxMessageBytes}: split it or store a blob`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
    this.#queue.push({ message, resolve, reject });
    this.#schedule();
    return promise;
  }

  async *read(options: ReadOptions): AsyncGenerator<readonly Stored[], void, void> {
    const maxBatch = checkRead(options);
    let next = options.from;
    while (!options.signal.aborted) {
      this.#ensureOpen();
      const { first, last } = this.#state;
      if (next < first) {
        throw new LogError(
          'gap',
          `entries ${next} to ${first - 1} are no longer held in ${this.#dir}: load a snapshot, then read from ${first}`,
        );
      }
      if (next > last + 1) {
        throw new LogError(
          'rewound',
          `the log in ${this.#dir} ends at ${last}, entry ${next - 1} was expected: it is an older copy, load a snapshot of it`,
        );
      }
      if (next > last) {
        await this.#commits.wait(options.signal);
        continue;
      }
      const batch = this.#db.read(next, maxBatch, BATCH_BYTES);
      const newest = batch.at(-1);
      if (!newest) {
        throw new LogError(
          'corrupt',
          `entry ${next} is missing in ${this.#dir}: restore the folder from a copy`,
        );
      }
      next = newest.sequence + 1;
      yield batch;
      // Reading is synchronous: without a turn of the event loop a long catch-up would starve everything else.
      if (next <= this.#state.last) await turn();
    }
  }

  async get(sequence: number): Promise<Stored | null> {
    this.#ensureOpen();
    checkSequence(sequence);
    return this.#db.get(sequence);
  }

  async lastOn(subject: string): Promise<Stored | null> {
    this.#ensureOpen();
    checkSubject(subject);
    const newest = this.#db.lastOn(subject);
    if (!newest) return null;
    return { sequence: newest.sequence, timeUs: newest.timeUs, subject: newest.subject, data: newest.data };
  }

  async *watchLast(subject: string, signal: AbortSignal): AsyncGenerator<Stored, void, void> {
    let seen = 0;
    while (!signal.aborted) {
      const newest = await this.lastOn(subject);
      if (signal.aborted) return;
      if (newest && newest.sequence > seen) {
        seen = newest.sequence;
        yield newest;
      } else await this.#commits.wait(signal);
    }
  }

  async info(): Promise<LogInfo> {
    this.#ensureOpen();
    const { first, last, bytes } = this.#state;
    return { identity: this.#db.identity, first, last, bytes };
  }

  async purge(sequence: number): Promise<void> {
    this.#ensureOpen();
    checkSequence(sequence);
    const end = Math.min(sequence, this.#state.last + 1);
    while (this.#state.first < end) {
      this.#ensureOpen();
      const first = Math.min(end, this.#state.first + PURGE_STEP);
      const next = { ...this.#state, first };
      this.#db.transaction(() => {
        next.bytes -= this.#db.deleteBelow(first);
        this.#db.saveState(next);
      });
      this.#state = next;
      if (first < end) await turn();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#queue.length > 0) this.#flush();
    this.#db.close();
    this.#commits.ring();
  }

  #blobsIn(folder: 'blobs' | 'evidence', mostBytes: number): Blobs {
    const ensureOpen = () => this.#ensureOpen();
    const room = new Room(`${folder} in ${this.#dir}`, mostBytes);
    return this.#dir === ':memory:'
      ? memoryBlobs(room, ensureOpen)
      : fileBlobs(this.#dir, folder, room, ensureOpen);
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // Whatever else arrives in this turn of the event loop, or while a commit blocks it, shares the next transaction.
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
      this.#schedule();
    });
  }

  /** Commits one group and settles its appends. */
  #flush(): void {
    const group = this.#takeGroup();
    const before = { ...this.#state };
    const nowUs = this.#nowUs();
    const added: string[] = [];
    const outcomes: (Receipt | LogError)[] = [];
    this.#dedupe.expire(nowUs);
    try {
      this.#db.transaction(() => {
        for (const { message } of group) outcomes.push(this.#store(message, nowUs, added));
        if (added.length > 0) this.#db.saveState(this.#state);
      });
    } catch (error) {
      this.#state = before;
      for (const id of added) this.#dedupe.remove(id);
      for (const { reject } of group) reject(error as LogError);
      return;
    }
    for (const [index, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome instanceof LogError) reject(outcome);
      else if (outcome) resolve(outcome);
    }
    if (added.length > 0) this.#commits.ring();
  }

  #takeGroup(): readonly Pending[] {
    let count = 0;
    for (
      let bytes = 0;
      count < this.#queue.length && count < GROUP_MESSAGES && bytes < GROUP_BYTES;
      count++
    ) {
      bytes += this.#queue[count]!.message.data.length;
    }
    return this.#queue.splice(0, count);
  }

  /** Stores one message inside the transaction under way, or says why not. */
  #store(message: Outgoing, nowUs: number, added: string[]): Receipt | LogError {
    const { subject, id, data, expectLastOnSubject } = message;
    if (expectLastOnSubject !== undefined) {
      const newest = this.#db.lastOn(subject);
      const last = newest?.sequence ?? 0;
      if (last !== expectLastOnSubject) {
        // The retry of a claim whose acknowledgement was lost meets its own first copy.
        if (newest?.id === id) return { sequence: last, duplicate: true };
        return new LogError(
          'conflict',
          `the newest entry on ${subject} is ${last}, not ${expectLastOnSubject}: read on, then decide again`,
        );
      }
    }
    const firstCopy = this.#dedupe.find(id, nowUs);
    if (firstCopy !== undefined) return { sequence: firstCopy, duplicate: true };
    const bytes = this.#state.bytes + rowBytes(subject, id, data);
    if (bytes > this.#maxBytes) {
      return new LogError(
        'full',
        `the log in ${this.#dir} holds ${this.#state.bytes} of at most ${this.#maxBytes} bytes: purge it or raise its limit`,
      );
    }
    const sequence = this.#state.last + 1;
    this.#db.insert(sequence, nowUs, subject, id, data);
    this.#state = { first: this.#state.first, last: sequence, lastTimeUs: nowUs, bytes };
    this.#dedupe.add(id, sequence, nowUs);
    added.push(id);
    return { sequence, duplicate: false };
  }

  /** Log time: the clock's, but never before that of the newest entry. */
  #nowUs(): number {
    return Math.max(this.#state.lastTimeUs, Math.floor(this.#clock.nowUs()));
  }

  /** Fills the dedupe window with the ids of the entries stored after `sinceUs`. */
  #remember(sinceUs: number): void {
    const young: { id: string; sequence: number; timeUs: number }[] = [];
    for (const entry of this.#db.youngest()) {
      if (entry.timeUs <= sinceUs) break;
      young.push(entry);
    }
    for (const { id, sequence, timeUs } of young.reverse()) this.#dedupe.add(id, sequence, timeUs);
  }

  #ensureOpen(): void {
    if (this.#closed) throw new LogError('closed', `the log in ${this.#dir} is closed: open it again`);
  }
}
