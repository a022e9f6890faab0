/**
 * Builds the module in crash-module/ for a kernel of Debian's, with this machine's compiler and the headers that apt has.
 * Knows kbuild, and nothing of what the module does.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VmError } from './error.ts';
import { cached, type Kernel, unpack } from './packages.ts';

const execute = promisify(execFile);

const source = join(import.meta.dirname, 'crash-module');
const files = ['Kbuild', 'netfall_crash.c'];

/** The path of the module, built unless the cache has it. Throws a VmError `unavailable`. */
export async function fetchCrashModule({ release }: Kernel): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(join(source, file)));
  const entry = `crash-module-${release}_${hash.digest('hex').slice(0, 16)}`;
  const folder = await cached(
    (name) => name === entry,
    async (work) => ({ folder: await build(release, work), entry }),
  );
  return join(folder, 'netfall_crash.ko');
}

async function build(release: string, work: string): Promise<string> {
  for (const program of ['gcc', 'make']) {
    await execute(program, ['--version']).catch((cause) => {
      throw new VmError('unavailable', `needs ${program}`, { cause });
    });
  }
  const headers = await unpackHeaders(release, work);
  const folder = join(work, 'module');
  await mkdir(folder);
  for (const file of files) await cp(join(source, file), join(folder, file));
  const common = headers.replace(/-amd64$/, '-common');
  // The headers' own Makefile has an absolute path. Types for BPF would take pahole.
  const variables = [`M=${folder}`, 'CC=gcc', 'CONFIG_DEBUG_INFO_BTF_MODULES='];
  await execute('make', ['-C', headers, '-f', join(common, 'Makefile'), ...variables, 'modules']).catch(
    (cause) => {
      const said = String(cause.stderr).trim().split('\n')[0];
      throw new VmError('unavailable', `cannot build a module for Linux ${release}: ${said}`, { cause });
    },
  );
  return folder;
}

/** Unpacks the headers of a kernel below `work`, with what they link to; returns the folder to build in. */
async function unpackHeaders(release: string, work: string): Promise<string> {
  const exactly = (name: string) => `^${name.replaceAll(/[.+]/g, '\\$&')}$`;
  await unpack(exactly(`linux-headers-${release}`), work);
  await unpack(exactly(`linux-headers-${release.replace(/-amd64$/, '-common')}`), work);
  const headers = join(work, 'usr/src', `linux-headers-${release}`);
  const [, kbuild = ''] = /(linux-kbuild-[^/]+)/.exec(await readlink(join(headers, 'scripts'))) ?? [];
  await unpack(exactly(kbuild), work);
  return headers;
}
