/** Installs what a release needs at run time, for a processor that need not be this one. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isNotice } from './notices.ts';

/** What the code never reads: types, their sources, maps, documentation, and Node's headers and manuals. */
const UNUSED = ['**/*.{ts,mts,cts,map,md,markdown}', '**/.*', 'node-linux-*/{include,share}'];

/**
 * Lays out `lib` as npm would: each workspace's folder with its package.json, and `node_modules` with what they depend
 * on, Node among it, without scripts run.
 * @returns whether the registry has Node for this processor; `lib` is of no use otherwise.
 * @throws Error when npm fails; what npm says about it goes to standard error.
 */
export function installModules(
  root: string,
  lib: string,
  workspaces: readonly string[],
  cpu: string,
): boolean {
  for (const path of [
    'package.json',
    'package-lock.json',
    ...workspaces.map((name) => `${name}/package.json`),
  ]) {
    mkdirSync(dirname(join(lib, path)), { recursive: true });
    copyFileSync(join(root, path), join(lib, path));
  }
  const options = ['--include=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const platform = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc'];
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--omit=dev', ...options, ...platform, '--loglevel=error'],
    { cwd: lib, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0) {
    throw new Error(
      `npm ci failed${error ? `: ${error.message}` : ''}; it needs a package registry it can reach`,
    );
  }
  for (const name of ['package.json', 'package-lock.json']) rmSync(join(lib, name));
  const modules = join(lib, 'node_modules');
  for (const path of globSync(UNUSED, { cwd: modules })) {
    if (!isNotice(basename(path))) rmSync(join(modules, path), { recursive: true, force: true });
  }
  return existsSync(join(modules, `node-linux-${cpu}/bin/node`));
}
