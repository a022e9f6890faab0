/** Builds the release for this processor and unpacks it elsewhere, as people do. */
import { execFile } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Builds into `dir/dist` and unpacks below `dir/unpacked`.
 * @returns the unpacked folder. Rejects with what the build printed.
 */
export async function buildRelease(dir: string): Promise<string> {
  const build = join(import.meta.dirname, '../../scripts/release/build.ts');
  const dist = join(dir, 'dist');
  await run(process.execPath, [build, `--cpu=${process.arch}`, `--out=${dist}`]);
  const unpacked = join(dir, 'unpacked');
  mkdirSync(unpacked);
  await run('tar', ['xf', globSync(`${dist}/*.tar.gz`)[0] ?? '', '--directory', unpacked]);
  return globSync(`${unpacked}/*`)[0] ?? '';
}
