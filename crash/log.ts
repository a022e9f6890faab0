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

/** The log as text to look for lines in: none goes across a hole. What is no UTF-8 is replaced. */
export function textOf({ bytes, holes }: CrashLog): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = '';
  let from = 0;
  for (const { at } of holes) {
    text += `${buffer.toString('utf8', from, at)}\n`;
    from = at;
  }
  return text + buffer.toString('utf8', from);
}
