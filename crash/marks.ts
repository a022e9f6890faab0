/**
 * Lines that stand in a log's text where something is missing: written where logs are shown, and read again where what was
 * saved of that is parsed. Pure.
 */
import type { Hole, MarkedText } from './log.ts';

/** Where the kernel's ring buffer wrapped. Nothing is missing there. */
export const WRAP_MARK = '[... the ring buffer wraps here ...]';

export function holeMark({ bytes, exact }: Pick<Hole, 'bytes' | 'exact'>): string {
  if (bytes === 0) return '[... some of the log is missing here ...]';
  const many = `${bytes} ${bytes === 1 ? 'byte is' : 'bytes are'}`;
  return `[... ${exact ? '' : 'up to '}${many} missing here ...]`;
}

/** For stretches of which it is not known where they were. */
export function unlistedMark(count: number): string {
  return `[... ${count} more ${count === 1 ? 'stretch is' : 'stretches are'} missing, nobody knows where ...]`;
}

const HOLE_MARK =
  /^\[\.\.\. (?:some of the log is|(?:up to )?\d{1,16} bytes? (?:is|are)) missing here \.\.\.\]$/;

const WRAP_LINE = /^\[\.\.\. the ring buffer wraps here \.\.\.\]$/gm;

/** The lines of a text that stand for holes, counted from 0, in order. */
function holeMarksIn(text: string): readonly number[] {
  return text.split('\n').flatMap((line, i) => (HOLE_MARK.test(line) ? [i] : []));
}

/** A text that has such lines, as it is to be parsed: where the buffer wrapped a blank line stands, and lines keep their numbers. */
export function readMarked(text: string): MarkedText {
  const plain = text.replaceAll(WRAP_LINE, '');
  return { text: plain, marks: holeMarksIn(plain) };
}
