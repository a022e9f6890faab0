/** Announced changes as text. Pure. What others typed is cleaned. */
import type { ChangeView } from '@netfall/collector';
import { indented } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, cut, span } from '../terminal/text.ts';

/** A row for each, with its summary below: beside the rest there would be no room. */
export function changeList(changes: readonly ChangeView[], nowUs: number, paper: Paper): string[] {
  if (changes.length === 0) return ['No changes were announced.'];
  const [heading = '', ...rows] = table(
    changes,
    [
      { title: 'BEGAN', cell: ({ at_us }) => began(at_us, nowUs) },
      { title: 'KIND', cell: ({ kind }) => kind },
      { title: 'ID', cell: ({ id }) => id },
      { title: 'BY', cell: ({ by }) => by, flexible: true },
      { title: 'ON', cell: whereOf, flexible: true },
    ],
    paper,
  );
  const summaries = changes.map(({ summary }) => cut(`  ${clean(summary)}`, paper.width));
  return [heading, ...rows.flatMap((row, i) => [row, summaries[i] ?? ''])];
}

export function changeAnnounced(
  change: Pick<ChangeView, 'id' | 'summary' | 'attributes' | 'hosts'>,
  paper: Paper,
): string[] {
  return indented(clean(`Announced as ${change.id}, on ${whereOf(change)}: ${change.summary}`), 0, paper);
}

function began(atUs: number, nowUs: number): string {
  return atUs > nowUs ? `in ${span((atUs - nowUs) / 1e6)}` : ago(atUs, nowUs);
}

function whereOf({ attributes, hosts }: Pick<ChangeView, 'attributes' | 'hosts'>): string {
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  if (hosts.length + pairs.length === 0) return 'all hosts';
  const shared = pairs.length === 0 ? [] : [`hosts with ${pairs.sort().join(' and ')}`];
  return [...shared, ...hosts.toSorted()].join(', ');
}
