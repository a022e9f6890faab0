/** A log whose acknowledgements can be lost: the message is stored, the caller is told that nobody knows. For tests. */

import { type Log, LogError } from '../log.ts';

export interface LossyLog extends Log {
  /** While true, appends are stored and then fail with LogError `unavailable`. */
  losing: boolean;
}

export function lossyLog(inner: Log): LossyLog {
  const lossy: LossyLog = {
    losing: false,
    blobs: inner.blobs,
    evidence: inner.evidence,
    async append(message) {
      const receipt = await inner.append(message);
      if (lossy.losing) throw new LogError('unavailable', `the acknowledgement of ${message.id} was lost`);
      return receipt;
    },
    read: (options) => inner.read(options),
    get: (sequence) => inner.get(sequence),
    lastOn: (subject) => inner.lastOn(subject),
    watchLast: (subject, signal) => inner.watchLast(subject, signal),
    info: () => inner.info(),
    purge: (sequence) => inner.purge(sequence),
    close: () => inner.close(),
  };
  return lossy;
}
