/** Whether the catalog has every name that a kernel exposes. Pure. */
import type { Catalog } from '../../catalog/entries.ts';
import { type LiveNames, REASONS } from './live-names.ts';

/** Names that the catalog has neither as an entry nor as an alias of one, each with the place that has it. */
export function namesWithoutEntry(live: LiveNames, { reasons, counters }: Catalog): string[] {
  const known = (entries: ReadonlyMap<string, { readonly aliases?: string[] }>) =>
    new Set([...entries].flatMap(([name, { aliases = [] }]) => [name, ...aliases]));
  const [knownReasons, knownCounters] = [known(reasons), known(counters)];
  return Object.entries(live).flatMap(([place, names]) =>
    names
      .filter((name) => !(place === REASONS ? knownReasons : knownCounters).has(name))
      .map((name) => `${place}: ${name}`),
  );
}
