/** What SQLite and the file system report of a collector's data folder, in words that name the folder and the mend. */

class DataError extends Error {
  override readonly name = 'DataError';
  readonly code = 'data';
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html). A full disk is either of the first two. */
const [IOERR, FULL, CORRUPT, NOTADB] = [10, 13, 11, 26];
const ELSEWHERE = 'or configure another folder as data';

/** Says what an error means for the files in `dir`. One that is of neither is returned as it is. */
export function asDataError(error: unknown, dir: string): unknown {
  const mend = error instanceof Error ? mendFor(error) : undefined;
  return mend === undefined
    ? error
    : new DataError(`${dir} cannot be used (${(error as Error).message}): ${mend}`, { cause: error });
}

function mendFor(error: Error): string | undefined {
  if ('errcode' in error && typeof error.errcode === 'number') {
    switch (error.errcode & 0xff) {
      case IOERR:
      case FULL:
        return `make room on its disk, ${ELSEWHERE}`;
      case CORRUPT:
      case NOTADB:
        return 'a file in it is damaged: remove the folder, it is filled again from the log';
      default:
        return `see that it can be written, ${ELSEWHERE}`;
    }
  }
  if (!('code' in error) || !('syscall' in error)) return undefined;
  return error.code === 'ENOSPC' || error.code === 'EDQUOT'
    ? `make room on its disk, ${ELSEWHERE}`
    : `see that it can be written, ${ELSEWHERE}`;
}
