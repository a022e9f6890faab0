/** An entry of the catalog as a page of a manual. Pure. */
import { type Explanation, explain, type Place } from '@netfall/catalog/explain';
import { indented, labelled, section } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { cut, styled } from '../terminal/text.ts';

/** Lines are easier to read when they are not much longer. */
const WIDEST = 88;
/** Columns that the labels of facts take. */
const LABELS = 16;

export function explanationPage(entry: Explanation, { width, colour }: Paper): string[] {
  const columns = Math.min(width, WIDEST);
  const paper = { width: columns, colour };
  return [
    ...heading(entry, paper),
    '',
    ...indented(entry.means, 2, paper),
    '',
    ...facts(entry, paper),
    ...countedBy(entry, paper),
    ...places(entry, paper),
    ...causes(entry, paper),
    ...seeAlso(entry, paper),
  ];
}

/** What a query fits, a line each: names with what they mean. */
export function matchesList(
  matches: readonly { readonly name: string; readonly means: string }[],
  { width, colour }: Paper,
): string[] {
  const column = Math.max(...matches.map(({ name }) => name.length));
  return matches.map(({ name, means }) => {
    const space = ' '.repeat(column - name.length + 2);
    return `${styled('bold', name, colour)}${space}${cut(means, Math.max(8, width - column - 2))}`;
  });
}

function heading({ name, kind, found_in }: Explanation, { width, colour }: Paper): string[] {
  const where = kind === 'counter' ? `counter, ${found_in}` : found_in;
  const space = width - name.length - where.length;
  if (space < 2) return [styled('bold', name, colour), ...indented(where, 2, { width, colour })];
  return [styled('bold', name, colour) + ' '.repeat(space) + styled('dim', where, colour)];
}

function facts(entry: Explanation, paper: Paper): string[] {
  const { lost, condition, layer, direction, since, until, aliases, group, reason, gauge, unseen } = entry;
  const rows: (readonly [string, string | undefined])[] = [
    ['lost packet', gauge ? 'no: a level or a setting' : lossOf(lost, condition)],
    ['where', direction === 'any' ? layer : `${layer}, ${directions[direction]}`],
    ['alarming', alarmOf(entry)],
    ['seen as', unseen && 'this counter alone: the packet never gets so far that a drop event could show it'],
    ['group', group],
    ['as reason', reason],
    [
      'kernels',
      since || until ? `${since ? `since ${since}` : ''}${until ? ` up to ${until}` : ''}`.trim() : '',
    ],
    ['also called', aliases?.join(', ')],
  ];
  return rows.flatMap(([name, text]) => (text ? labelled(`  ${name}`, text, LABELS, paper) : []));
}

const directions = { receive: 'receiving', transmit: 'sending', forward: 'forwarding' } as const;

function lossOf(lost: Explanation['lost'], condition: string | undefined): string {
  if (lost === 'always') return 'always';
  return lost === 'never' ? 'never' : `sometimes. ${condition}`;
}

function alarmOf({ alarm, severity }: Pick<Explanation, 'alarm' | 'severity'>): string {
  if (alarm === 'never') return 'never by itself: everyday at any rate';
  if (alarm === 0) return `from the first (${severity})`;
  return `from ${alarm} a second on a host (${severity}); everyday below`;
}

function countedBy(
  { kind, counted_by = [], counts = [], part_of = [], parts = [] }: Explanation,
  paper: Paper,
) {
  if (kind === 'trap') return [];
  const rows = [
    ...counted_by.map((row) => `${row.counter}${rider(row)}`),
    ...counts.map((row) => `${row.reason}${rider(row)}`),
    ...part_of.map((sum) => `${sum}, the sum that it is a part of`),
    ...parts.map((part) => `${part}, a part of it`),
  ];
  if (kind === 'reason' && rows.length === 0) rows.push('No counter counts these drops.');
  const title = kind === 'reason' ? 'COUNTED BY' : 'MOVES TOGETHER WITH';
  return section(
    title,
    rows.flatMap((row) => indented(row, 2, paper)),
    paper,
  );
}

function rider({
  function: fn,
  protocol,
  sometimes,
}: {
  function?: string;
  protocol?: string;
  sometimes?: true;
}) {
  const parts = [protocol, fn && `in ${fn}`, sometimes && 'not always'].filter(Boolean);
  return parts.length === 0 ? '' : `  (${parts.join(', ')})`;
}

/** Functions of which the same is to be said stand together. */
function places({ places = {} }: Explanation, paper: Paper): string[] {
  const functions = new Map<string, string[]>();
  for (const [fn, place] of Object.entries(places)) {
    const text = placeText(place);
    if (text === '') continue;
    functions.set(text, [...(functions.get(text) ?? []), fn]);
  }
  const lines = [...functions].flatMap(([text, names]) => [
    ...indented(names.join(', '), 2, paper).map((line) => styled('bold', line, paper.colour)),
    ...indented(text, 4, paper),
  ]);
  return section('BY FUNCTION', lines, paper);
}

function placeText({ means, alarm, severity, counted_by = [] }: Place): string {
  const sentences = [
    means,
    alarm === 'never' ? 'Everyday at any rate.' : undefined,
    typeof alarm === 'number'
      ? `Alarming from ${alarm === 0 ? 'the first' : `${alarm} a second`}${severity ? ` (${severity})` : ''}.`
      : undefined,
    counted_by.length > 0 ? `Counted by ${counted_by.map(({ counter }) => counter).join(', ')}.` : undefined,
  ];
  return sentences.filter(Boolean).join(' ');
}

function causes({ causes = [] }: Explanation, paper: Paper): string[] {
  const lines = causes.flatMap(({ cause, tell, mend }, i) => [
    ...(i > 0 ? [''] : []),
    ...indented(cause, 5, paper).map((line, at) => (at === 0 ? `  ${i + 1}. ${line.trimStart()}` : line)),
    ...tell.flatMap(({ run, shows }) => [
      `     ${styled('bold', `$ ${run}`, paper.colour)}`,
      ...indented(shows, 7, paper),
    ]),
    ...indented(`Mend: ${mend}`, 5, paper),
  ]);
  return section(causes.length === 1 ? 'LIKELY CAUSE' : 'LIKELY CAUSES', lines, paper);
}

function seeAlso({ see = [] }: Explanation, paper: Paper): string[] {
  if (see.length === 0) return [];
  const entries = see.map((name) => ({ name, means: explain(name)?.means ?? '' }));
  const lines = matchesList(entries, { ...paper, width: paper.width - 2 });
  return section(
    'SEE ALSO',
    lines.map((line) => `  ${line}`),
    paper,
  );
}
