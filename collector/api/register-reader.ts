/**
 * Announced changes and silences in the replica's database, as the reader's connection sees them. Knows the rows' shapes
 * (store/migrations) and the records in them; knows nothing of HTTP.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ChangeRecord } from '../fold/changes.ts';
import type { SilenceRecord } from '../fold/silence.ts';
import { type ChangeView, changeView } from './change-view.ts';
import { type Page, takePage } from './rows-page.ts';
import { type SilenceState, type SilenceView, silenceView } from './silence-view.ts';

/** A place in a list that is ordered by a moment, newest first, then by id. */
export interface RegisterPosition {
  readonly atUs: number;
  readonly id: string;
}

export interface ChangeQuery {
  /** Only changes that began at or after this log time. */
  readonly sinceUs?: number;
  readonly limit: number;
  readonly after?: RegisterPosition;
}

export interface SilenceQuery {
  /** Only these states; all when absent. */
  readonly states?: readonly SilenceState[];
  readonly limit: number;
  readonly after?: RegisterPosition;
}

export class RegisterReader {
  readonly #changes: StatementSync;
  readonly #silence: StatementSync;
  readonly #silences: StatementSync;
  readonly #nowUs: () => number;

  /** @param nowUs log time, as of the last commit */
  constructor(database: DatabaseSync, nowUs: () => number) {
    this.#nowUs = nowUs;
    this.#changes = database.prepare(
      `SELECT id, at_us, value FROM change
       WHERE at_us >= :since AND at_us <= :at AND (at_us < :at OR id > :id)
       ORDER BY at_us DESC, id`,
    );
    this.#silence = database.prepare('SELECT value FROM silence WHERE id = ?');
    this.#silences = database.prepare(
      `SELECT id, created_us AS at_us, value FROM silence
       WHERE created_us <= :at AND (created_us < :at OR id > :id)
       ORDER BY created_us DESC, id`,
    );
  }

  /** Changes, those that began last first. */
  listChanges({ sinceUs, limit, after }: ChangeQuery): Page<ChangeView, RegisterPosition> {
    const rows = this.#changes.iterate({ since: sinceUs ?? 0, ...from(after) });
    return takePage(rows, limit, (text, row) => {
      return { position: placeOf(row), item: changeView(JSON.parse(text) as ChangeRecord) };
    });
  }

  /** Silences, those that were made last first. */
  listSilences({ states, limit, after }: SilenceQuery): Page<SilenceView, RegisterPosition> {
    const nowUs = this.#nowUs();
    return takePage(this.#silences.iterate(from(after)), limit, (text, row) => {
      const silence = silenceView(JSON.parse(text) as SilenceRecord, nowUs);
      return { position: placeOf(row), item: !states || states.includes(silence.state) ? silence : null };
    });
  }

  getSilence(id: string): SilenceView | null {
    const value = this.#silence.get(id)?.['value'];
    return typeof value === 'string' ? silenceView(JSON.parse(value) as SilenceRecord, this.#nowUs()) : null;
  }
}

function from(after: RegisterPosition | undefined): { at: number; id: string } {
  return { at: after?.atUs ?? Number.MAX_SAFE_INTEGER, id: after?.id ?? '' };
}

function placeOf(row: Readonly<Record<string, unknown>>): RegisterPosition {
  return { atUs: Number(row['at_us']), id: String(row['id']) };
}
