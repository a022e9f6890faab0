/** Time for tests: stands still until it is told to pass. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '@netfall/log';

interface Waiting {
  readonly atUs: number;
  readonly fn: () => void;
}

export class FakeClock implements Clock {
  #nowUs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(nowUs = 1_800_000_000_000_000) {
    this.#nowUs = nowUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const waiting = { atUs: this.#nowUs + Math.round(ms * 1000), fn };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  /** Lets `ms` pass: fires what is due, in order, and lets everything that follows from it come to rest in between. */
  async advance(ms: number): Promise<void> {
    const endUs = this.#nowUs + ms * 1000;
    for (;;) {
      await settled();
      let next: Waiting | undefined;
      for (const waiting of this.#waiting) if (!next || waiting.atUs < next.atUs) next = waiting;
      if (!next || next.atUs > endUs) break;
      this.#waiting.delete(next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.fn();
    }
    this.#nowUs = endUs;
  }

  /** Sets the clock without time having passed: no timer fires. */
  step(ms: number): void {
    this.#nowUs += ms * 1000;
  }
}

/** Enough turns of the event loop for an append to the embedded log, and what waits for it. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await turn();
}
