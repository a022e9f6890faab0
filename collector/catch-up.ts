/**
 * Whether a replica is current: it has folded what the log held when it started, and again what the log held when the
 * database could be written after it could not. What it may do when it is, the replica knows.
 */
import type { Clock, Log, Timer } from '@netfall/log';
import type { Say } from './resume.ts';

const RETRY_MS = 5000;

export interface CatchUpOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly say: Say;
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  #stalled = '';
  #target = 0;
  /** Whether the target is known. */
  #aimed = true;
  #done = false;
  #stopped = false;
  /** How often the fold stood still. */
  #stalls = 0;
  #retry: Timer | null = null;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Whether this replica is current. */
  get done(): boolean {
    return this.#done;
  }

  /** The entry that is to be folded before it is. */
  get target(): number {
    return this.#target;
  }

  /** Why the fold cannot commit now; empty when it can. */
  get stalled(): string {
    return this.#stalled;
  }

  /** Begins; rejects when the log does not answer. */
  async start(): Promise<void> {
    this.#target = (await this.#options.log.info()).last;
  }

  /** The fold committed what is up to `sequence`. Returns whether the replica is current by that, and was not before. */
  committed(sequence: number): boolean {
    if (this.#stalled !== '') {
      this.#stalled = '';
      this.#options.say.info('the database can be written again: folding goes on');
      void this.#aim();
    }
    if (this.#done || !this.#aimed || sequence < this.#target) return false;
    this.#done = true;
    return true;
  }

  /** The fold stands still: what others do meanwhile, this replica learns when it has caught up again. */
  stall(why: string): void {
    if (this.#stalled === '') this.#options.say.warn(`stopped folding: ${why}`);
    this.#stalled = why;
    this.#stalls++;
    this.#done = false;
    this.#aimed = false;
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  /** Looks how far the log has gone; goes on trying while it does not answer. */
  async #aim(): Promise<void> {
    const stalls = this.#stalls;
    try {
      const { last } = await this.#options.log.info();
      // Since it was asked the fold stood still once more: what this tells is too old.
      if (stalls !== this.#stalls) return;
      this.#target = last;
      this.#aimed = true;
    } catch {
      if (this.#stopped || stalls !== this.#stalls) return;
      this.#retry = this.#options.clock.setTimer(RETRY_MS, () => this.#aim());
    }
  }
}
