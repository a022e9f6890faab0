/**
 * The spool: gives every message of this host its number, and keeps it on disk until the log has it. Bounded in
 * messages and bytes; what does not fit pushes out the oldest, is counted, and the count is carried by the next message.
 * It must not know what a message says, nor how it is sent.
 */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '@netfall/log';
import { type Loss, MAX_ENTRY_BYTES } from '@netfall/proto';
import type { Logger } from 'pino';
import { closeQuietly, makeReserve, openDatabase, setAside, spendReserve } from './database.ts';
import { asSpoolError, SpoolError } from './errors.ts';

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

/**
 * Opens the spool. Throws SpoolError `locked` when another agent holds it. A damaged file is set aside and a new
 * incarnation begins; a file that cannot be written is said once and tried again with each append.
 */
export function openSpool(options: SpoolOptions): Spool {
  return new SqliteSpool(options);
}

/** Acknowledgements that may wait for the next append to be written down. */
const MOST_LAZY_ACKS = 256;

interface Statements {
  readonly insert: StatementSync;
  readonly advance: StatementSync;
  readonly remove: StatementSync;
  readonly next: StatementSync;
  readonly oldest: StatementSync;
  readonly has: StatementSync;
  readonly carry: StatementSync;
  readonly carried: StatementSync;
  readonly dropCarried: StatementSync;
  readonly state: StatementSync;
  readonly size: StatementSync;
}

interface Open extends Statements {
  readonly database: DatabaseSync;
  readonly incarnation: string;
}

class SqliteSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #path: string;
  #open: Open | undefined;
  #closed = false;
  #messages = 0;
  #bytes = 0;
  #evicted = 0;
  #evicting = false;
  /** What a full disk left of the bound. */
  #diskBytes = Number.POSITIVE_INFINITY;
  /** Found while reading, until the next append. */
  #damage: SpoolError | undefined;
  /** Acknowledged, but still in the file; with their bytes. */
  readonly #acknowledged = new Map<number, number>();

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
    return this.#open?.incarnation ?? '';
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
        return this.#transaction((open) => this.#append(open, build));
      } catch (error) {
        if (!(error instanceof SpoolError)) throw error;
        if (error.code === 'corrupt') this.#replace(error);
        else if (error.code !== 'full' || !this.#makeRoom(failures)) throw error;
      }
    }
  }

  next(seq: number): SpooledMessage | undefined {
    const open = this.#open;
    if (!open) return undefined;
    for (let after = seq; ; ) {
      const row = this.#readable(() => open.next.get(after));
      if (!row) return undefined;
      after = Number(row['seq']);
      if (!this.#acknowledged.has(after)) {
        return { incarnation: open.incarnation, seq: after, data: row['data'] as Uint8Array };
      }
    }
  }

  has(incarnation: string, seq: number): boolean {
    const open = this.#open;
    if (!open || open.incarnation !== incarnation || this.#acknowledged.has(seq)) return false;
    return this.#readable(() => open.has.get(seq)) !== undefined;
  }

  acknowledge(incarnation: string, seq: number): void {
    const open = this.#open;
    if (!open || open.incarnation !== incarnation || this.#acknowledged.has(seq)) return;
    const bytes = this.#readable(() => open.has.get(seq))?.['bytes'];
    if (bytes === undefined) return;
    this.#acknowledged.set(seq, Number(bytes));
    this.#messages--;
    this.#bytes -= Number(bytes);
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
    closeQuietly(this.#open?.database);
    this.#open = undefined;
  }

  get #byteBound(): number {
    return Math.max(1, Math.min(this.#options.maxBytes - MAX_ENTRY_BYTES, this.#diskBytes));
  }

  #append(open: Open, build: (draft: Draft) => SealedMessage): number {
    for (const seq of this.#acknowledged.keys()) open.remove.run(seq);
    const seq = Number(open.state.get()?.['next_seq']);
    const oldest = open.oldest.get();
    const sealed = build({
      incarnation: open.incarnation,
      seq,
      oldestSeq: oldest ? Number(oldest['seq']) : seq,
      messages: this.#messages,
      bytes: this.#bytes,
      carried: open.carried.all().map((row) => {
        return { source: String(row['source']), hop: String(row['hop']), count: Number(row['count']) };
      }),
    });
    open.insert.run(seq, sealed.data, JSON.stringify(sealed.losses));
    open.dropCarried.run();
    open.advance.run();
    open.database.exec('COMMIT');
    this.#acknowledged.clear();
    this.#messages++;
    this.#bytes += sealed.data.length;
    return seq;
  }

  /** Removes the oldest messages until so many and so many bytes are left, and keeps what they had to say of losses. */
  #evict(mostMessages: number, mostBytes: number): void {
    const evicted = this.#transaction((open) => {
      for (const seq of this.#acknowledged.keys()) open.remove.run(seq);
      let messages = this.#messages;
      let bytes = this.#bytes;
      while (messages > 0 && (messages > mostMessages || bytes > mostBytes)) {
        const oldest = open.oldest.get();
        open.remove.run(Number(oldest?.['seq']));
        open.carry.run('spool', 'evicted', 1);
        for (const { source, hop, count } of JSON.parse(String(oldest?.['losses'])) as Loss[]) {
          open.carry.run(source, hop, count);
        }
        messages--;
        bytes -= Number(oldest?.['bytes']);
      }
      open.database.exec('COMMIT');
      this.#acknowledged.clear();
      const before = this.#messages;
      this.#messages = messages;
      this.#bytes = bytes;
      return before - messages;
    });
    this.#evicted += evicted;
    if (evicted > 0 && !this.#evicting) {
      this.#evicting = true;
      this.#options.logger.warn(
        `the spool is full at ${this.#messages + evicted} messages: the oldest are evicted and counted`,
      );
    }
  }

  /**
   * A full disk is a smaller bound until the spool is empty again: of what the database holds by now, half. Moving the
   * write-ahead log into the database makes room in it, for which there is a reserve. Returns whether it is worth
   * another try.
   */
  #makeRoom(failures: number): boolean {
    if (!this.#open || (failures > 0 && this.#messages === 0)) return false;
    const { database } = this.#open;
    spendReserve(this.#path);
    try {
      this.#guard(() => database.exec('PRAGMA wal_checkpoint(RESTART)'));
      if (this.#messages > 0) {
        this.#diskBytes = Math.floor(this.#bytes / 2);
        this.#evict(Number.POSITIVE_INFINITY, this.#diskBytes);
        this.#guard(() => database.exec('PRAGMA wal_checkpoint(RESTART)'));
      }
      return true;
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      return false;
    }
  }

  #writeAcknowledged(): void {
    if (!this.#open || this.#acknowledged.size === 0) return;
    try {
      this.#transaction((open) => {
        for (const seq of this.#acknowledged.keys()) open.remove.run(seq);
        open.database.exec('COMMIT');
        this.#acknowledged.clear();
      });
    } catch (error) {
      // They stay in the file for now, and are sent once more after a restart: the log's readers know repetitions.
      if (!(error instanceof SpoolError)) throw error;
    }
  }

  /** Runs what commits at its end; takes everything back when it throws. */
  #transaction<T>(body: (open: Open) => T): T {
    const open = this.#opened();
    return this.#guard(() => {
      open.database.exec('BEGIN IMMEDIATE');
      try {
        return body(open);
      } finally {
        if (open.database.isTransaction) rollBack(open.database);
      }
    });
  }

  /** What a damaged file does not give is not there; the next append deals with the damage. */
  #readable<T>(read: () => T): T | undefined {
    try {
      return this.#guard(read);
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      if (error.code === 'corrupt') this.#damage ??= error;
      return undefined;
    }
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw asSpoolError(error, this.#path);
    }
  }

  #opened(): Open {
    if (this.#open) return this.#open;
    if (this.#closed) throw new SpoolError('closed', `${this.#path} is closed`);
    const mint = () => mintIncarnation(this.#options.clock.nowUs(), this.#options.random);
    let database: DatabaseSync;
    try {
      database = openDatabase(this.#path, mint);
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code !== 'corrupt') throw error;
      this.#sayAside(error);
      database = openDatabase(this.#path, mint);
    }
    makeReserve(this.#path);
    this.#open = this.#guard(() => prepare(database));
    const size = this.#guard(() => this.#open?.size.get());
    this.#messages = Number(size?.['messages']);
    this.#bytes = Number(size?.['bytes']);
    return this.#open;
  }

  /** Goes on with a new file after the present one turned out damaged. */
  #replace(error: SpoolError): void {
    const lost = this.#messages;
    closeQuietly(this.#open?.database);
    this.#open = undefined;
    this.#damage = undefined;
    this.#acknowledged.clear();
    this.#sayAside(error);
    const open = this.#opened();
    if (lost > 0) this.#guard(() => open.carry.run('spool', 'damaged', lost));
  }

  #sayAside(error: SpoolError): void {
    const aside = setAside(this.#path);
    this.#options.logger.error(`${error.message}: set aside as ${aside}; a new incarnation begins`);
  }
}

function prepare(database: DatabaseSync): Open {
  const state = database.prepare('SELECT incarnation, next_seq FROM state');
  return {
    database,
    incarnation: String(state.get()?.['incarnation']),
    state,
    insert: database.prepare('INSERT INTO message VALUES (?, ?, ?)'),
    advance: database.prepare('UPDATE state SET next_seq = next_seq + 1'),
    remove: database.prepare('DELETE FROM message WHERE seq = ?'),
    next: database.prepare('SELECT seq, data FROM message WHERE seq > ? ORDER BY seq LIMIT 1'),
    oldest: database.prepare('SELECT seq, length(data) AS bytes, losses FROM message ORDER BY seq LIMIT 1'),
    has: database.prepare('SELECT length(data) AS bytes FROM message WHERE seq = ?'),
    carry: database.prepare(
      'INSERT INTO carried VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
    ),
    carried: database.prepare('SELECT source, hop, count FROM carried'),
    dropCarried: database.prepare('DELETE FROM carried'),
    size: database.prepare(
      'SELECT count(*) AS messages, coalesce(sum(length(data)), 0) AS bytes FROM message',
    ),
  };
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite rolls back by itself on the errors after which it cannot be asked to.
  }
}

/** An incarnation's name: sorts by the time it was minted, microseconds since the epoch, up to the year 2112. */
function mintIncarnation(timeUs: number, random: () => number): string {
  const digits = (value: number, width: number) => value.toString(16).padStart(width, '0');
  return digits(timeUs, 13) + digits(Math.floor(random() * 2 ** 32), 8);
}
