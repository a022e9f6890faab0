/** Small files under a root that stands in for `/`. A file that cannot be read is an empty one. */
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Bounds what is read of a file: /proc/cpuinfo of a large machine costs its kernel milliseconds to write out. */
const MOST_BYTES = 64 * 1024;
const FIRST_BYTES = 4096;

export class FileTree {
  readonly #root: string;
  readonly #buffer = Buffer.alloc(MOST_BYTES);

  constructor(root: string) {
    this.#root = root;
  }

  /** A file's beginning, at most 64 KiB; of /proc/cpuinfo only the first processors. */
  text(path: string): string {
    let file: number | undefined;
    try {
      file = openSync(join(this.#root, path), 'r');
      let length = 0;
      const most = path === 'proc/cpuinfo' ? FIRST_BYTES : MOST_BYTES;
      while (length < most) {
        const read = readSync(file, this.#buffer, length, most - length, null);
        if (read === 0) break;
        length += read;
      }
      return this.#buffer.toString('utf8', 0, length);
    } catch {
      return '';
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** A file of one line, without white space around it. */
  line(path: string): string {
    return this.text(path).trim();
  }

  /** The names in a folder, sorted. */
  names(path: string): string[] {
    try {
      return readdirSync(join(this.#root, path)).sort();
    } catch {
      return [];
    }
  }

  /** The last part of what a symbolic link points to. */
  linkName(path: string): string {
    try {
      return basename(readlinkSync(join(this.#root, path)));
    } catch {
      return '';
    }
  }
}
