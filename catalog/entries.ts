/** Reads the catalog's entries from their files. For the generator and for tests: programs read gen/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { parseDocument } from 'yaml';
import type { Entries } from './check.ts';
import {
  type Counter,
  CounterFile,
  DriverFile,
  type Reason,
  ReasonFile,
  type Trap,
  TrapFile,
} from './schema.ts';

const ROOT = join(import.meta.dirname, 'entries');

export interface Catalog extends Entries {
  /** By name: where it is to be seen. */
  readonly foundIn: ReadonlyMap<string, string>;
}

/** Throws with every file that cannot be read and every entry that lacks something, a line each. */
export function readEntries(): Catalog {
  const faults: string[] = [];
  const files = new Map<string, string>();
  const foundIn = new Map<string, string>();
  const contents = <F>(name: string, schema: TSchema): [path: string, content: F][] => {
    const all: [string, F][] = [];
    for (const file of readdirSync(join(ROOT, name)).sort()) {
      const path = `entries/${name}/${file}`;
      const document = parseDocument(readFileSync(join(ROOT, name, file), 'utf8'));
      const content = document.errors.length === 0 ? (document.toJS() as unknown) : undefined;
      faults.push(...document.errors.map(({ message }) => `${path}: ${message.split('\n')[0]}`));
      if (content === undefined) continue;
      if (Value.Check(schema, content)) all.push([path, content as F]);
      else
        faults.push(...Value.Errors(schema, content).map((e) => `${path}: ${e.instancePath}: ${e.message}`));
    }
    return all;
  };
  const folder = <E>(name: string, schema: TSchema): Map<string, E> => {
    const all = new Map<string, E>();
    type File = { found_in: string; entries: Record<string, E> };
    for (const [path, { found_in, entries }] of contents<File>(name, schema)) {
      for (const [entry, value] of Object.entries(entries)) {
        const other = files.get(entry);
        if (other !== undefined) faults.push(`${path}: ${entry}: stands in ${other} already`);
        files.set(entry, path);
        foundIn.set(entry, found_in);
        all.set(entry, value);
      }
    }
    return all;
  };
  const reasons = folder<Reason>('reasons', ReasonFile);
  const counters = folder<Counter>('counters', CounterFile);
  const traps = folder<Trap>('traps', TrapFile);
  const drivers = new Map(contents<DriverFile>('drivers', DriverFile));
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { reasons, counters, traps, drivers, files, foundIn };
}
