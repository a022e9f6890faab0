/** Finds and reads files that crashes left, in folders that may change meanwhile. It must not know what they hold. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A file, as it was when it was found. */
export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** When it was written, microseconds since the Unix epoch. */
  readonly mtimeUs: number;
}

/** What tells whether it is still the same. */
export function identityOf({ path, bytes, mtimeUs }: FoundFile): string {
  return `${path} ${bytes} ${mtimeUs}`;
}

/**
 * Finds files by their name in a folder and those below it, last names first. What cannot be read is left out, as is what
 * vanishes meanwhile.
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
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth > 0) {
      const below = findFiles(path, depth - 1, wanted, most - files.length);
      files.push(...below.files);
      left += below.left;
    } else if (entry.isFile() && wanted(entry.name)) {
      const stat = files.length < most ? statSync(path, { throwIfNoEntry: false }) : undefined;
      if (stat)
        files.push({ name: entry.name, path, bytes: stat.size, mtimeUs: Math.round(stat.mtimeMs * 1000) });
      else left++;
    }
  }
  return { files, left };
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? 1 : -1));
  } catch {
    return [];
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
