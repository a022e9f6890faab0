/** What can go wrong with the spool, told apart by SQLite's result codes. */

export type SpoolErrorCode = 'locked' | 'corrupt' | 'full' | 'unwritable' | 'closed';

/** What went wrong with the spool, in words that name the file and the mend. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code: SpoolErrorCode;

  constructor(code: SpoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that mean more than "it cannot be written". */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** Says what an error that SQLite threw means for the spool at `path`. Other errors are returned as they are. */
export function asSpoolError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const options = { cause: error };
  switch (error.errcode & 0xff) {
    case BUSY:
      return new SpoolError(
        'locked',
        `${path} is in use by another agent: stop that one, or set "data" to another folder`,
        options,
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return new SpoolError('corrupt', `${path} is damaged (${error.message})`, options);
    case FULL:
      return new SpoolError(
        'full',
        `${path} cannot grow (${error.message}): free space on its disk`,
        options,
      );
    default:
      return new SpoolError(
        'unwritable',
        `${path} cannot be written (${error.message}): check the folder's disk and permissions, or set "data"`,
        options,
      );
  }
}
