/** Reads the catalog's entries from their files. For the generator and for tests: programs read gen/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
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

interface File<F> {
  readonly path: string;
  readonly content: F;
  /** The file and the line of what is at these keys, or of the last of them that there is. */
  readonly at: (keys: readonly string[]) => string;
}

/**
 * Throws with every file that cannot be read and every entry that lacks something, a line each that begins with the file
 * and the line in it. @param root a folder with one a kind
 */
export function readEntries(root = ROOT): Catalog {
  const faults: string[] = [];
  const files = new Map<string, string>();
  const foundIn = new Map<string, string>();
  const contents = <F>(name: string, schema: TSchema): File<F>[] => {
    const all: File<F>[] = [];
    for (const file of readdirSync(join(root, name)).sort()) {
      const path = `entries/${name}/${file}`;
      const lines = new LineCounter();
      const document = parseDocument(readFileSync(join(root, name, file), 'utf8'), { lineCounter: lines });
      for (const { message, linePos } of document.errors) {
        faults.push(`${path}:${linePos?.[0].line ?? 1}: ${message.split(' at line ')[0]}`);
      }
      if (document.errors.length > 0) continue;
      const content = document.toJS() as unknown;
      const at = (keys: readonly string[]) =>
        `${path}:${lines.linePos(offsetOf(document.contents, keys)).line}`;
      if (Value.Check(schema, content)) all.push({ path, content: content as F, at });
      for (const { instancePath, keyword, message } of Value.Errors(schema, content)) {
        // It tells of the object, and once more, as `boolean`, of the key.
        if (keyword === 'additionalProperties') continue;
        const keys = instancePath.split('/').slice(1);
        const fault = keyword === 'boolean' ? 'there is no such key' : message;
        faults.push(`${at(keys)}: ${keys.join('.')}: ${fault}`);
      }
    }
    return all;
  };
  const folder = <E>(name: string, schema: TSchema): Map<string, E> => {
    const all = new Map<string, E>();
    type Content = { found_in: string; entries: Record<string, E> };
    for (const { content, at } of contents<Content>(name, schema)) {
      for (const [entry, value] of Object.entries(content.entries)) {
        const place = at(['entries', entry]);
        const other = files.get(entry);
        if (other !== undefined) faults.push(`${place}: ${entry}: stands in ${other} already`);
        files.set(entry, place);
        foundIn.set(entry, content.found_in);
        all.set(entry, value);
      }
    }
    return all;
  };
  const reasons = folder<Reason>('reasons', ReasonFile);
  const counters = folder<Counter>('counters', CounterFile);
  const traps = folder<Trap>('traps', TrapFile);
  const drivers = new Map(
    contents<DriverFile>('drivers', DriverFile).map(({ path, content }) => [path, content]),
  );
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { reasons, counters, traps, drivers, files, foundIn };
}

/** Where in the text the last of these keys stands that there is. */
function offsetOf(node: unknown, keys: readonly string[]): number {
  let offset = 0;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (!pair || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (isMap(node) || isScalar(node)) offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
