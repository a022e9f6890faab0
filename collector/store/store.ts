/**
 * A replica's database: the fold's rows, written by the fold's thread alone, read by others through connections of
 * their own. Checkpoint and projection are the same rows, so they cannot disagree. WAL with synchronous=NORMAL: a
 * power cut may take the last commits whole, and the log gives them again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ChangeRecord } from '../fold/changes.ts';
import { readingIn, type StoredCrash } from '../fold/crash.ts';
import type { IncidentRecord } from '../fold/incident.ts';
import type { Notification } from '../fold/model.ts';
import { isPending } from '../fold/outbox.ts';
import type { Changes, GlobalRecord, Rows } from '../fold/rows.ts';
import type { SilenceRecord } from '../fold/silence.ts';
import { logsOf, sourcesOf, stackOf, summaryOf } from './crash-summary.ts';
import { asDataError } from './errors.ts';
import { packNames, packState, unpackHost } from './host-row.ts';

/** Where a replica stands in the log. */
export interface Checkpoint {
  /** The log's identity. */
  readonly identity: string;
  /** The last entry that was folded; 0 before the first. */
  readonly sequence: number;
  /** That entry's digest (store/digest.ts); empty at 0. */
  readonly entryDigest: string;
  readonly foldVersion: number;
}

export interface Loaded {
  readonly checkpoint: Checkpoint;
  readonly rows: Rows;
}

const EMPTY =
  'DELETE FROM host_state; DELETE FROM host_facts; DELETE FROM incident; DELETE FROM crash; DELETE FROM notification; ' +
  'DELETE FROM change; DELETE FROM silence';

/** Tables of rows, by the statements that write and remove them. */
type Table = 'hostState' | 'hostFacts' | 'incident' | 'crash' | 'notification' | 'change' | 'silence';

const migrations = join(import.meta.dirname, 'migrations');

/** Applies the numbered migrations that the database has not seen, each in a transaction of its own. */
export function migrate(database: DatabaseSync): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const files = readdirSync(migrations)
    .filter((name) => /^\d{3}\.sql$/.test(name))
    .sort();
  if (version > files.length) {
    throw new Error(
      `the database is of a later release (schema ${version}, this one knows ${files.length}): run that release`,
    );
  }
  for (const [i, name] of files.entries()) {
    if (i < version) continue;
    database.exec(
      `BEGIN; ${readFileSync(join(migrations, name), 'utf8')}; PRAGMA user_version = ${i + 1}; COMMIT`,
    );
  }
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000');
    migrate(database);
    return database;
  } catch (error) {
    database?.close();
    throw asDataError(error, dirname(path));
  }
}

export class Store {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<Record<Table | 'checkpoint', StatementSync>>;
  readonly #removals: Readonly<Record<Table, StatementSync>>;

