/** The end of a process that runs until it is told to stop. */

/**
 * Aborts with the first SIGINT or SIGTERM, whose name is the reason. A second one ends the process in the usual way, for
 * those in a hurry.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    controller.abort(signal);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

/** Resolves with the reason once the signal aborts. */
export function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const done = () => resolve(String(signal.reason));
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
