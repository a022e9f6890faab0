/**
 * Time as something that is handed in: the log, the agent and the collector take a `Clock`, so that a simulated world
 * with its own time runs the same code. This file must not know who uses it.
 */

export interface Timer {
  /** Stops the timer. Harmless when it has fired or was cancelled before. */
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time, whole microseconds since the Unix epoch. May step backwards when the machine's clock is set. */
  nowUs(): number;
  /** Calls `fn` once, no sooner than `ms` milliseconds from now. */
  setTimer(ms: number, fn: () => void): Timer;
}

/** The machine's own clock (a resolution of one millisecond) and Node's timers. */
export const systemClock: Clock = {
  nowUs: () => Date.now() * 1000,
  setTimer(ms, fn) {
    const timeout = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** Resolves after `ms` milliseconds of `clock`, or at once when the signal aborts. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(ms, done);
    signal.addEventListener('abort', done);
  });
}
