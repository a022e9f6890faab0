/** What is left of a dying kernel's log, and what is missing of it. */

/** A stretch of a log that is missing. */
export interface Hole {
  /** Bytes of the log before it. */
  readonly at: number;
  /** How many bytes are missing: exactly, or at most; 0 when nobody knows. */
  readonly bytes: number;
  readonly exact: boolean;
}

/** A log as far as it could be put together: what there is of it, joined, and where something is missing. */
export interface CrashLog {
  readonly bytes: Uint8Array;
  /** In order of place; neighbours are one. */
  readonly holes: readonly Hole[];
  /** Where the kernel's ring buffer wrapped: bytes before it; 0 when it is not known to have. */
  readonly wrapAt: number;
}

/** A log as lines. */
export interface MarkedText {
  readonly text: string;
  /** Lines of it that are no messages, but stand where something is missing: counted from 0, in order. */
  readonly marks: readonly number[];
}

/** The log as text to look for lines in, with an empty line for each hole. What is no UTF-8 is replaced. */
export function markedText({ bytes, holes }: CrashLog): MarkedText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const marks: number[] = [];
  let text = '';
  let line = 0;
  let from = 0;
  for (const { at } of holes) {
    let part = buffer.toString('utf8', from, at);
    if (part !== '' && !part.endsWith('\n')) part += '\n';
    line += newlinesIn(part);
    marks.push(line++);
    text += `${part}\n`;
    from = at;
  }
  return { text: text + buffer.toString('utf8', from), marks };
}

/** How many lines a text ends, up to a place in it. */
export function newlinesIn(text: string, end: number = text.length): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
