/** Packs a folder so that the same files give the same bytes, whoever packs them, where and when. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/**
 * Writes `parent/name` as a tar archive, compressed, with names in order, no owner, and one time for all files.
 * @param seconds since 1970.
 * @throws Error when GNU tar fails or is missing.
 */
export async function pack(parent: string, name: string, archive: string, seconds: number): Promise<void> {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  const tar = spawn(
    'tar',
    ['--create', '--format=gnu', ...same, `--mtime=@${seconds}`, '--directory', parent, name],
    { env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [[code]] = await Promise.all([
    once(tar, 'close'),
    pipeline(tar.stdout, createGzip(), createWriteStream(archive)),
  ]);
  if (code !== 0) throw new Error(`tar ended with ${code} while it packed ${name}`);
}
