/**
 * What one run of a replica appends to the log: ticks, outcomes of deliveries, readings of stored logs, what people told it,
 * and what replicas compete for (epochs, claims and switches), by compare-and-append. Knows nothing of why or when.
 */
import { randomBytes } from 'node:crypto';
import { type Log, LogError } from '@netfall/log';
import {
  type Change,
  type CollectorEntryKind,
  type Command,
  collectorMessageId,
  collectorSubject,
  deliveredMessageId,
  type Entry,
  encodeEntry,
  readingMessageId,
  type StoredReading,
} from '@netfall/proto';
import type { Outcome } from './notify/lane.ts';

/** What an operator decided, or a change that somebody announced. */
export type OperatorEntry = { readonly change: Change } | { readonly command: Command };

export class Appender {
  /** This run's name in claims. A copied data folder has the replica's name too, but must not share its claim. */
  readonly holder: string;
  readonly #run = randomBytes(6).toString('hex');
  readonly #log: Log;
  readonly #cell: string;
  readonly #replica: string;
  #serial = 0;

  constructor(log: Log, cell: string, replica: string) {
    this.#log = log;
    this.#cell = cell;
    this.#replica = replica;
    this.holder = `${replica}-${this.#run}`;
  }

  async tick(): Promise<void> {
    await this.#log.append({
      subject: this.subject('tick'),
      id: this.#nextId('tick'),
      data: encodeEntry({ tick: { replica: this.#replica } }),
    });
  }

  async delivered(outcome: Outcome): Promise<void> {
    await this.#log.append({
      subject: this.subject('delivered'),
      id: deliveredMessageId(outcome.notification_id, outcome.sink),
      data: encodeEntry({ delivered: { ...outcome, holder: this.holder } }),
    });
  }

  async reading(reading: StoredReading): Promise<void> {
    await this.#log.append({
      subject: this.subject('reading'),
      id: readingMessageId(reading.digest, reading.parser_version),
      data: encodeEntry({ reading }),
    });
  }

  /** Appends what somebody told. Returns the entry's sequence. */
  async told(entry: OperatorEntry): Promise<number> {
    const kind = 'change' in entry ? 'change' : 'command';
    const { sequence } = await this.#log.append({
      subject: this.subject(kind),
      id: this.#nextId(kind),
      data: encodeEntry(entry),
    });
    return sequence;
  }

  /** Claims for so long; 0 gives the claim up. False when another replica came first. */
  claim(lease_us: number): Promise<boolean> {
    return this.compete('claim', { claim: { holder: this.holder, lease_us } });
  }

  /** Compare-and-append: false when another replica came first, be it after the entry `seen`, the last one known here. */
  async compete(
    kind: 'claim' | 'epoch' | 'switches',
    entry: Entry,
    seen = Number.MAX_SAFE_INTEGER,
  ): Promise<boolean> {
    const subject = this.subject(kind);
    const last = await this.#log.lastOn(subject);
    if (last && last.sequence > seen) return false;
    try {
      await this.#log.append({
        subject,
        id: this.#nextId(kind),
        data: encodeEntry(entry),
        expectLastOnSubject: last?.sequence ?? 0,
      });
      return true;
    } catch (error) {
      if (error instanceof LogError && error.code === 'conflict') return false;
      throw error;
    }
  }

  subject(kind: CollectorEntryKind): string {
    return collectorSubject(this.#cell, kind);
  }

  #nextId(kind: CollectorEntryKind): string {
    return collectorMessageId(this.#run, kind, ++this.#serial);
  }
}
