/** Puts the workspaces' code into a release: the JavaScript that tsc emits, and the files that it reads at run time. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is started by its path; tsc finds the rest by following imports, so that no test or generator comes along. */
const PROGRAMS = ['cli/main.ts', 'collector/fold-worker.ts'];

/** What stands in workspaces and is not read at run time. */
const UNUSED = ['**/*.{ts,md,proto}', '**/{golden,testing,fixtures,node_modules}/**', 'proto/buf.yaml'];

/** Emits into `lib`, whose `node_modules` is there. @throws Error when tsc fails; it says why on standard output. */
export function emitJavaScript(root: string, lib: string, workspaces: readonly string[]): void {
  const exported = workspaces.flatMap((name) => exportsOf(root, name).map((path) => join(name, path)));
  const config = join(lib, 'tsconfig.json');
  const options = {
    noEmit: false,
    // `npm run check` looks at types; here a half-done edit elsewhere need not be in the way of a build.
    noCheck: true,
    rewriteRelativeImportExtensions: true,
    types: [],
    rootDir: root,
    outDir: lib,
  };
  const files = [...PROGRAMS, ...exported].map((path) => join(root, path));
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: options, include: [], files }),
  );
  const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--project', config], { stdio: 'inherit' });
  if (tsc.status !== 0) throw new Error(`tsc failed${tsc.error ? `: ${tsc.error.message}` : ''}`);
  rmSync(config);

  const folders = `{${workspaces.join(',')}}`;
  const entries = globSync(`${folders}/**/*`, { cwd: root, withFileTypes: true, exclude: UNUSED });
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const target = join(lib, path.slice(root.length));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
  }
  for (const name of workspaces) {
    const path = join(lib, name, 'package.json');
    const { devDependencies: _, exports, ...manifest } = JSON.parse(readFileSync(path, 'utf8'));
    const emitted = exports && JSON.parse(JSON.stringify(exports).replaceAll('.ts"', '.js"'));
    writeFileSync(path, `${JSON.stringify({ ...manifest, exports: emitted }, null, 2)}\n`);
  }
}

/** The files that a workspace's package.json names as those that others may import. */
function exportsOf(root: string, workspace: string): string[] {
  const { exports = {} } = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
  return Object.values(exports as Record<string, string>);
}