  /** Opens or creates the database at `path`. Throws DataError. */
  constructor(path: string) {
    this.#path = path;
    this.#database = open(path);
    const prepare = (sql: string) => this.#database.prepare(sql);
    this.#statements = {
      hostState: prepare(
        'INSERT INTO host_state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
      ),
      hostFacts: prepare(
        'INSERT INTO host_facts VALUES (?, ?, ?) ON CONFLICT DO UPDATE ' +
          'SET value = excluded.value, signals = excluded.signals',
      ),
      incident: prepare(
        'INSERT INTO incident VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE ' +
          'SET state = excluded.state, detected_us = excluded.detected_us, value = excluded.value',
      ),
      crash: prepare(
        'INSERT INTO crash VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE ' +
          'SET at_us = excluded.at_us, host_id = excluded.host_id, signature = excluded.signature, ' +
          'type = excluded.type, sources = excluded.sources, logs = excluded.logs, ' +
          'summary = excluded.summary, stack = excluded.stack, value = excluded.value',
      ),
      notification: prepare(
        'INSERT INTO notification VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE ' +
          'SET pending = excluded.pending, created_us = excluded.created_us, value = excluded.value',
      ),
      change: prepare(
        'INSERT INTO change VALUES (?, ?, ?) ON CONFLICT DO UPDATE ' +
          'SET at_us = excluded.at_us, value = excluded.value',
      ),
      silence: prepare(
        'INSERT INTO silence VALUES (?, ?, ?) ON CONFLICT DO UPDATE ' +
          'SET created_us = excluded.created_us, value = excluded.value',
      ),
      checkpoint: prepare('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?, ?)'),
    };
    this.#removals = {
      hostState: prepare('DELETE FROM host_state WHERE id = ?'),
      hostFacts: prepare('DELETE FROM host_facts WHERE id = ?'),
      incident: prepare('DELETE FROM incident WHERE id = ?'),
      crash: prepare('DELETE FROM crash WHERE id = ?'),
      notification: prepare('DELETE FROM notification WHERE id = ?'),
      change: prepare('DELETE FROM change WHERE id = ?'),
      silence: prepare('DELETE FROM silence WHERE id = ?'),
    };
  }

  /** Where what was committed last stands, or null for a new database. */
  checkpoint(): Checkpoint | null {
    const row = this.#database.prepare('SELECT * FROM checkpoint').get();
    return row ? placeOf(row) : null;
  }

  /** What was committed last, or null for a new database. */
  load(): Loaded | null {
    const row = this.#database.prepare('SELECT * FROM checkpoint').get();
    if (!row) return null;
    const values = <T>(table: string): T[] =>
      this.#database
        .prepare(`SELECT value FROM ${table} ORDER BY id`)
        .all()
        .map(({ value }) => JSON.parse(String(value)) as T);
    return {
      checkpoint: placeOf(row),
      rows: {
        global: JSON.parse(String(row['value'])) as GlobalRecord,
        hosts: Array.from(this.#database.prepare('SELECT * FROM host ORDER BY id').iterate(), unpackHost),
        incidents: values<IncidentRecord>('incident'),
        crashes: values<StoredCrash>('crash'),
        notifications: values<Notification>('notification'),
        changes: values<ChangeRecord>('change'),
        silences: values<SilenceRecord>('silence'),
      },
    };
  }

  /** Writes what changed and where the fold stands, in one transaction. Throws an Error that names the database. */
  commit(changes: Changes, checkpoint: Checkpoint): void {
    this.#transaction(() => {
      for (const id of changes.removedHosts) {
        this.#removals.hostState.run(id);
        this.#removals.hostFacts.run(id);
      }
      for (const id of changes.removedIncidents) this.#removals.incident.run(id);
      for (const id of changes.removedCrashes) this.#removals.crash.run(id);
      for (const id of changes.removedNotifications) this.#removals.notification.run(id);
      for (const id of changes.removedChanges) this.#removals.change.run(id);
      for (const id of changes.removedSilences) this.#removals.silence.run(id);
      this.#write(changes, checkpoint, changes.hostFacts);
    });
  }

  /** Replaces everything, in one transaction. */
  replace(rows: Rows, checkpoint: Checkpoint): void {
    this.#transaction(() => {
      this.#database.exec(EMPTY);
      this.#write(rows, checkpoint);
    });
  }

  /** Forgets everything, as a new database. */
  clear(): void {
    this.#transaction(() => this.#database.exec(`${EMPTY}; DELETE FROM checkpoint`));
  }

  close(): void {
    this.#database.close();
  }

  /** `factsOf` names the hosts whose facts, or kinds of signals, are to be written as well; all when it is absent. */
  #write(rows: Rows, place: Checkpoint, factsOf?: ReadonlySet<string>): void {
    const { identity, sequence, entryDigest, foldVersion } = place;
    const { hostState, hostFacts, incident, crash, notification, change, silence, checkpoint } =
      this.#statements;
    for (const host of rows.hosts) {
      hostState.run(host.id, packState(host));
      if (!factsOf || factsOf.has(host.id))
        hostFacts.run(host.id, JSON.stringify(host.facts), packNames(host));
    }
    for (const record of rows.incidents) {
      incident.run(record.id, record.state, record.detected_us, JSON.stringify(record));
    }
    for (const record of rows.crashes) {
      const { reading } = readingIn(record);
      const summary = summaryOf(record);
      const stack = stackOf(record);
      crash.run(
        record.id,
        record.at_us,
        record.host_id,
        reading?.signature ?? '',
        reading?.type ?? '',
        JSON.stringify(sourcesOf(record)),
        JSON.stringify(logsOf(record)),
        summary ? JSON.stringify(summary) : '',
        stack ? JSON.stringify(stack) : '',
        JSON.stringify(record),
      );
    }
    for (const record of rows.notifications) {
      notification.run(record.id, isPending(record) ? 1 : 0, record.created_us, JSON.stringify(record));
    }
    for (const record of rows.changes) change.run(record.id, record.at_us, JSON.stringify(record));
    for (const record of rows.silences) silence.run(record.id, record.created_us, JSON.stringify(record));
    checkpoint.run(identity, sequence, entryDigest, foldVersion, JSON.stringify(rows.global));
  }

  #transaction(body: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite rolls back by itself when the disk is full or fails.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `cannot write ${this.#path} (${why}): see that its disk has room and that nothing else writes to it, then start again`,
        { cause: error },
      );
    }
  }
}

function placeOf(row: Readonly<Record<string, unknown>>): Checkpoint {
  return {
    identity: String(row['identity']),
    sequence: Number(row['sequence']),
    entryDigest: String(row['entry_digest']),
    foldVersion: Number(row['fold_version']),
  };
}
