/** A clock that is faster than the machine's, and can be put forward: pauses of minutes pass in no time. */
import type { Clock, Timer } from '@netfall/log';

interface Pending {
  readonly atMs: number;
  readonly fn: () => void;
  timeout: NodeJS.Timeout | undefined;
}

export class FastClock implements Clock {
  readonly #speed: number;
  readonly #began = Date.now();
  readonly #pending = new Set<Pending>();
  #skippedMs = 0;

  /** @param speed seconds of this clock in one of the machine's. */
  constructor(speed: number) {
    this.#speed = speed;
  }

  nowUs(): number {
    return Math.round(this.#nowMs() * 1000);
  }

  setTimer(ms: number, fn: () => void): Timer {
    const pending: Pending = { atMs: this.#nowMs() + ms, fn, timeout: undefined };
    this.#pending.add(pending);
    this.#arm(pending);
    return {
      cancel: () => {
        clearTimeout(pending.timeout);
        this.#pending.delete(pending);
      },
    };
  }

  /** Lets so much time pass at once: what was due within it is due now. */
  skip(ms: number): void {
    this.#skippedMs += ms;
    for (const pending of [...this.#pending].sort((a, b) => a.atMs - b.atMs)) this.#arm(pending);
  }

  #nowMs(): number {
    return this.#began + (Date.now() - this.#began) * this.#speed + this.#skippedMs;
  }

  #arm(pending: Pending): void {
    clearTimeout(pending.timeout);
    const fire = () => {
      this.#pending.delete(pending);
      pending.fn();
    };
    pending.timeout = setTimeout(fire, Math.max(0, (pending.atMs - this.#nowMs()) / this.#speed));
  }
}
