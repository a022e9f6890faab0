/**
 * The spool's file: a SQLite database that exactly one process holds, made new when it is missing or damaged.
 * It must not know what messages mean or when they are evicted.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asSpoolError, SpoolError } from './errors.ts';

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE state (incarnation TEXT NOT NULL, next_seq INTEGER NOT NULL);
  -- losses: the message's own part of the loss ledger, JSON, so that eviction does not lose it.
  CREATE TABLE message (seq INTEGER PRIMARY KEY, data BLOB NOT NULL, losses TEXT NOT NULL);
  -- What evicted messages said was lost, and that they were: the next message carries it.
  CREATE TABLE carried (source TEXT NOT NULL, hop TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (source, hop))
    WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens the database and takes its lock, which lasts until it is closed or the process ends. A new one gets the
 * incarnation that `mint` returns. Throws SpoolError; `corrupt` also for a schema this version does not know.
 */
export function openDatabase(path: string, mint: () => string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path, { timeout: 0 });
    // Exclusive locking keeps a second agent out, and needs no shared memory. FULL syncs every commit, so that a number
    // that was given is not forgotten when the power fails.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec('PRAGMA wal_autocheckpoint = 256');
    database.exec('BEGIN EXCLUSIVE');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version === 0) {
      database.exec(SCHEMA);
      database.prepare('INSERT INTO state VALUES (?, 1)').run(mint());
    } else if (version !== SCHEMA_VERSION) {
      throw new SpoolError('corrupt', `${path} has the unknown schema version ${version}`);
    }
    database.exec('COMMIT');
    const health = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (health !== 'ok') throw new SpoolError('corrupt', `${path} is damaged (${health})`);
    if (!database.prepare('SELECT 1 FROM state').get()) {
      throw new SpoolError('corrupt', `${path} is damaged (no incarnation)`);
    }
    return database;
  } catch (error) {
    closeQuietly(database);
    if (error instanceof Error && 'code' in error && 'syscall' in error) {
      throw new SpoolError(
        'unwritable',
        `${path} cannot be made (${error.code}): check the folder's permissions, or set "data" to another one`,
        { cause: error },
      );
    }
    throw asSpoolError(error, path);
  }
}

/** Moves a damaged database out of the way, over the one that was set aside before. Returns where it is now. */
export function setAside(path: string): string {
  const aside = `${path}.damaged`;
  for (const suffix of ['', '-wal']) {
    rmSync(aside + suffix, { force: true });
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  return aside;
}

/** More than the write-ahead log takes, so that its content fits into the database once this is given up. */
const RESERVE_BYTES = 2 * 1024 * 1024;

/**
 * Keeps some of the disk for the time when it is full: even removing a message takes room in the write-ahead log, and
 * emptying that takes room in the database. Does nothing when it exists, or when there is no room for it.
 */
export function makeReserve(path: string): void {
  const reserve = `${path}.reserve`;
  if (path === ':memory:' || existsSync(reserve)) return;
  try {
    writeFileSync(reserve, new Uint8Array(RESERVE_BYTES));
  } catch {
    rmSync(reserve, { force: true });
  }
}

/** Gives the reserve to the database. */
export function spendReserve(path: string): void {
  rmSync(`${path}.reserve`, { force: true });
}

export function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    database?.close();
  } catch {
    // Nothing is left to be done with it.
  }
}
