/**
 * Which of the host's sources operators have switched off: follows the log's newest word on it. What was said last holds
 * until it ends, also while the log cannot be reached, and after a restart. It must not know what a source does.
 */
import type { Clock, Log, Stored } from '@netfall/log';
import {
  checkEntry,
  collectorSubject,
  concernsHost,
  decodeEntry,
  type Label,
  type SourceSwitch,
  switchesOf,
} from '@netfall/proto';
import type { Logger } from 'pino';
import type { LastWord } from './last-word.ts';

export interface SwitchesOptions {
  readonly log: Pick<Log, 'watchLast'>;
  /** Where the newest word outlives the process. */
  readonly lastWord: LastWord | undefined;
  readonly cell: string;
  readonly hostId: string;
  /** The host's labels, at any time. */
  readonly labels: () => readonly Label[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when another set of switches is in force. */
  readonly changed: () => void;
}

export class Switches {
  readonly #options: SwitchesOptions;
  readonly #stop = new AbortController();
  readonly #subject: string;
  /** The newest set, and the entry that said so. */
  #switches: readonly SourceSwitch[] = [];
  #said: Pick<Stored, 'sequence' | 'timeUs'> = { sequence: 0, timeUs: 0 };
  #forgets = false;

  constructor(options: SwitchesOptions) {
    this.#options = options;
    this.#subject = collectorSubject(options.cell, 'switches');
  }

  /** Goes by what was known before the process started; to be called before any source starts. */
  recall(): void {
    try {
      const kept = this.#options.lastWord?.read();
      // That of another cell is none.
      if (kept?.subject === this.#subject) this.#heed(kept);
    } catch (error) {
      this.#options.logger.warn(
        `what was last known of switches cannot be read: sources run as configured until the log answers: ${messageOf(error)}`,
      );
    }
  }

  /** Begins to follow. */
  start(): void {
    void this.#follow();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Why a source is off here at `nowUs`, in a sentence; undefined when nobody switched it off. */
  offBecause(source: string, nowUs: number): string | undefined {
    if (this.#switches.length === 0) return undefined;
    const { hostId, labels } = this.#options;
    let longest: SourceSwitch | undefined;
    for (const one of this.#switches) {
      if (one.source !== source || one.until_us <= nowUs || !concernsHost(one, hostId, labels())) continue;
      if (!longest || one.until_us > longest.until_us) longest = one;
    }
    return longest && describe(longest);
  }

  async #follow(): Promise<void> {
    const { log, logger, changed } = this.#options;
    try {
      for await (const entry of log.watchLast(this.#subject, this.#stop.signal)) {
        // A server that lags answers with what was there before.
        if (entry.sequence <= this.#said.sequence && entry.timeUs <= this.#said.timeUs) continue;
        if (!this.#heed(entry)) {
          logger.warn(
            'what was last said of switches cannot be read: what was known before holds; update this agent',
          );
          continue;
        }
        changed();
        this.#keep(entry);
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      logger.error(`sources can no longer be switched off from afar: ${messageOf(error)}`);
    }
  }

  /** Goes by an entry from now on; returns whether it could be read. */
  #heed({ data, sequence, timeUs }: Stored): boolean {
    const switches = read(data, this.#subject, timeUs);
    if (!switches) return false;
    this.#switches = switches;
    this.#said = { sequence, timeUs };
    return true;
  }

  #keep(entry: Stored): void {
    const { lastWord, logger } = this.#options;
    try {
      lastWord?.write(entry);
      this.#forgets = false;
    } catch (error) {
      if (!this.#forgets) {
        logger.warn(
          `what is switched off cannot be kept for the next start, which will have to wait for the log: ${messageOf(error)}`,
        );
      }
      this.#forgets = true;
    }
  }
}

function read(data: Uint8Array, subject: string, storedUs: number): readonly SourceSwitch[] | null {
  try {
    const entry = decodeEntry(data);
    return checkEntry(entry, subject) === null && entry.switches
      ? switchesOf(entry.switches, storedUs)
      : null;
  } catch {
    return null;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe({ by, until_us, why }: SourceSwitch): string {
  const until = new Date(Math.trunc(until_us / 1000)).toISOString().slice(0, 19);
  return `switched off${by && ` by ${by}`} until ${until}Z${why && `: ${why}`}`;
}
