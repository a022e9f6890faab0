/**
 * Keeps the log's evidence to what crashes refer to: agents put logs there and never take one away. Whose business it is,
 * and when, the replica knows.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Blobs } from '@netfall/log';
import { CRASH_LOGS } from './evidence.ts';
import type { Say } from './resume.ts';

export interface EvidenceKeeperOptions {
  readonly evidence: Pick<Blobs, 'list' | 'delete'>;
  /** The replica's database. */
  readonly path: string;
  readonly say: Say;
}

export class EvidenceKeeper {
  readonly #options: EvidenceKeeperOptions;
  /** Logs to which no crash referred at the last look. */
  #unnamed: ReadonlySet<string> = new Set();

  constructor(options: EvidenceKeeperOptions) {
    this.#options = options;
  }

  /**
   * Removes the logs to which no crash refers, and did not at the look before either: a log may come some time before its
   * report. Rejects with LogError when the log cannot be reached.
   */
  async look(): Promise<void> {
    const { evidence, path, say } = this.#options;
    const kept = await evidence.list(CRASH_LOGS);
    // After the list, so that no crash is missed whose log the list has.
    const named = namedLogs(path);
    const unnamed = kept.filter((name) => !named.has(name));
    const removed = unnamed.filter((name) => this.#unnamed.has(name));
    for (const name of removed) await evidence.delete(name);
    this.#unnamed = new Set(unnamed);
    const what = removed.length === 1 ? '1 log' : `${removed.length} logs`;
    if (removed.length > 0) say.info(`removed ${what} to which no crash refers any more`);
  }
}

/** The names of the logs to which crashes refer. */
function namedLogs(path: string): ReadonlySet<string> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database
      .prepare(
        `SELECT DISTINCT json_extract(log.value, '$.digest') AS digest
         FROM crash, json_each(crash.logs) AS log`,
      )
      .all();
    return new Set(rows.map(({ digest }) => `${CRASH_LOGS}${digest}`));
  } finally {
    database.close();
  }
}
