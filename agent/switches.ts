/**
 * Which of the host's sources operators have switched off: follows the log's newest word on it. What was said last holds
 * until it ends, also while the log cannot be reached. It must not know what a source does.
 */
import type { Clock, Log } from '@netfall/log';
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

export interface SwitchesOptions {
  readonly log: Pick<Log, 'watchLast'>;
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
  /** The newest set. */
  #switches: readonly SourceSwitch[] = [];

  constructor(options: SwitchesOptions) {
    this.#options = options;
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
    const { log, cell, logger, changed } = this.#options;
    const subject = collectorSubject(cell, 'switches');
    try {
      for await (const { data, timeUs } of log.watchLast(subject, this.#stop.signal)) {
        const switches = read(data, subject, timeUs);
        if (!switches) {
          logger.warn(
            'what was last said of switches cannot be read: what was known before holds; update this agent',
          );
          continue;
        }
        this.#switches = switches;
        changed();
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      logger.error(`sources can no longer be switched off from afar: ${why}`);
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

function describe({ by, until_us, why }: SourceSwitch): string {
  const until = new Date(Math.trunc(until_us / 1000)).toISOString().slice(0, 19);
  return `switched off${by && ` by ${by}`} until ${until}Z${why && `: ${why}`}`;
}
