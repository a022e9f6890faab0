/**
 * What a source has told of before, kept in a file of the agent's data folder, so that a run after this one does not tell it
 * again. It must not know what the names mean.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Bytes of the file that are read: far more than is ever written. */
const MOST_FILE_BYTES = 4 * 1024 * 1024;

/** Names, of which the least recently used are forgotten. */
export class Seen {
  readonly #path: string | undefined;
  readonly #most: number;
  /** Newest last. */
  readonly #names = new Set<string>();
  #changed = false;
  /** Why it could not be saved. */
  #failed = '';

  /**
   * @param path of the file, a name on each line; undefined when nothing outlives the process
   * @param most names that are kept
   * @throws Error of fs when there is a file that cannot be read
   */
  constructor(path: string | undefined, most: number) {
    this.#path = path;
    this.#most = most;
    for (const name of path === undefined ? [] : namesIn(path)) this.#keep(name);
  }

  /** Whether a name was added, by this run or one before. */
  has(name: string): boolean {
    if (!this.#names.delete(name)) return false;
    this.#names.add(name);
    return true;
  }

  /** The name that was added or asked for last. */
  get newest(): string | undefined {
    return [...this.#names].at(-1);
  }

  /** @param name of one line */
  add(name: string): void {
    this.#keep(name);
    this.#changed = true;
  }

  /** Writes what was added since the last time; tried again the next time when it cannot. */
  save(): void {
    if (!this.#changed) return;
    this.#failed = '';
    try {
      if (this.#path !== undefined) replace(this.#path, [...this.#names, ''].join('\n'));
      this.#changed = false;
    } catch (error) {
      this.#failed = error instanceof Error ? error.message : String(error);
    }
  }

  /** What people should know for the moment; '' for nothing. */
  get remark(): string {
    return this.#failed && `what was reported cannot be kept for the next start (${this.#failed})`;
  }

  #keep(name: string): void {
    this.#names.delete(name);
    this.#names.add(name);
    for (const oldest of this.#names) {
      if (this.#names.size <= this.#most) break;
      this.#names.delete(oldest);
    }
  }
}

function namesIn(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8').slice(0, MOST_FILE_BYTES);
    return text.split('\n').filter((name) => name !== '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** As a whole, so that it is never half written. */
function replace(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const next = `${path}.new`;
  const file = openSync(next, 'w');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}
