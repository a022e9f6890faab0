/** A small disk for tests: a real one (tmpfs) that can be filled to the last byte, and emptied again. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'netfall-disk-'));

  /** Mounts one of so many bytes. Throws where that is not allowed. */
  constructor(bytes: number) {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', this.dir], { stdio: 'ignore' });
    } catch (error) {
      rmSync(this.dir, { recursive: true });
      throw error;
    }
  }

  /** Takes all the room that there is. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (const chunk of [65_536, 4096]) {
        try {
          for (;;) writeSync(file, new Uint8Array(chunk));
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Gives the room back. */
  free(): void {
    rmSync(this.#ballast);
  }

  unmount(): void {
    execFileSync('umount', [this.dir]);
    rmSync(this.dir, { recursive: true });
  }

  get #ballast(): string {
    return join(this.dir, 'ballast');
  }
}

/** Whether this process may mount one. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    new SmallDisk(65_536).unmount();
    return true;
  } catch {
    return false;
  }
}

/** The name of a suite that needs one. */
export const onFullDisk = (mounts: boolean): string =>
  mounts ? 'a full disk' : 'a full disk (needs root and mount)';
