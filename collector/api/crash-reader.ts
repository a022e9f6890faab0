/**
 * Crashes in the replica's database, as the reader's connection sees them. Knows the rows' shapes (store/migrations) and the
 * records in them; knows nothing of HTTP.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type StoredCrash, shownCrash } from '../fold/crash.ts';
import type { Crash } from '../fold/model.ts';
import type { CrashStack, CrashSummary } from '../store/crash-summary.ts';
import { type CrashGroup, groupOf, type Summarised } from './crash-groups.ts';
import { type Page, takePage } from './rows-page.ts';

/** A place in the list of crashes, which is ordered by the moment of the crash, newest first, then by id. */
export interface CrashPosition {
  readonly atUs: number;
  readonly id: string;
}

export interface CrashQuery {
  /** Only crashes of this host. */
  readonly host?: string;
  /** Only crashes that this source has something of. */
  readonly source?: string;
  /** Only crashes that have this signature; with an empty one those that have none. */
  readonly signature?: string;
  /** Only crashes at or after this log time. */
  readonly sinceUs?: number;
  readonly limit: number;
  readonly after?: CrashPosition;
}

/** A place in the list of groups of crashes, which is ordered by the moment of the last crash, newest first, then by signature. */
export interface GroupPosition {
  readonly lastUs: number;
  readonly signature: string;
}

export interface GroupQuery {
  /** Only the group of this signature. */
  readonly signature?: string;
  readonly limit: number;
  readonly after?: GroupPosition;
}

export class CrashReader {
  readonly #crash: StatementSync;
  readonly #mergedCrash: StatementSync;
  readonly #crashes: StatementSync;
  readonly #signedCrashes: StatementSync;
  readonly #crashSources: StatementSync;
  readonly #crashTypes: StatementSync;
  readonly #groups: StatementSync;
  readonly #summaries: StatementSync;
  readonly #stacks: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#crash = prepare('SELECT value FROM crash WHERE id = ?');
    this.#mergedCrash = prepare(
      `SELECT crash.value FROM crash, json_each(crash.value, '$.merged') AS merged
       WHERE json_array_length(crash.value, '$.merged') > 0 AND merged.value = ?`,
    );
    this.#crashes = prepare(
      `SELECT id, at_us, value FROM crash
       WHERE at_us >= :since AND at_us <= :at AND (at_us < :at OR id > :id) AND (:host IS NULL OR host_id = :host)
       ORDER BY at_us DESC, id`,
    );
    this.#signedCrashes = prepare(
      `SELECT id, at_us, value FROM crash
       WHERE signature = :signature AND at_us >= :since AND at_us <= :at AND (at_us < :at OR id > :id)
         AND (:host IS NULL OR host_id = :host)
       ORDER BY at_us DESC, id`,
    );
    this.#crashTypes = prepare(
      "SELECT type, count(*) AS count FROM crash WHERE signature <> '' GROUP BY type ORDER BY type",
    );
    this.#groups = prepare(
      `SELECT signature, max(at_us) AS last_us, '' AS value FROM crash
       WHERE signature <> '' AND (:signature IS NULL OR signature = :signature)
       GROUP BY signature HAVING last_us <= :last AND (last_us < :last OR signature > :after)
       ORDER BY last_us DESC, signature`,
    );
    this.#summaries = prepare(
      'SELECT id, at_us, signature, summary FROM crash WHERE signature = ? ORDER BY at_us DESC, id',
    );
    this.#stacks = prepare(
      `SELECT id, at_us, signature, summary, stack FROM crash
       WHERE signature <> '' AND at_us <= :at AND (at_us < :at OR id > :id) ORDER BY at_us DESC, id LIMIT :limit`,
    );
    this.#crashSources = prepare(
      `SELECT source.value AS source, count(*) AS count FROM crash, json_each(crash.sources) AS source
       GROUP BY source.value ORDER BY source.value`,
    );
  }

  list(query: CrashQuery): Page<Crash, CrashPosition> {
    const { source, signature } = query;
    const place = {
      since: query.sinceUs ?? 0,
      at: query.after?.atUs ?? Number.MAX_SAFE_INTEGER,
      id: query.after?.id ?? '',
      host: query.host ?? null,
    };
    const rows =
      signature === undefined
        ? this.#crashes.iterate(place)
        : this.#signedCrashes.iterate({ ...place, signature });
    return takePage(rows, query.limit, (text, row) => {
      const position = { atUs: Number(row['at_us']), id: String(row['id']) };
      const crash = shownCrash(JSON.parse(text) as StoredCrash);
      const wanted = source === undefined || crash.records.some((record) => record.source === source);
      return { position, item: wanted ? crash : null };
    });
  }

  /** By its own id, or by that of one that turned out to be the same. */
  get(id: string): Crash | null {
    const value = (this.#crash.get(id) ?? this.#mergedCrash.get(id))?.['value'];
    return typeof value === 'string' ? shownCrash(JSON.parse(value) as StoredCrash) : null;
  }

  /** Crashes by signature; those without a reading are in no group. */
  listGroups(query: GroupQuery): Page<CrashGroup, GroupPosition> {
    const rows = this.#groups.iterate({
      signature: query.signature ?? null,
      last: query.after?.lastUs ?? Number.MAX_SAFE_INTEGER,
      after: query.after?.signature ?? '',
    });
    return takePage(rows, query.limit, (_, row) => {
      const signature = String(row['signature']);
      const crashes = this.#summaries.all(signature);
      const bytes = crashes.reduce((sum, { summary }) => sum + String(summary).length, 0);
      const [newest, ...others] = crashes.map(summarised);
      const position = { lastUs: Number(row['last_us']), signature };
      return { position, item: newest ? groupOf([newest, ...others]) : null, bytes };
    });
  }

  /**
   * Crashes with a reading, in short and with what signatures are made of, the newest first: so many of them, from behind
   * a place on.
   */
  listStacks(limit: number, after?: CrashPosition): readonly (Summarised & CrashStack)[] {
    const at = after?.atUs ?? Number.MAX_SAFE_INTEGER;
    return this.#stacks.all({ limit, at, id: after?.id ?? '' }).map((row) => {
      return { ...summarised(row), ...(JSON.parse(String(row['stack'])) as CrashStack) };
    });
  }

  /** How many crashes with a reading there are of each type. */
  countTypes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#crashTypes.all().map(({ type, count }) => [String(type), Number(count)]));
  }

  /** How many crashes each source has something of. */
  countSources(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#crashSources.all().map(({ source, count }) => [String(source), Number(count)]),
    );
  }
}

function summarised(row: Readonly<Record<string, unknown>>): Summarised {
  return {
    id: String(row['id']),
    atUs: Number(row['at_us']),
    signature: String(row['signature']),
    summary: JSON.parse(String(row['summary'])) as CrashSummary,
  };
}
