/**
 * What stands in the spool's file: messages, the next number, and the losses that the next message must carry. It must
 * not know the spool's bounds, nor that acknowledged messages may stay for a while.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Loss } from '@netfall/proto';
import { closeQuietly, openDatabase } from './database.ts';
import { asSpoolError } from './errors.ts';

interface Statements {
  readonly nextSeq: StatementSync;
  readonly insert: StatementSync;
  readonly advance: StatementSync;
  readonly remove: StatementSync;
  readonly next: StatementSync;
  readonly oldest: StatementSync;
  readonly bytesOf: StatementSync;
  readonly carry: StatementSync;
  readonly carried: StatementSync;
  readonly dropCarried: StatementSync;
  readonly size: StatementSync;
}

/** All of it throws SpoolError. */
export class SpoolFile {
  readonly incarnation: string;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  /** Opens the file, or makes it with the incarnation that `mint` returns. */
  constructor(path: string, mint: () => string) {
    this.#path = path;
    this.#database = openDatabase(path, mint);
    try {
      this.#statements = this.#guard(() => prepare(this.#database));
      this.incarnation = this.#guard(() => {
        return String(this.#database.prepare('SELECT incarnation FROM state').get()?.['incarnation']);
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Messages and their bytes. */
  size(): { readonly messages: number; readonly bytes: number } {
    const row = this.#guard(() => this.#statements.size.get());
    return { messages: Number(row?.['messages']), bytes: Number(row?.['bytes']) };
  }

  /** The oldest message numbered above `seq`. */
  next(seq: number): { readonly seq: number; readonly data: Uint8Array } | undefined {
    const row = this.#guard(() => this.#statements.next.get(seq));
    return row && { seq: Number(row['seq']), data: row['data'] as Uint8Array };
  }

  /** A message's size; undefined when it is not there. */
  bytesOf(seq: number): number | undefined {
    const bytes = this.#guard(() => this.#statements.bytesOf.get(seq))?.['bytes'];
    return bytes === undefined ? undefined : Number(bytes);
  }

  /** Commits what `body` changed by the methods of {@link Changes}, durably; takes everything back when it throws. */
  transaction<T>(body: (changes: Changes) => T): T {
    return this.#guard(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = body(new Changes(this.#statements));
        this.#database.exec('COMMIT');
        return result;
      } finally {
        if (this.#database.isTransaction) rollBack(this.#database);
      }
    });
  }

  /** Moves the write-ahead log into the database, so that it begins anew. */
  checkpoint(): void {
    this.#guard(() => this.#database.exec('PRAGMA wal_checkpoint(RESTART)'));
  }

  close(): void {
    closeQuietly(this.#database);
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw asSpoolError(error, this.#path);
    }
  }
}

/** What a transaction can do. */
export class Changes {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The number of the next message. */
  nextSeq(): number {
    return Number(this.#statements.nextSeq.get()?.['next_seq']);
  }

  oldestSeq(): number | undefined {
    const row = this.#statements.oldest.get();
    return row && Number(row['seq']);
  }

  /** What the next message must carry. */
  carried(): Loss[] {
    return this.#statements.carried.all().map((row) => {
      return { source: String(row['source']), hop: String(row['hop']), count: Number(row['count']) };
    });
  }

  carry(source: string, hop: string, count: number): void {
    this.#statements.carry.run(source, hop, count);
  }

  /** Adds the next message, which carries what there was to be carried. @param losses all that it carries. */
  add(seq: number, data: Uint8Array, losses: readonly Loss[]): void {
    this.#statements.insert.run(seq, data, JSON.stringify(losses));
    this.#statements.dropCarried.run();
    this.#statements.advance.run();
  }

  remove(seq: number): void {
    this.#statements.remove.run(seq);
  }

  /** Removes the oldest message, and has the next one carry that and what it had to say of losses. Returns its bytes. */
  evictOldest(): number {
    const oldest = this.#statements.oldest.get();
    this.remove(Number(oldest?.['seq']));
    this.carry('spool', 'evicted', 1);
    for (const { source, hop, count } of JSON.parse(String(oldest?.['losses'])) as Loss[]) {
      this.carry(source, hop, count);
    }
    return Number(oldest?.['bytes']);
  }
}

function prepare(database: DatabaseSync): Statements {
  return {
    nextSeq: database.prepare('SELECT next_seq FROM state'),
    insert: database.prepare('INSERT INTO message VALUES (?, ?, ?)'),
    advance: database.prepare('UPDATE state SET next_seq = next_seq + 1'),
    remove: database.prepare('DELETE FROM message WHERE seq = ?'),
    next: database.prepare('SELECT seq, data FROM message WHERE seq > ? ORDER BY seq LIMIT 1'),
    oldest: database.prepare('SELECT seq, length(data) AS bytes, losses FROM message ORDER BY seq LIMIT 1'),
    bytesOf: database.prepare('SELECT length(data) AS bytes FROM message WHERE seq = ?'),
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
