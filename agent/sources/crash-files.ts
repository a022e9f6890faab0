/** Finds and reads files that crashes left, in folders that may change meanwhile. It must not know what they hold. */
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** A file, as it was when it was found. */
export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  /** When it was written, microseconds since the Unix epoch. */
  readonly mtimeUs: number;
}

/** What tells whether it is still the same. */
export function identityOf({ path, size, mtimeUs }: FoundFile): string {
  return `${path} ${size} ${mtimeUs}`;
}

/**
 * Finds files by their name in a folder and those below it, last names first. What cannot be read is left out, as is what
 * vanishes meanwhile, and what belongs to somebody else than the folder that it is in: some systems let everybody write there.
 * @param depth of folders below it
 * @returns at most `most` files, and how many there were besides
 */
export function findFiles(
  folder: string,
  depth: number,
  wanted: (name: string) => boolean,
  most: number,
): { files: FoundFile[]; left: number } {
  const files: FoundFile[] = [];
  let left = 0;
  const owner = statusOf(folder)?.uid;
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    const isWanted = wanted(name);
    const status = isWanted || depth > 0 ? statusOf(path) : undefined;
    if (!status || status.uid !== owner) continue;
    if (status.isDirectory() && depth > 0) {
      const below = findFiles(path, depth - 1, wanted, most - files.length);
      files.push(...below.files);
      left += below.left;
    } else if (status.isFile() && isWanted) {
      const mtimeUs = Math.round(status.mtimeMs * 1000);
      if (files.length < most) files.push({ name, path, size: status.size, mtimeUs });
      else left++;
    }
  }
  return { files, left };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort().reverse();
  } catch {
    return [];
  }
}

/** Of the file itself where it is a symbolic link. */
function statusOf(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Reads a file's beginning or its end, at most `most` bytes. @throws Error of fs */
export function readBytes(path: string, most: number, from: 'beginning' | 'end' = 'beginning'): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = from === 'end' ? Math.max(0, size - most) : 0;
    const bytes = new Uint8Array(Math.min(most, size - start));
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(file, bytes, length, bytes.length - length, start + length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
