/** What stands on the command line, as values. Throws InvalidArgumentError, which commander shows as wrong usage. */
import { InvalidArgumentError } from 'commander';

const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The longest delay that a timer of Node takes, about 24 days. */
const MOST_MS = 2 ** 31 - 1;

/** "500ms", "5s", "2m", "1h" → milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = match ? Math.round(Number(match[1]) * factors[match[2]!]!) : 0;
  if (ms < 1 || ms > MOST_MS) throw new InvalidArgumentError('Give a duration like 500ms, 5s, 2m or 1h.');
  return ms;
}

/** A positive number of things. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,7}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('Give a number from 1 to 9999999.');
}

/** A place in the log. */
export function parseSequence(text: string): number {
  const sequence = Number(text);
  if (/^\d+$/.test(text) && sequence > 0 && Number.isSafeInteger(sequence)) return sequence;
  throw new InvalidArgumentError('Give the number of an entry, from 1 on.');
}
