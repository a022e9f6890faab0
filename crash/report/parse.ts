/**
 * Reads the crash off a kernel's log: a log in, a report out. Pure, in linear time, and never throws, whatever the text is.
 */
import type { Report } from './report.ts';

/** Which readings of logs are of this parser: grows whenever a log may be read differently. */
export const PARSER_VERSION = 1;

/**
 * The first crash that a log tells of, with what followed from it; null when it tells of none.
 * @param log the text, a line for each message
 * @param holes lines of it that are no messages but stand where something is missing, counted from 0, in order
 */
export function readCrash(_log: string, _holes: readonly number[] = []): Report | null {
  return null;
}
