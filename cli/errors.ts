/** Errors that end a command, as one line that names the thing and the mend. */

/** A failure that was foreseen: its message is all that the user needs, and the exit code is 1. */
export class CommandError extends Error {
  readonly code = 'command';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
  }
}

/**
 * What to print for an error: each line behind the command's name. Errors of Netfall carry a code and words that were
 * written for users; anything else is a defect, whose stack is shown with NETFALL_DEBUG=1.
 */
export function describeError(error: unknown, env = process.env): string {
  const debug = env['NETFALL_DEBUG'] === '1';
  if (!(error instanceof Error)) return `netfall: ${String(error)}`;
  if (debug) return `netfall: ${error.stack ?? error.message}`;
  const foreseen = 'code' in error && typeof error.code === 'string';
  const lines = (error.message || error.name).split('\n').filter((line) => line !== '');
  const text = lines.map((line) => `netfall: ${line}`).join('\n');
  return foreseen ? text : `${text} (unexpected: NETFALL_DEBUG=1 shows where)`;
}
