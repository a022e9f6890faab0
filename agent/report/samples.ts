/**
 * The sampled packets of one window: the first of each signature, up to a bound. It must not know where they come from.
 */
import type { DropSample } from '@netfall/proto';

export class SampleShelf {
  readonly #most: number;
  readonly #samples: DropSample[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  wants(reason: string, fn: string): boolean {
    if (this.#samples.length >= this.#most) return false;
    return !this.#samples.some((known) => known.function === fn && known.reason === reason);
  }

  /** Takes a sample, unless its signature has one or there is no room. */
  add(sample: DropSample): void {
    if (this.wants(sample.reason, sample.function)) this.#samples.push(sample);
  }

  list(): readonly DropSample[] {
    return this.#samples;
  }

  clear(): void {
    this.#samples.length = 0;
  }
}
