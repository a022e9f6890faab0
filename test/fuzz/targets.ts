/** The targets there are: every file in targets/ is one, by its name. */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = join(import.meta.dirname, 'targets');

/** Files of targets, by name. */
export const TARGETS: ReadonlyMap<string, string> = new Map(
  globSync('*.ts', { cwd: folder })
    .sort()
    .map((file) => [basename(file, '.ts'), join(folder, file)]),
);
