/**
 * What the VMs are made of: Debian's kernels and its static busybox, fetched through apt, unpacked into a cache outside
 * the tree and never installed. Knows apt and dpkg, and nothing of how a VM is started.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VmError } from './error.ts';

const execute = promisify(execFile);

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'netfall/vm');

export const branches = ['6.1', '6.12'] as const;
export type Branch = (typeof branches)[number];

export function isBranch(text: string): text is Branch {
  return branches.some((branch) => branch === text);
}

export interface Kernel {
  /** As `uname -r` prints it. */
  readonly release: string;
  readonly image: string;
  /** The folder of lib/modules/RELEASE, as modprobe -d wants it. */
  readonly root: string;
}

/**
 * A kernel of that branch: the one in the cache, else the newest that apt offers. Throws a VmError `unavailable` when
 * neither has one.
 */
export async function fetchKernel(branch: Branch): Promise<Kernel> {
  // Of the flavours only the generic one has both 9p and every driver: "cloud" lacks 9p.
  const name = `^linux-image-${branch.replace('.', '\\.')}\\.[0-9]+[-+][a-z0-9.+]+-amd64$`;
  const root = await fetch(name, async (unpacked) => {
    await execute('depmod', ['-b', unpacked, await releaseIn(unpacked)]);
  });
  const release = await releaseIn(root);
  return { release, image: join(root, 'boot', `vmlinuz-${release}`), root };
}

/** The path of a busybox that needs no libraries. Throws as fetchKernel does. */
export async function fetchBusybox(): Promise<string> {
  return join(await fetch('^busybox-static$'), 'bin/busybox');
}

async function releaseIn(root: string): Promise<string> {
  const [release] = await readdir(join(root, 'lib/modules'));
  if (release === undefined) throw new VmError('unavailable', `${root} holds no kernel: remove it`);
  return release;
}

/** The folder of the unpacked package whose name matches; `prepare` runs once, before it enters the cache. */
async function fetch(name: string, prepare?: (folder: string) => Promise<void>): Promise<string> {
  const matching = new RegExp(name);
  return cached(
    (entry) => matching.test(entry.split('_')[0] ?? ''),
    async (work) => {
      const folder = join(work, 'unpacked');
      const file = await unpack(name, folder);
      await prepare?.(folder);
      return { folder, entry: file.replace(/_[^_]*\.deb$/, '') };
    },
  );
}

/**
 * The path of the cache's entry that fits. If there is none `make` makes it: in the folder `work`, which is removed
 * afterwards, it fills another one that becomes the entry.
 */
export async function cached(
  fits: (entry: string) => boolean,
  make: (work: string) => Promise<{ readonly folder: string; readonly entry: string }>,
): Promise<string> {
  await mkdir(cache, { recursive: true });
  const found = (await readdir(cache)).find(fits);
  if (found !== undefined) return join(cache, found);
  const work = await mkdtemp(join(cache, '.fetch-'));
  try {
    const { folder, entry } = await make(work);
    // Another process may have been faster, and what it made is as good.
    await rename(folder, join(cache, entry)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return join(cache, entry);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Unpacks the newest package whose name matches, an extended regular expression, into the folder, and returns the name
 * of its file. Throws a VmError `unavailable`.
 */
export async function unpack(name: string, folder: string): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'netfall-package-'));
  try {
    const file = await download(name, work).catch(async () => {
      // The package lists are missing, or older than what the archive still has.
      await execute('apt-get', ['-qq', 'update']);
      return download(name, work);
    });
    await execute('dpkg-deb', ['--extract', join(work, file), folder]);
    return file;
  } catch (error) {
    const message = `apt gives no package for the VM that matches ${name}: ${firstLine(error)}`;
    throw new VmError('unavailable', message, { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Downloads the newest package whose name matches into the folder, and returns the file's name there. */
async function download(name: string, folder: string): Promise<string> {
  const { stdout } = await execute('apt-cache', ['search', '--names-only', name]);
  const names = stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  const newest = names.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1);
  if (newest === undefined) throw new Error('it knows none');
  await execute('apt-get', ['-qq', 'download', newest], { cwd: folder });
  const file = (await readdir(folder)).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get download ${newest} left no file`);
  return file;
}

function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = 'stderr' in error && error.stderr ? String(error.stderr) : error.message;
  return text.trim().split('\n')[0] ?? '';
}
