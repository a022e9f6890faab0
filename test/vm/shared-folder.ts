/**
 * The folders in which VMs and their host give each other files: one a VM, named after the process that made it. Whoever
 * is killed cannot remove its own, so the next one does.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes one, and removes those of processes that are gone. */
export async function makeSharedFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^netfall-vm-(\d+)-/.exec(name) ?? [];
    // Another user's stays: this one may not remove it.
    if (pid && !isAlive(Number(pid))) await removeSharedFolder(join(tmpdir(), name)).catch(() => {});
  }
  return mkdtemp(join(tmpdir(), `netfall-vm-${process.pid}-`));
}

export async function removeSharedFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
