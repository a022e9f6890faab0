/** The pages of two replays of one log, held against each other. Pure. */
import type { Notification } from '@netfall/collector';
import type { Paper } from '../terminal/print.ts';
import { clean, cut, moment, span } from '../terminal/text.ts';

/** Somebody is told that an incident fires, or became worse. */
export interface Page {
  /** Log time. */
  readonly at_us: number;
  readonly kind: Notification['kind'];
  readonly fingerprint: string;
  readonly title: string;
}

export interface PageChanges {
  /** Pages that the original did not have, and those that only it had. */
  readonly added: readonly Page[];
  readonly removed: readonly Page[];
  /** Those that both have, at another time: as they are now, and how much later that is, µs. */
  readonly moved: readonly (Page & { readonly later_us: number })[];
  readonly same: number;
}

/** Of pages with the same fingerprint and kind the first is held against the first, and so on. */
export function changesOf(original: readonly Page[], changed: readonly Page[]): PageChanges {
  const left = new Map<string, Page[]>();
  for (const page of original) {
    const same = left.get(keyOf(page));
    if (same) same.push(page);
    else left.set(keyOf(page), [page]);
  }
  const added: Page[] = [];
  const moved: (Page & { readonly later_us: number })[] = [];
  let same = 0;
  for (const page of changed) {
    const before = left.get(keyOf(page))?.shift();
    if (!before) added.push(page);
    else if (before.at_us === page.at_us) same++;
    else moved.push({ ...page, later_us: page.at_us - before.at_us });
  }
  const removed = [...left.values()].flat().sort((a, b) => a.at_us - b.at_us);
  return { added, removed, moved, same };
}

function keyOf({ kind, fingerprint }: Page): string {
  return `${kind} ${fingerprint}`;
}

/** A line a page, and first how many there are of each. */
export function pageChanges({ added, removed, moved, same }: PageChanges, { width }: Paper): string[] {
  const line = (mark: string, { at_us, kind, title }: Page, more = '') => {
    const worse = kind === 'escalated' ? 'worse: ' : '';
    return cut(`${mark} ${moment(at_us)}  ${worse}${clean(title)}${more}`, width);
  };
  const later = (us: number) => ` (${span(Math.abs(us) / 1_000_000)} ${us > 0 ? 'later' : 'sooner'})`;
  return [
    `Pages: ${added.length} added, ${removed.length} removed, ${moved.length} moved, ${same} as they were`,
    ...added.map((page) => line('+', page)),
    ...removed.map((page) => line('-', page)),
    ...moved.map((page) => line('~', page, later(page.later_us))),
  ];
}
