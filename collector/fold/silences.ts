/**
 * The register of silences: operators make and end them, time ends them, and later they are forgotten. Must not know what
 * they silence.
 */
import type { Command, Silence } from '@netfall/proto';
import type { Moment } from './log-time.ts';
import type { RejectReason } from './rows.ts';
import { endUs, type SilenceRecord } from './silence.ts';

/** Silences that are kept, over or not. */
const MOST_SILENCES = 1000;
/** So that none is forgotten, what is to hold longer has to be said again. */
const LONGEST_SILENCE_US = 30 * 86_400_000_000;
/** How long those that are over are kept, to be shown. */
const KEPT_US = 7 * 86_400_000_000;

export class Silences {
  readonly all: Map<string, SilenceRecord>;
  readonly #refused: (why: RejectReason) => void;
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  /** When the next one is to be forgotten, log time. Derived. */
  #forgetUs = Number.POSITIVE_INFINITY;

  constructor(refused: (why: RejectReason) => void, stored: Iterable<SilenceRecord>) {
    this.#refused = refused;
    this.all = new Map(Array.from(stored, (record) => [record.id, record]));
    this.#await();
  }

  /** Makes a silence, in the place of an earlier one of the same id. */
  begin(silence: Silence, { by, comment }: Command, { nowUs }: Moment): void {
    const { id, matchers, from_us, until_us, maintenance } = silence;
    if (!this.all.has(id) && this.all.size >= MOST_SILENCES && !this.#makeRoom(nowUs)) {
      this.#refused('too_many_silences');
      return;
    }
    const from = from_us === 0 ? nowUs : from_us;
    this.#store({
      id,
      matchers: matchers.map(({ name, value, not }) => ({ name, value, not })),
      from_us: from,
      until_us: Math.max(from, Math.min(until_us, from + LONGEST_SILENCE_US)),
      maintenance,
      by,
      comment,
      created_us: nowUs,
      ended_us: 0,
      ended_by: '',
      ended_comment: '',
    });
  }

  /** Ends a silence before its time; one that is over, or unknown, stays as it is. */
  end(id: string, { by, comment }: Command, { nowUs }: Moment): void {
    const known = this.all.get(id);
    if (!known || endUs(known) <= nowUs) return;
    this.#store({ ...known, ended_us: nowUs, ended_by: by, ended_comment: comment });
  }

  /** Time passed: forgets those that have been over for long. */
  pass({ nowUs }: Moment): void {
    if (nowUs < this.#forgetUs) return;
    for (const record of [...this.all.values()]) {
      if (endUs(record) + KEPT_US <= nowUs) this.#remove(record.id);
    }
    this.#await();
  }

  /** What changed since this was last called. */
  takeChanges(): {
    readonly silences: readonly SilenceRecord[];
    readonly removedSilences: readonly string[];
  } {
    const taken = {
      silences: Array.from(this.#changed, (id) => this.all.get(id) as SilenceRecord),
      removedSilences: [...this.#removed],
    };
    this.#changed.clear();
    this.#removed.clear();
    return taken;
  }

  #store(record: SilenceRecord): void {
    this.all.set(record.id, record);
    this.#changed.add(record.id);
    this.#await();
  }

  #remove(id: string): void {
    this.all.delete(id);
    this.#changed.delete(id);
    this.#removed.add(id);
  }

  /** Forgets the one that has been over for longest, if any is over. */
  #makeRoom(nowUs: number): boolean {
    let oldest: SilenceRecord | undefined;
    for (const record of this.all.values()) {
      if (endUs(record) <= nowUs && (!oldest || isOverSooner(record, oldest))) oldest = record;
    }
    if (oldest) this.#remove(oldest.id);
    return oldest !== undefined;
  }

  #await(): void {
    this.#forgetUs = Number.POSITIVE_INFINITY;
    for (const record of this.all.values())
      this.#forgetUs = Math.min(this.#forgetUs, endUs(record) + KEPT_US);
  }
}

/** By time, then by id, since the map's order is another one after a restore. */
function isOverSooner(a: SilenceRecord, b: SilenceRecord): boolean {
  return endUs(a) < endUs(b) || (endUs(a) === endUs(b) && a.id < b.id);
}
