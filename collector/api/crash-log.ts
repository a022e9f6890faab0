/**
 * The log of a dying kernel as text that people can read: what is missing is visible, and whatever the bytes are, nothing in
 * the text acts on a terminal or a page. Pure. Where logs are kept is not known here.
 */
import { holeMark, readCrash, readMarked, unlistedMark, WRAP_MARK, withoutControls } from '@netfall/crash';
import type { LogHole } from '@netfall/proto';
import type { CrashRecord } from '../fold/model.ts';

/** As the API shows it: CrashLogSchema in crash-schemas.ts. */
export interface CrashLog {
  readonly crash_id: string;
  readonly record: number;
  readonly source: string;
  readonly digest: string;
  readonly bytes: number;
  readonly holes: readonly LogHole[];
  readonly unlisted_holes: number;
  readonly wrap_at: number;
  /** Ends with a newline, unless it is empty. */
  readonly text: string;
  /** The lines of it that are marks and not the log's, counted from 0. */
  readonly marks: readonly number[];
  /** Where in the text the report is; null when there is none. */
  readonly report: LogReport | null;
}

/** Lines of a text, counted from 0. */
export interface LogReport {
  readonly first: number;
  readonly last: number;
  /** Of the frame that is blamed; null when none is. */
  readonly guilty: number | null;
  readonly frames: readonly number[];
}

/** What is known of a log besides its bytes. */
export type LogPlaces = Pick<CrashRecord, 'holes' | 'unlisted_holes' | 'wrap_at'>;

const NEWLINE = 0x0a;
/** What reorders text or ends lines where nobody sees it. */
const ACTING = /[\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * The text of a log, with a line for each hole and for the place at which the ring buffer wrapped.
 * @param bytes in UTF-8 mostly; what is none is replaced
 */
export function logText(bytes: Uint8Array, places: LogPlaces): Pick<CrashLog, 'text' | 'marks'> {
  const { unlisted_holes } = places;
  const parts: string[] = [];
  const marks: number[] = [];
  let line = 0;
  let at = 0;
  const add = (part: string) => {
    if (part !== '') parts.push(part);
    line += newlinesIn(part);
  };
  const endLine = () => {
    if (parts.at(-1)?.endsWith('\n') === false) add('\n');
  };
  const mark = (what: string) => {
    endLine();
    marks.push(line);
    add(`${what}\n`);
  };
  for (const place of marksOf(places, bytes)) {
    // Cut first and decoded then: what a hole has torn must not swallow what comes behind it.
    add(decoded(bytes.subarray(at, place.at)));
    at = place.at;
    mark(place.what);
  }
  add(decoded(bytes.subarray(at)));
  if (unlisted_holes > 0) mark(unlistedMark(unlisted_holes));
  endLine();
  return { text: parts.join(''), marks };
}

/** Where in a log's text its report is, by the parser of this release. */
export function reportIn(shown: string): LogReport | null {
  const { text, marks } = readMarked(shown);
  const report = readCrash(text, marks);
  if (!report) return null;
  const { start, end, frames, guilty } = report;
  const lines = frames.map(({ line }) => line);
  return {
    first: start,
    last: end - 1,
    guilty: guilty === null ? null : (lines[guilty] ?? null),
    frames: lines,
  };
}

/** In order of place; at one place holes stand before the wrap, which tears no line: nothing is missing there. */
function marksOf({ holes, wrap_at }: LogPlaces, bytes: Uint8Array): readonly { at: number; what: string }[] {
  const found = holes.map((hole) => ({ at: Math.min(hole.at, bytes.length), what: holeMark(hole) }));
  if (wrap_at > 0) {
    const lineAt = bytes.lastIndexOf(NEWLINE, wrap_at - 1) + 1;
    const at = Math.max(lineAt, ...found.map((hole) => (hole.at <= wrap_at ? hole.at : 0)));
    found.push({ at, what: WRAP_MARK });
  }
  return found.sort((a, b) => a.at - b.at);
}

function decoded(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return withoutControls(text).replaceAll('\r', '').replace(ACTING, '\u00b7');
}

function newlinesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
