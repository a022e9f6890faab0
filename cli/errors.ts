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
 * What to print for an error: each line of its message behind the program's name. Errors that look like a defect of
 * Netfall say how to see their stack.
 */
export function describeError(error: unknown, env = process.env): string {
  if (!(error instanceof Error)) return `netfall: ${String(error)}`;
  if (env['NETFALL_DEBUG'] === '1') return `netfall: ${error.stack ?? error.message}`;
  const lines = (error.message || error.name).split('\n').filter((line) => line !== '');
  const text = lines.map((line) => `netfall: ${line}`).join('\n');
  return isDefect(error) ? `${text} (unexpected: NETFALL_DEBUG=1 shows where)` : text;
}

/** What the language and Node throw for wrong code; whatever was foreseen is thrown as another class. */
function isDefect(error: Error): boolean {
  const classes = [TypeError, ReferenceError, RangeError, SyntaxError];
  if (classes.some((type) => error instanceof type)) return true;
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_');
}
