/** Reads a kernel's log from a file or standard input, as it is or packed by gzip. It must not know what logs tell. */
import { createReadStream } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type MarkedText, readMarked } from '@netfall/crash';
import { CommandError } from '../errors.ts';

/** What stands for standard input among names of files. */
export const STDIN = '-';

/** A longer log is refused, bytes: agents keep none either. */
const MOST_LOG_BYTES = 16 * 1024 * 1024;

/** @param file a path, or {@link STDIN}. Throws CommandError. */
export async function readLogFile(file: string): Promise<MarkedText> {
  const text = (await read(file)).toString('utf8');
  return readMarked(text);
}

async function read(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of file === STDIN ? process.stdin : createReadStream(file)) {
      length += chunk.length;
      if (length > MOST_LOG_BYTES) throw tooLong(file);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks, length);
    return isPacked(bytes) ? gunzipSync(bytes, { maxOutputLength: MOST_LOG_BYTES }) : bytes;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof CommandError) throw error;
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(file);
    if (String(error.code).startsWith('Z_'))
      throw new CommandError(`${file} cannot be unpacked (${error.message}): name a whole file of gzip's`);
    throw new CommandError(`${file} cannot be read (${error.code}): name a readable log of a kernel`);
  }
}

/** Whatever it is called: by what gzip begins with (RFC 1952). */
function isPacked(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function tooLong(file: string): CommandError {
  return new CommandError(`${file} is over 16 MiB: give the part of it that has the crash`);
}
