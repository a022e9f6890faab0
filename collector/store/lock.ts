/**
 * One collector a data folder, and the replica's name, which is minted with the folder. The lock ends with the process.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asDataError } from './errors.ts';

const SQLITE_BUSY = 5;

export interface ReplicaLock {
  readonly replica: string;
  release(): void;
}

/** Locks a data folder. Throws an Error that names it when another collector has it, DataError when it cannot be used. */
export function lockReplica(dir: string): ReplicaLock {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dir, { recursive: true });
    database = new DatabaseSync(join(dir, 'replica.lock'));
    return lock(database);
  } catch (error) {
    database?.close();
    const isTaken = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
    if (!isTaken) throw asDataError(error, dir);
    throw new Error(
      `${dir} is in use by another collector: stop it, or give this one a data folder of its own`,
      { cause: error },
    );
  }
}

function lock(database: DatabaseSync): ReplicaLock {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  database.exec('CREATE TABLE IF NOT EXISTS replica (name TEXT NOT NULL)');
  const known = database.prepare('SELECT name FROM replica').get();
  const replica = known ? String(known['name']) : `r-${randomBytes(6).toString('hex')}`;
  if (!known) database.prepare('INSERT INTO replica VALUES (?)').run(replica);
  // Exclusive mode keeps the lock after the commit, until the connection closes.
  database.exec('COMMIT');
  const release = () => {
    if (database.isOpen) database.close();
  };
  return { replica, release };
}
