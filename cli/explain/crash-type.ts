/** Types of crashes, beside the catalog's entries. Pure. */
import { folded, hasWords } from '@netfall/catalog/explain';
import { type CrashType, crashTypes } from '@netfall/crash';
import { indented, labelled } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { styled } from '../terminal/text.ts';

/** A type, as JSON has it. */
export interface CrashTypeEntry {
  readonly name: CrashType;
  readonly kind: 'crash';
  readonly title: string;
  readonly means: string;
  /** Whether the kernel usually goes on. */
  readonly survived: boolean;
}

const LABELS = 16;
const names = Object.keys(crashTypes) as CrashType[];

/** The type of that name or title, in any case and punctuation. */
export function crashTypeOf(name: string): CrashTypeEntry | undefined {
  const wanted = folded(name);
  const found = names.find((type) => [type, crashTypes[type].title].some((text) => folded(text) === wanted));
  return found && entryOf(found);
}

/** Types that have all words of a query: in their name or title, or else in their meaning. */
export function searchCrashTypes(query: string): CrashTypeEntry[] {
  const has = hasWords(query);
  if (!has) return [];
  const named = names.filter((type) => has(`${type} ${crashTypes[type].title}`));
  const mentioned = names.filter((type) => !named.includes(type) && has(crashTypes[type].meaning));
  return [...named, ...mentioned].map(entryOf);
}

export function allCrashTypes(): readonly CrashType[] {
  return names;
}

export function crashTypePage({ name, title, means, survived }: CrashTypeEntry, paper: Paper): string[] {
  const goesOn = survived
    ? 'usually: it tells of it and goes on, unless it is set to panic'
    : 'usually not: it kills what it was at, or stops';
  return [
    styled('bold', name, paper.colour) + styled('dim', `  crash, ${title}`, paper.colour),
    '',
    ...indented(means, 2, paper),
    '',
    ...labelled('  survived', goesOn, LABELS, paper),
    ...labelled('  seen by', 'netfall crashes, netfall crash parse FILE', LABELS, paper),
  ];
}

function entryOf(name: CrashType): CrashTypeEntry {
  const { title, meaning, survived } = crashTypes[name];
  return { name, kind: 'crash', title, means: meaning, survived };
}
