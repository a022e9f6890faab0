/** How much a store of blobs may hold, and holds: a bound on bytes that all puts under way share. */

import { LogError } from '../log.ts';

export class Room {
  readonly #what: string;
  readonly #mostBytes: number;
  readonly #byName = new Map<string, number>();
  #bytes = 0;

  /**
   * @param what is full then, e.g. `evidence in /var/lib/netfall/log`
   * @param mostBytes may be Infinity
   */
  constructor(what: string, mostBytes: number) {
    this.#what = what;
    this.#mostBytes = mostBytes;
  }

  /** Takes so many bytes, or throws LogError `full`. */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#mostBytes) {
      throw new LogError(
        'full',
        `${this.#what} holds ${this.#bytes} of at most ${this.#mostBytes} bytes: delete some or raise its limit`,
      );
    }
    this.#bytes += bytes;
  }

  /** Gives back what was taken, and not kept. */
  give(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** What was taken is `name`'s from now on, in place of what it had. */
  keep(name: string, bytes: number): void {
    this.remove(name);
    this.#byName.set(name, bytes);
  }

  /** Counts what was there before, whether there is room for it or not. */
  hold(name: string, bytes: number): void {
    this.#bytes += bytes;
    this.#byName.set(name, bytes);
  }

  remove(name: string): void {
    this.#bytes -= this.#byName.get(name) ?? 0;
    this.#byName.delete(name);
  }
}
