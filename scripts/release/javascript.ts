/** Puts the workspaces' code into a release: the JavaScript that tsc emits, and the files that it reads at run time. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is started by its path; tsc finds the rest by following imports, so that no test or generator comes along. */
const PROGRAMS = ['cli/main.ts', 'collector/fold-worker.ts'];

/** What stands in workspaces and is not read at run time. */
const UNUSED = [
  '**/*.{ts,md,proto}',
  '**/{golden,testing,fixtures,node_modules}/**',
  'proto/buf.yaml',
  'catalog/entries',
];

/** Emits into `lib`, whose `node_modules` is there. @throws Error when tsc fails; it says why on standard output. */
export function emitJavaScript(root: string, lib: string, workspaces: readonly string[]): void {
  const config = join(lib, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    // `npm run check` looks at types; here a half-done edit elsewhere need not be in the way of a build.
    noCheck: true,
    rewriteRelativeImportExtensions: true,
    // What tsc finds below node_modules, where workspaces are linked, it takes for others' code and does not emit.
    paths: Object.fromEntries(workspaces.flatMap((name) => exportsOf(root, name))),
    types: [],
    rootDir: root,
    outDir: lib,
  };
  const files = PROGRAMS.map((path) => join(root, path));
  writeFileSync(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }),
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

/** What others may import of a workspace by its package.json, and the source of each. */
function exportsOf(root: string, workspace: string): [string, string[]][] {
  const { name, exports = {} } = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
  return Object.entries<string>(exports).map(([path, source]) => [
    join(name, path),
    [join(root, workspace, source)],
  ]);
}
