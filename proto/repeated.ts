/**
 * Decodes submessages that a fleet says over and over, such as what its sources can do, once: the same bytes are the same
 * object again, which therefore nobody may change.
 */
import type { Reader } from 'protobufjs/minimal.js';

/** A decoder of protobufjs: reads `length` bytes of a submessage. */
type Decode<T> = (reader: Reader, length: number, ...rest: unknown[]) => T;

interface Known<T> {
  readonly bytes: Uint8Array;
  readonly message: T;
}

const PLACES = 1024;
const MOST_BYTES = 512;

/** `decode` with a memory, of PLACES submessages of up to MOST_BYTES. */
export function remembering<T>(decode: Decode<T>): Decode<T> {
  const known: (Known<T> | undefined)[] = new Array(PLACES).fill(undefined);
  return (reader, length, ...rest) => {
    const { buf, pos } = reader;
    if (length > MOST_BYTES || pos + length > reader.len) return decode(reader, length, ...rest);
    const place = placeOf(buf, pos, length);
    const last = known[place];
    if (last && isAt(buf, pos, length, last.bytes)) {
      reader.pos = pos + length;
      return last.message;
    }
    const message = decode(reader, length, ...rest);
    // A copy: the buffer may be a part of a batch.
    known[place] = { bytes: Uint8Array.from(buf.subarray(pos, pos + length)), message };
    return message;
  };
}

/** Where bytes are kept, by their length and some eight of them: which tells most apart, and costs the same for all. */
function placeOf(buf: Uint8Array, pos: number, length: number): number {
  const step = (length >> 3) + 1;
  let hash = length;
  for (let i = length - 1; i >= 0; i -= step) hash = (Math.imul(hash, 31) + (buf[pos + i] as number)) | 0;
  return (hash >>> 0) % PLACES;
}

function isAt(buf: Uint8Array, pos: number, length: number, bytes: Uint8Array): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (buf[pos + i] !== bytes[i]) return false;
  return true;
}
