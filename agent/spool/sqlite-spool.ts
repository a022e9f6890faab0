/**
 * The spool on disk: what stands in its file, how much of it, and what happens when the file is damaged or its disk is
 * full. It must not know what a message says, nor how it is sent.
 */
import { join } from 'node:path';
import type { Clock } from '@netfall/log';
import { MAX_ENTRY_BYTES } from '@netfall/proto';
import type { Logger } from 'pino';
import { makeReserve, setAside, spendReserve } from './database.ts';
import { SpoolError } from './errors.ts';
import { type Changes, SpoolFile } from './file.ts';
import type { Draft, SealedMessage, Spool, SpooledMessage } from './spool.ts';

export interface SpoolOptions {
  /** The folder, made when missing; or ":memory:" for a spool that lasts as long as the object. */
  readonly data: string;
  /** Unacknowledged messages kept, at least 1. */
  readonly maxMessages: number;
  /** Their bytes. A spool that could not hold two of the largest messages holds one. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Uniform in [0, 1): tells apart incarnations minted in the same microsecond. */
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * Opens the spool. Throws SpoolError `locked` when another agent holds it. A damaged file is set aside and a new
 * incarnation begins; a file that cannot be written is said once and tried again with each append.
 */
export function openSpool(options: SpoolOptions): Spool {
  return new SqliteSpool(options);
}

/** Acknowledgements that may wait for the next append to be written down. */
const MOST_LAZY_ACKS = 256;

class SqliteSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #path: string;
  #file: SpoolFile | undefined;
  #closed = false;
  #messages = 0;
  #bytes = 0;
  #evicted = 0;
  #evicting = false;
  /** What a full disk left of the bound. */
  #diskBytes = Number.POSITIVE_INFINITY;
  /** Found while reading, until the next append. */
  #damage: SpoolError | undefined;
  /** Acknowledged, but still in the file. */
  readonly #acknowledged = new Set<number>();

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#path = options.data === ':memory:' ? ':memory:' : join(options.data, 'spool.db');
    try {
      this.#opened();
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code === 'locked') throw error;
      options.logger.error(`${error.message}; reports are held in memory until it can`);
    }
  }

  get incarnation(): string {
    return this.#file?.incarnation ?? '';
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evicted(): number {
    return this.#evicted;
  }

  get fill(): number {
    return Math.min(1, Math.max(this.#messages / this.#options.maxMessages, this.#bytes / this.#byteBound));
  }

  append(build: (draft: Draft) => SealedMessage): number {
    for (let failures = 0; ; failures++) {
      try {
        if (this.#damage) throw this.#damage;
        if (this.#messages >= this.#options.maxMessages || this.#bytes > this.#byteBound) {
          this.#evict(this.#options.maxMessages - 1, this.#byteBound);
        }
        return this.#append(build);
      } catch (error) {
        if (!(error instanceof SpoolError)) throw error;
        if (error.code === 'corrupt') this.#replace(error);
        else if (error.code !== 'full' || !this.#makeRoom(failures)) throw error;
      }
    }
  }

  next(seq: number): SpooledMessage | undefined {
    const file = this.#file;
    if (!file) return undefined;
    for (let after = seq; ; ) {
      const message = this.#readable(() => file.next(after));
      if (!message) return undefined;
      after = message.seq;
      if (!this.#acknowledged.has(after)) return { incarnation: file.incarnation, ...message };
    }
  }

  has(incarnation: string, seq: number): boolean {
    return this.#bytesOf(incarnation, seq) !== undefined;
  }

  acknowledge(incarnation: string, seq: number): void {
    const bytes = this.#bytesOf(incarnation, seq);
    if (bytes === undefined) return;
    this.#acknowledged.add(seq);
    this.#messages--;
    this.#bytes -= bytes;
    if (this.#messages === 0) {
      this.#evicting = false;
      this.#diskBytes = Number.POSITIVE_INFINITY;
      makeReserve(this.#path);
    }
    if (this.#acknowledged.size >= MOST_LAZY_ACKS) this.#writeAcknowledged();
  }

  close(): void {
    if (this.#closed) return;
    this.#writeAcknowledged();
    this.#closed = true;
    this.#file?.close();
    this.#file = undefined;
  }

  get #byteBound(): number {
    return Math.max(1, Math.min(this.#options.maxBytes - MAX_ENTRY_BYTES, this.#diskBytes));
  }

  /** The size of a message that waits to be acknowledged. */
  #bytesOf(incarnation: string, seq: number): number | undefined {
    const file = this.#file;
    if (!file || file.incarnation !== incarnation || this.#acknowledged.has(seq)) return undefined;
    return this.#readable(() => file.bytesOf(seq));
  }

  #append(build: (draft: Draft) => SealedMessage): number {
    const file = this.#opened();
    const { seq, bytes } = this.#change(file, (changes) => {
      const seq = changes.nextSeq();
      const { data, losses } = build({
        incarnation: file.incarnation,
        seq,
        oldestSeq: changes.oldestSeq() ?? seq,
        messages: this.#messages,
        bytes: this.#bytes,
        carried: changes.carried(),
      });
      changes.add(seq, data, losses);
      return { seq, bytes: data.length };
    });
    this.#messages++;
    this.#bytes += bytes;
    return seq;
  }

  /** Removes the oldest messages until so many and so many bytes are left, and keeps what they had to say of losses. */
  #evict(mostMessages: number, mostBytes: number): void {
    const { messages, bytes } = this.#change(this.#opened(), (changes) => {
      let messages = this.#messages;
      let bytes = this.#bytes;
      for (; messages > 0 && (messages > mostMessages || bytes > mostBytes); messages--) {
        bytes -= changes.evictOldest();
      }
      return { messages, bytes };
    });
    const before = this.#messages;
    this.#messages = messages;
    this.#bytes = bytes;
    this.#evicted += before - messages;
    if (before > messages && !this.#evicting) {
      this.#evicting = true;
      this.#options.logger.warn(
        `the spool is full at ${before} messages: the oldest are evicted and counted`,
      );
    }
  }

  /**
   * A full disk is a smaller bound until the spool is empty again: of what the database holds by now, half. Moving the
   * write-ahead log into the database makes room in it, for which there is a reserve. Returns whether it is worth
   * another try.
   */
  #makeRoom(failures: number): boolean {
    const file = this.#file;
    if (!file || (failures > 0 && this.#messages === 0)) return false;
    spendReserve(this.#path);
    try {
      file.checkpoint();
      if (this.#messages > 0) {
        this.#diskBytes = Math.floor(this.#bytes / 2);
        this.#evict(Number.POSITIVE_INFINITY, this.#diskBytes);
        file.checkpoint();
      }
      return true;
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      return false;
    }
  }

  #writeAcknowledged(): void {
    if (!this.#file || this.#acknowledged.size === 0) return;
    try {
      this.#change(this.#file, () => {});
    } catch (error) {
      // They stay in the file for now, and are sent once more after a restart: the log's readers know repetitions.
      if (!(error instanceof SpoolError)) throw error;
    }
  }

  /** Runs a transaction, which also removes what is acknowledged. */
  #change<T>(file: SpoolFile, body: (changes: Changes) => T): T {
    const result = file.transaction((changes) => {
      for (const seq of this.#acknowledged) changes.remove(seq);
      return body(changes);
    });
    this.#acknowledged.clear();
    return result;
  }

  /** What a damaged file does not give is not there; the next append deals with the damage. */
  #readable<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      if (error.code === 'corrupt') this.#damage ??= error;
      return undefined;
    }
  }

  #opened(): SpoolFile {
    if (this.#file) return this.#file;
    if (this.#closed) throw new SpoolError('closed', `${this.#path} is closed`);
    const mint = () => mintIncarnation(this.#options.clock.nowUs(), this.#options.random);
    let file: SpoolFile;
    try {
      file = new SpoolFile(this.#path, mint);
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code !== 'corrupt') throw error;
      this.#sayAside(error);
      file = new SpoolFile(this.#path, mint);
    }
    makeReserve(this.#path);
    this.#file = file;
    const { messages, bytes } = file.size();
    this.#messages = messages;
    this.#bytes = bytes;
    return file;
  }

  /** Goes on with a new file after the present one turned out damaged. */
  #replace(error: SpoolError): void {
    const lost = this.#messages;
    this.#file?.close();
    this.#file = undefined;
    this.#damage = undefined;
    this.#acknowledged.clear();
    this.#sayAside(error);
    const file = this.#opened();
    if (lost > 0) file.transaction((changes) => changes.carry('spool', 'damaged', lost));
  }

  #sayAside(error: SpoolError): void {
    const aside = setAside(this.#path);
    this.#options.logger.error(`${error.message}: set aside as ${aside}; a new incarnation begins`);
  }
}

/** An incarnation's name: the time at which it was minted, µs since the epoch, and 32 random bits. Made up to the year 2112. */
function mintIncarnation(timeUs: number, random: () => number): string {
  const digits = (value: number, width: number) => value.toString(16).padStart(width, '0');
  return digits(timeUs, 13) + digits(Math.floor(random() * 2 ** 32), 8);
}
