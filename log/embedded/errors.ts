/** What SQLite and the file system report, in the log's own terms. */

import { LogError } from '../log.ts';

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** A LogError that names the folder and the mend for whatever went wrong under it. */
export function asLogError(error: unknown, dir: string): LogError {
  if (error instanceof LogError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  switch (reasonOf(error)) {
    case 'locked':
      return new LogError(
        'locked',
        `${dir} is in use by another process: stop that one or give another folder`,
        options,
      );
    case 'full':
      return new LogError(
        'full',
        `the disk under ${dir} is full: free space on it, appends then work again`,
        options,
      );
    case 'corrupt':
      return new LogError(
        'corrupt',
        `the log in ${dir} is damaged (${text}): restore the folder from a copy`,
        options,
      );
    default:
      return new LogError('unavailable', `the log in ${dir} cannot be used: ${text}`, options);
  }
}

function reasonOf(error: unknown): 'locked' | 'full' | 'corrupt' | 'other' {
  if (!(error instanceof Error)) return 'other';
  if ('errcode' in error && typeof error.errcode === 'number') {
    // The low byte is the primary result code, the rest details it.
    switch (error.errcode & 0xff) {
      case SQLITE_BUSY:
        return 'locked';
      case SQLITE_FULL:
        return 'full';
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return 'corrupt';
    }
  }
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return 'full';
  return 'other';
}
