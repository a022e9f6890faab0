/**
 * Witnesses and reports of crashes on their way into a message: in order, each exactly once, as many as one takes. It must
 * not know where they come from.
 */
import type { Item } from '@netfall/proto';

/** Those that may wait for the next messages. */
const MOST_WAITING = 256;

export class CrashQueue {
  readonly #waiting: Item[] = [];
  #taken = 0;

  /** Whether there was room. */
  add(item: Item): boolean {
    if (!this.hasRoom) return false;
    this.#waiting.push(item);
    return true;
  }

  get hasRoom(): boolean {
    return this.#waiting.length < MOST_WAITING;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** The first ones, for a message; may be asked again before it is reported. */
  take(most: number): readonly Item[] {
    const items = this.#waiting.slice(0, most);
    this.#taken = items.length;
    return items;
  }

  /** A message tells of those that were taken last. */
  reported(): void {
    this.#waiting.splice(0, this.#taken);
    this.#taken = 0;
  }
}
