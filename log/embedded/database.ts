/**
 * The SQLite file of the embedded log: its schema, its settings and its prepared statements. It holds rows and one line
 * of state; it must not know of dedupe windows, readers or who waits for what.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { LogError, type Stored } from '../log.ts';
import { asLogError } from './errors.ts';

/** `PRAGMA user_version` of the schema below. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,
    time_us  INTEGER NOT NULL,
    subject  TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    data     BLOB    NOT NULL
  ) STRICT;
  CREATE INDEX entries_by_subject ON entries (subject, sequence);
  CREATE TABLE state (
    identity     TEXT    NOT NULL,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    last_time_us INTEGER NOT NULL,
    bytes        INTEGER NOT NULL
  ) STRICT;
`;

// What a row costs beside its texts and its data: keys, record headers and its share of the pages.
const ROW_OVERHEAD = 48;
// The subject stands in the row and in the index.
const ROW_BYTES = `length(data) + 2 * length(subject) + length(id) + ${ROW_OVERHEAD}`;

/** The one row of the table `state`. */
export interface State {
  first: number;
  last: number;
  lastTimeUs: number;
  bytes: number;
}

/** What an entry counts towards the log's size, bytes. */
export function rowBytes(subject: string, id: string, data: Uint8Array): number {
  return data.length + 2 * subject.length + id.length + ROW_OVERHEAD;
}

export class Database {
  readonly identity: string;
  readonly #dir: string;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #saveState: StatementSync;
  readonly #loadState: StatementSync;
  readonly #from: StatementSync;
  readonly #one: StatementSync;
  readonly #lastOn: StatementSync;
  readonly #youngest: StatementSync;
  readonly #bytesBelow: StatementSync;
  readonly #deleteBelow: StatementSync;

  /**
   * Opens or makes `dir/log.db` (`:memory:`: no file) and holds SQLite's own exclusive lock on it until closed or until
   * the process ends, however it ends. Throws LogError `locked`, `full`, `corrupt` or `unavailable`.
   */
  constructor(dir: string) {
    this.#dir = dir;
    try {
      if (dir !== ':memory:') mkdirSync(dir, { recursive: true });
      this.#db = new DatabaseSync(dir === ':memory:' ? dir : join(dir, 'log.db'), { timeout: 0 });
    } catch (error) {
      throw asLogError(error, dir);
    }
    const db = this.#db;
    try {
      // Exclusive before the first access: then no other process can so much as read, and no shared memory is needed.
      db.exec('PRAGMA locking_mode = EXCLUSIVE');
      db.exec('PRAGMA journal_mode = WAL');
      db.exec('PRAGMA synchronous = FULL');
      db.exec('PRAGMA journal_size_limit = 16777216');
      this.transaction(() => this.#migrate());
      this.#insert = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?)');
      this.#saveState = db.prepare('UPDATE state SET first = ?, last = ?, last_time_us = ?, bytes = ?');
      this.#loadState = db.prepare('SELECT first, last, last_time_us AS lastTimeUs, bytes FROM state');
      const columns = 'sequence, time_us AS timeUs, subject, data';
      this.#from = db.prepare(`SELECT ${columns} FROM entries WHERE sequence >= ? ORDER BY sequence LIMIT ?`);
      this.#one = db.prepare(`SELECT ${columns} FROM entries WHERE sequence = ?`);
      this.#lastOn = db.prepare(
        `SELECT ${columns}, id FROM entries WHERE subject = ? ORDER BY sequence DESC LIMIT 1`,
      );
      this.#youngest = db.prepare(
        'SELECT id, sequence, time_us AS timeUs FROM entries ORDER BY sequence DESC',
      );
      this.#bytesBelow = db.prepare(
        `SELECT ifnull(sum(${ROW_BYTES}), 0) AS bytes FROM entries WHERE sequence < ?`,
      );
      this.#deleteBelow = db.prepare('DELETE FROM entries WHERE sequence < ?');
      this.identity = String(db.prepare('SELECT identity FROM state').get()?.['identity']);
    } catch (error) {
      db.close();
      throw asLogError(error, dir);
    }
  }

  #migrate(): void {
    const version = this.#db.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version === SCHEMA_VERSION) return;
    if (version !== 0) {
      throw new LogError(
        'conflict',
        `${this.#dir} holds a log of format ${version}, this release knows ${SCHEMA_VERSION}: run the release that made it`,
      );
    }
    this.#db.exec(SCHEMA);
    this.#db.prepare('INSERT INTO state VALUES (?, 1, 0, 0, 0)').run(randomUUID());
    this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  }

  /** Runs `work` in one transaction: all of it is durable when this returns, none of it when it throws (LogError). */
  transaction(work: () => void): void {
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      // SQLite rolls back by itself after some errors, for instance when the disk is full.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw asLogError(error, this.#dir);
    }
  }

  loadState(): State {
    return { ...(this.#loadState.get() as unknown as State) };
  }

  saveState(state: State): void {
    this.#saveState.run(state.first, state.last, state.lastTimeUs, state.bytes);
  }

  insert(sequence: number, timeUs: number, subject: string, id: string, data: Uint8Array): void {
    this.#insert.run(sequence, timeUs, subject, id, data);
  }

  /** Entries from `from` on, at most `maxEntries`, and no more after `maxBytes` of data are reached. */
  read(from: number, maxEntries: number, maxBytes: number): readonly Stored[] {
    const batch: Stored[] = [];
    let bytes = 0;
    for (const row of this.#from.iterate(from, maxEntries)) {
      const stored = row as unknown as Stored;
      batch.push(stored);
      bytes += stored.data.length;
      if (bytes >= maxBytes) break;
    }
    return batch;
  }

  get(sequence: number): Stored | null {
    return (this.#one.get(sequence) as unknown as Stored | undefined) ?? null;
  }

  /** The newest entry on a subject, with the id it was stored under. */
  lastOn(subject: string): (Stored & { readonly id: string }) | null {
    return (this.#lastOn.get(subject) as unknown as (Stored & { id: string }) | undefined) ?? null;
  }

  /** Ids with their sequence and time, the youngest first. */
  youngest(): Iterable<{ readonly id: string; readonly sequence: number; readonly timeUs: number }> {
    return this.#youngest.iterate() as unknown as Iterable<{ id: string; sequence: number; timeUs: number }>;
  }

  /** Deletes every entry below `sequence`; returns the bytes they counted for. */
  deleteBelow(sequence: number): number {
    const bytes = Number(this.#bytesBelow.get(sequence)?.['bytes']);
    this.#deleteBelow.run(sequence);
    return bytes;
  }

  close(): void {
    this.#db.close();
  }
}
