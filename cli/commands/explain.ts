/** `netfall explain`: what a drop reason, counter or trap means. */
import { allNames, explain as entryOf, search } from '@netfall/catalog/explain';
import { suggest } from '../config/suggest.ts';
import { CommandError } from '../errors.ts';
import { explanationPage, matchesList } from '../explain/page.ts';
import { print } from '../terminal/print.ts';

/** Matches that are listed at most. */
const MOST_MATCHES = 20;

export function explain(name: string, { json }: { readonly json?: boolean }): void {
  const matches = entryOf(name) ? [name] : search(name);
  const [only = ''] = matches;
  const entry = matches.length === 1 ? entryOf(only) : undefined;
  if (entry) {
    print(json, entry, (paper) => explanationPage(entry, paper));
    return;
  }
  if (matches.length === 0) {
    const near = suggest(name, allNames());
    throw new CommandError(
      `the catalog has no ${JSON.stringify(name)}${near ? `: did you mean ${near}?` : ''}; reasons are named as netfall drops shows them, counters as nstat does`,
    );
  }
  const listed = matches.slice(0, MOST_MATCHES);
  const document = {
    query: name,
    matches: matches.map((match) => ({ name: match, means: entryOf(match)?.means })),
  };
  print(json, document, (paper) => [
    ...matchesList(listed, paper),
    ...(matches.length > listed.length
      ? [`… and ${matches.length - listed.length} more: say more of the name`]
      : []),
  ]);
}
