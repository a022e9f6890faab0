/** Gathers the licences of the packages that a release ships. It must not know what else is in a release. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whether a file of a package, by its name, holds the licence or the notices that must go with it. */
export function isNotice(name: string): boolean {
  return /^(licen[cs]e|notice|copying)\b(?!.*\.[cm]?[jt]s$)/i.test(name);
}

/**
 * One text with each package in a `node_modules` folder: name, version, the licence that it declares, and its licence
 * and notice files whole, in the order of paths. Linked packages, which are our own, are left out.
 */
export function thirdPartyNotices(modules: string): string {
  const sections = globSync('**/package.json', { cwd: modules })
    .filter((path) => /^(.*\/node_modules\/)?(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .sort()
    .map((path) => {
      const {
        name,
        version,
        license = 'unnamed licence',
      } = JSON.parse(readFileSync(join(modules, path), 'utf8'));
      const folder = join(modules, dirname(path));
      const texts = readdirSync(folder)
        .filter(isNotice)
        .sort()
        .map((file) => readFileSync(join(folder, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    });
  return `${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
