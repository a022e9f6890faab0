/** `netfall explain`: what a drop reason, counter, trap or type of crash means. */
import { allNames, explain as entryOf, search } from '@netfall/catalog/explain';
import { suggest } from '../config/suggest.ts';
import { CommandError } from '../errors.ts';
import { allCrashTypes, crashTypeOf, crashTypePage, searchCrashTypes } from '../explain/crash-type.ts';
import { explanationPage, matchesList } from '../explain/page.ts';
import { print } from '../terminal/print.ts';

/** Matches that are listed at most. */
const MOST_MATCHES = 20;

export function explain(name: string, { json }: { readonly json?: boolean }): void {
  if (explainEntry(name, json)) return;
  const matches = [
    ...search(name).map((match) => ({ name: match, means: entryOf(match)?.means ?? '' })),
    ...searchCrashTypes(name).map((type) => ({ name: type.name, means: type.means })),
  ];
  const [only] = matches;
  if (!only) {
    const near = suggest(name, [...allNames(), ...allCrashTypes()]);
    throw new CommandError(
      `the catalog has no ${JSON.stringify(name)}${near ? `: did you mean ${near}?` : ''}; reasons are named as netfall drops shows them, counters as nstat does`,
    );
  }
  if (matches.length === 1 && explainEntry(only.name, json)) return;
  const listed = matches.slice(0, MOST_MATCHES);
  print(json, { query: name, matches }, (paper) => [
    ...matchesList(listed, paper),
    ...(matches.length > listed.length
      ? [`… and ${matches.length - listed.length} more: say more of the name`]
      : []),
  ]);
}

/** Whether there is an entry of that name. */
function explainEntry(name: string, json: boolean | undefined): boolean {
  const entry = entryOf(name);
  const type = crashTypeOf(name);
  if (entry) print(json, entry, (paper) => explanationPage(entry, paper));
  else if (type) print(json, type, (paper) => crashTypePage(type, paper));
  return entry !== undefined || type !== undefined;
}
