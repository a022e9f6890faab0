/**
 * Checks the catalog's entries and writes gen/, which is what programs read: rules.json, what the fold and agents go by,
 * texts.json, what people are told, and drivers.json, by which agents name drivers' statistics. `npm run generate`; with
 * --check it writes nothing and fails when what is committed differs from what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultsOf } from './check.ts';
import { type Catalog, readEntries } from './entries.ts';

/** Keys of an entry that programs go by; the others are for people. */
const RULES = [
  'lost',
  'layer',
  'direction',
  'alarm',
  'severity',
  'counted_by',
  'part_of',
  'unseen',
  'gauge',
  'reason',
  'aliases',
] as const;

function byKind(catalog: Catalog, pick: (entry: object, name: string) => object): object {
  const { reasons, counters, traps } = catalog;
  const all = (of: ReadonlyMap<string, object>) =>
    Object.fromEntries(
      [...of].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, pick(entry, name)]),
    );
  return { reasons: all(reasons), counters: all(counters), traps: all(traps) };
}

const isRule = (key: string) => RULES.some((rule) => rule === key);

function rulesOf(entry: object): object {
  const rows = Object.entries(entry).filter(([key]) => isRule(key));
  const places = Object.entries((entry as { places?: Record<string, object> }).places ?? {});
  const inPlaces = places.map(([fn, place]) => [fn, rulesOf(place)] as const);
  return {
    ...Object.fromEntries(rows),
    ...(inPlaces.length > 0 && { places: Object.fromEntries(inPlaces) }),
  };
}

function textsOf(entry: object): object {
  const rows = Object.entries(entry).filter(([key]) => !isRule(key) && key !== 'places');
  const places = Object.entries((entry as { places?: Record<string, object> }).places ?? {});
  const inPlaces = places.map(([fn, place]) => [fn, textsOf(place)] as const);
  return {
    ...Object.fromEntries(rows),
    ...(inPlaces.length > 0 && { places: Object.fromEntries(inPlaces) }),
  };
}

/** A line an entry, so that a change shows as one. */
function lines(value: object): string {
  const kinds = Object.entries(value).map(([kind, entries]) => {
    const rows = Object.entries(entries as object).map(
      ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`,
    );
    return `${JSON.stringify(kind)}:{\n${rows.join(',\n')}\n}`;
  });
  return `{\n${kinds.join(',\n')}\n}\n`;
}

const catalog = readEntries();
const faults = faultsOf(catalog);
const outputs = {
  'rules.json': lines(byKind(catalog, (entry) => rulesOf(entry))),
  'texts.json': lines(
    byKind(catalog, (entry, name) => ({ found_in: catalog.foundIn.get(name), ...textsOf(entry) })),
  ),
  'drivers.json': lines({
    drivers: Object.fromEntries(
      [...catalog.drivers.values()].map(({ driver, counters, ignored = [] }) => [
        driver,
        { counters, ignored },
      ]),
    ),
  }),
};
for (const [name, text] of Object.entries(outputs)) {
  const path = join(import.meta.dirname, 'gen', name);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text)
    faults.push(`catalog/gen/${name} is stale: run npm run generate`);
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
