/**
 * The epoch of this replica's rules and configuration: begins it once the replica is current, and notices when another
 * collector of the same rules has begun one of another configuration since.
 */
import type { Clock, Log, Timer } from '@netfall/log';
import type { Epoch } from '@netfall/proto';
import type { Appender } from './appender.ts';
import type { FolderStatus } from './folder.ts';
import type { Say } from './resume.ts';

const RETRY_MS = 5000;

export interface OwnEpochOptions {
  readonly epoch: Epoch;
  readonly appender: Appender;
  readonly log: Log;
  readonly clock: Clock;
  readonly say: Say;
}

export class OwnEpoch {
  readonly #options: OwnEpochOptions;
  /** The newest epoch when this one had been seen to; null before. */
  #settledAt: number | null = null;
  #begun = false;
  #warned = false;
  #stopped = false;
  #retry: Timer | null = null;

  constructor(options: OwnEpochOptions) {
    this.#options = options;
  }

  /** Begins it behind what is folded, unless it is under way; goes on trying while the log takes nothing. Once. */
  begin(status: FolderStatus): void {
    if (this.#begun) return;
    this.#begun = true;
    void this.#begin(status);
  }

  /** Whether another configuration is in force. */
  differs(status: FolderStatus): boolean {
    if (!status.epoch || this.#settledAt === null || status.sequence < this.#settledAt) return false;
    return status.epoch.config_digest !== this.#options.epoch.config_digest;
  }

  /** Says that another configuration is in force, the first time that it is. */
  watch(status: FolderStatus): void {
    if (this.#warned || !this.differs(status)) return;
    this.#warned = true;
    this.#options.say.warn(
      `entry ${status.epoch?.sequence} began an epoch of another configuration than this collector has: give all ` +
        'collectors of the cell the same detect, incident, limits and notify, or it changes whenever one is restarted',
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  async #begin(status: FolderStatus): Promise<void> {
    const { epoch: current, sequence } = status;
    const { epoch, appender, log, clock, say } = this.#options;
    if (
      current?.fold_version === epoch.fold_version &&
      current.config_digest === epoch.config_digest &&
      current.catalog_digest === epoch.catalog_digest
    ) {
      this.#settledAt = current.sequence;
      return;
    }
    try {
      if (await appender.compete('epoch', { epoch }, sequence))
        say.info('began a new epoch: rules, catalog or configuration changed');
      // Be it this one's or that of another replica, which came first.
      this.#settledAt = (await log.lastOn(appender.subject('epoch')))?.sequence ?? 0;
    } catch (error) {
      if (this.#stopped) return;
      const why = error instanceof Error ? error.message : String(error);
      say.warn(`could not begin this release's epoch, trying again: ${why}`);
      this.#retry = clock.setTimer(RETRY_MS, () => this.#begin(status));
    }
  }
}
