/**
 * The crash that a log is kept for, read by the parser of reports: the last one, of which a source tells, and not what the log
 * still holds of an earlier matter. Pure.
 */
import { newlinesIn } from './log.ts';
import { readCrash } from './report/parse.ts';
import type { Report } from './report/report.ts';
import { lastBeginning } from './trouble.ts';

/** How much of a log is read from there on, characters: more than any report has. */
const MOST_READ = 512 * 1024;

/**
 * Reads the last crash off a log; null when the log tells of none.
 * @param text a line for each message
 * @param marks lines of it that are no messages but stand where something is missing, counted from 0, in order
 * @param from where it begins, see lastBeginning; looked for unless it is given
 * @returns a report whose lines are those of the text
 */
export function readLastCrash(
  text: string,
  marks: readonly number[],
  from: number = lastBeginning(text)?.at ?? 0,
): Report | null {
  const skipped = newlinesIn(text, from);
  const there = marks.filter((line) => line >= skipped).map((line) => line - skipped);
  const report = readCrash(text.slice(from, from + MOST_READ), there);
  if (!report || skipped === 0) return report;
  const { start, end, frames, consequences } = report;
  return {
    ...report,
    start: start + skipped,
    end: end + skipped,
    frames: frames.map((frame) => ({ ...frame, line: frame.line + skipped })),
    consequences: consequences.map((other) => ({ ...other, line: other.line + skipped })),
  };
}
