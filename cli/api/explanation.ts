/**
 * Why these hosts and no others, as text: what an incident's hosts have in common with its numbers, what explains it as
 * well, and which hosts tell the two apart. Pure.
 */
import type { AttributeValue, IncidentView, Signal } from '@netfall/collector';
import { clean, compact, percent } from '../terminal/text.ts';

type Explanation = NonNullable<IncidentView['explanation']>;

/** What is shown of each list. */
const MOST_EQUAL = 8;
const MOST_RIVALS = 3;

/** Unwrapped lines: what goes on in the next line is to be indented by two more. */
export function explanationLines({ explanation, unexplained }: IncidentView): string[] {
  if (!explanation) return [];
  return [
    `${itemsOf(explanation.items)}: ${shareOf(explanation.affected, explanation.covered)}`,
    ...(explanation.others > 0
      ? [`all others: ${shareOf(explanation.others_affected, explanation.others)}`]
      : []),
    `support ${percent(explanation.support_ppm / 1e6)}, lift ${times(explanation.lift_milli)}, ` +
      `risk ratio ${times(explanation.risk_ratio_milli)}`,
    ...equalLines(explanation),
    ...rivalLines(explanation),
    ...(unexplained.total > 0 ? [`unexplained: ${someOf(unexplained.hosts, unexplained.total)}`] : []),
  ];
}

function equalLines({ equivalents }: Explanation): string[] {
  const more = equivalents.length - MOST_EQUAL;
  return [
    ...equivalents
      .slice(0, MOST_EQUAL)
      .map((items) => `just as well: ${itemsOf(items)}, exactly the same hosts`),
    ...(more > 0 ? [`just as well: ${more} more`] : []),
  ];
}

function rivalLines({ items, rivals }: Explanation): string[] {
  return rivals
    .slice(0, MOST_RIVALS)
    .flatMap((rival) => [
      `nearly as well: ${itemsOf(rival.items)}: ${shareOf(rival.affected, rival.covered)}`,
      ...(rival.without.length > 0
        ? [`  ${itemsOf(items)} without ${itemsOf(rival.items)}: ${rival.without.map(clean).join(', ')}`]
        : []),
      ...(rival.beyond.length > 0
        ? [`  ${itemsOf(rival.items)} without ${itemsOf(items)}: ${rival.beyond.map(clean).join(', ')}`]
        : []),
    ]);
}

/** E.g. "rack r12 + kernel 6.1.0". */
function itemsOf(items: readonly AttributeValue[]): string {
  const names = items.map(({ attribute, value }) => clean(`${attribute} ${value}`));
  return names.join(' + ') || 'the whole fleet';
}

/** E.g. "NEIGH_FAILED in neigh_timer_handler". */
export function signalName(signal: Signal): string {
  if (signal.kind === 'drop') return `${signal.reason} in ${signal.function || 'an unknown function'}`;
  if (signal.kind === 'counter') return signal.counter;
  if (signal.kind === 'crash') return signal.title || 'a crash that nobody has read';
  return signal.kind;
}

function shareOf(part: number, whole: number): string {
  return `${part} of ${whole} hosts (${percent(whole === 0 ? 0 : part / whole)})`;
}

/** Names, and how many more there are. */
export function someOf(names: readonly string[], total: number): string {
  const more = total - names.length;
  const shown = names.map(clean).join(', ');
  return more > 0 ? `${shown}${shown === '' ? '' : ' and '}${more} more` : shown;
}

/** Thousandths as a factor. */
function times(milli: number): string {
  return `${compact(milli >= 10_000 ? Math.round(milli / 1000) : milli / 1000)}×`;
}
