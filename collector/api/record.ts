/** Puts what somebody told into the log. Must not know what it means. */
import { checkEntry, collectorSubject } from '@netfall/proto';
import type { OperatorEntry } from '../appender.ts';
import { ApiError } from './errors.ts';
import type { ApiContext } from './server.ts';

/**
 * Appends an entry, and returns its sequence. Throws ApiError `invalid_request` for what the log must not hold, and
 * `log_unavailable` when it does not take it now.
 */
export async function record(
  { status, append }: Pick<ApiContext, 'status' | 'append'>,
  entry: OperatorEntry,
): Promise<number> {
  const kind = 'change' in entry ? 'change' : 'command';
  const bad = checkEntry(entry, collectorSubject(status().cell, kind));
  if (bad) throw new ApiError('invalid_request', `this cannot stand in the log: ${bad}`);
  return append(entry).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError('log_unavailable', `the log did not take it (${why}): try again`);
  });
}
