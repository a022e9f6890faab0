/**
 * The newest entry of the log that the agent goes by, kept in its data folder: a start goes by it before the log answers.
 * It must not know what the entry says.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Stored } from '@netfall/log';
import { readEventLine, writeEventLine } from '@netfall/proto';

/** Where an entry outlives the process. */
export interface LastWord {
  /** The entry that was kept last; undefined when there is none. @throws Error when it cannot be read. */
  read(): Stored | undefined;
  /** Keeps an entry in place of the one before. @throws Error of fs */
  write(entry: Stored): void;
}

/** Keeps it in `FOLDER/NAME`, as one line of JSON; the folder is made when it is missing. */
export function openLastWord(folder: string, name: string): LastWord {
  const path = join(folder, name);
  return {
    read() {
      try {
        return readEventLine(readFileSync(path, 'utf8'), 1);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write(entry) {
      mkdirSync(folder, { recursive: true });
      const next = `${path}.new`;
      const file = openSync(next, 'w');
      try {
        writeSync(file, `${writeEventLine(entry)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      // As a whole, so that it is never half written.
      renameSync(next, path);
    },
  };
}
