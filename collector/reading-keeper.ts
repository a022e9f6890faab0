/**
 * Has stored logs of crashes read again when this release's parser is newer than the one whose readings the crashes have: what
 * it reads is appended, nothing is rewritten. Whose business it is, and when, the replica knows.
 */
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { markedText, PARSER_VERSION, readCrash } from '@netfall/crash';
import type { Blobs, Clock } from '@netfall/log';
import { readingOf, type StoredReading } from '@netfall/proto';
import { EvidenceError, MOST_LOG_BYTES, readCrashLog } from './evidence.ts';
import type { Say } from './resume.ts';
import type { CrashLogRow } from './store/crash-summary.ts';

export interface ReadingKeeperOptions {
  readonly evidence: Pick<Blobs, 'get'>;
  /** The replica's database. */
  readonly path: string;
  readonly clock: Clock;
  readonly say: Say;
  /** Appends a reading to the log. Rejects with LogError. */
  readonly append: (reading: StoredReading) => Promise<void>;
  /** Whether it is still this replica's business. */
  readonly mayGoOn: () => boolean;
  /** Of the parser; this release's unless said. */
  readonly version?: number;
}

/** What one look reads: logs, and so much of them; and how long it takes, µs. The next look goes on from there. */
const MOST_LOGS = 500;
const MOST_BYTES = 128 * 1024 * 1024;
const LONGEST_US = 60_000_000;

/** A log, and one crash that it is of. */
interface Unread {
  readonly digest: string;
  readonly crashId: string;
  /** The CrashLogRow, JSON: only of those that are read in this look it is looked at. */
  readonly row: string;
}

/** What a log tells, and its length. */
type Reread = Pick<StoredReading, 'reading'> & { readonly bytes: number };

export class ReadingKeeper {
  readonly #options: ReadingKeeperOptions;
  readonly #version: number;
  /** Logs that could not be read when they were tried last. */
  readonly #passed = new Set<string>();
  #looking: Promise<void> | null = null;

  constructor(options: ReadingKeeperOptions) {
    this.#options = options;
    this.#version = options.version ?? PARSER_VERSION;
  }

  /** Reads logs whose readings are of an older parser. Rejects with LogError when the log cannot be reached. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** Resolves when no look is under way. */
  async idle(): Promise<void> {
    await this.#looking?.catch(() => {});
  }

  async #look(): Promise<void> {
    const { clock, say, append, mayGoOn } = this.#options;
    const untilUs = clock.nowUs() + LONGEST_US;
    let [read, bytes] = [0, 0];
    try {
      for (const log of this.#unread()) {
        // One in a turn of the event loop, which has requests to answer.
        await setImmediate();
        if (!mayGoOn() || bytes >= MOST_BYTES || clock.nowUs() > untilUs) break;
        const stored = await this.#readOrPass(log);
        if (!stored) continue;
        bytes += stored.bytes;
        await append({ digest: log.digest, parser_version: this.#version, reading: stored.reading });
        read++;
      }
    } finally {
      const what = read === 1 ? '1 log of a crash' : `${read} logs of crashes`;
      if (read > 0) say.info(`read ${what} again with version ${this.#version} of the parser`);
    }
  }

  /** Null when it cannot be read now, for whatever reason: one log must not keep all others waiting. */
  async #readOrPass(log: Unread): Promise<Reread | null> {
    try {
      const stored = await this.#read(log);
      if (stored) return stored;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.say.warn(
        `the log ${log.digest} of crash ${log.crashId} cannot be read (${why}): it is tried again later`,
      );
    }
    this.#passed.add(log.digest);
    return null;
  }

  /** Those that were passed over come after all others. */
  #unread(): readonly Unread[] {
    const all = unreadLogs(this.#options.path, this.#version);
    const digests = new Set(all.map(({ digest }) => digest));
    for (const digest of this.#passed) if (!digests.has(digest)) this.#passed.delete(digest);
    const isPassed = ({ digest }: Unread) => this.#passed.has(digest);
    return [...all.filter((log) => !isPassed(log)), ...all.filter(isPassed)].slice(0, MOST_LOGS);
  }

  /** Null when it is not there, or not what it is called. */
  async #read({ digest, row }: Unread): Promise<Reread | null> {
    const log = JSON.parse(row) as CrashLogRow;
    if (log.bytes > MOST_LOG_BYTES) return null;
    let bytes: Buffer | null;
    try {
      bytes = await readCrashLog(this.#options.evidence, digest);
    } catch (error) {
      if (error instanceof EvidenceError) return null;
      throw error;
    }
    if (!bytes) return null;
    const holes = log.holes.filter(({ at }) => at <= bytes.length);
    const { text, marks } = markedText({ bytes, holes, wrapAt: log.wrap_at });
    const report = readCrash(text, marks);
    return { bytes: bytes.length, reading: report && readingOf(report) };
  }
}

/** Logs whose reading is of an older parser than this, or that nobody has read, the newest crash's first. */
function unreadLogs(path: string, version: number): readonly Unread[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // Of a log that several crashes have SQLite takes the other columns from the row of the maximum.
    return database
      .prepare(
        `SELECT json_extract(log.value, '$.digest') AS digest, crash.id AS id, log.value AS row, max(crash.at_us) AS at_us
         FROM crash, json_each(crash.logs) AS log
         WHERE json_extract(log.value, '$.parser_version') < ?
         GROUP BY digest ORDER BY at_us DESC, digest`,
      )
      .all(version)
      .map(({ digest, id, row }) => ({ digest: String(digest), crashId: String(id), row: String(row) }));
  } finally {
    database.close();
  }
}
