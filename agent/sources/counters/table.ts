/**
 * Files of counters under /proc/net as tables of slots. Each parser learns a file's layout from its names and keeps it for
 * as long as these stay the same, so that reading a file again allocates nothing. This file holds what they share.
 */
import type { Collector } from '../../source.ts';

export interface TableParser {
  /**
   * Reads a file's content and reports growth. Returns how many lines were malformed: those are passed over. Any bytes
   * are accepted.
   */
  parse(bytes: Uint8Array, length: number, into: Collector): number;
}

/** Columns or lines that a table may have at most; what is beyond is malformed. */
export const MOST_COLUMNS = 1024;
/** Bytes that a name may have. */
const MOST_NAME_BYTES = 128;

/** A counter's name out of bytes; undefined when it is empty, too long, or not printable ASCII. */
export function nameOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end <= start || end - start > MOST_NAME_BYTES) return undefined;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte <= 0x20 || byte >= 0x7f) return undefined;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** A copy, also of a Buffer, whose own slice() would be a view of bytes that are overwritten by the next reading. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(start, end));
}
