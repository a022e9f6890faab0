/** Holds the drops that are watched against the kernel's own counters, and says in a line or two what comes of it. */
import type { Findings } from '@netfall/agent/audit';
import { type CounterWatch, NOWHERE } from '@netfall/agent/counters';
import { CounterTally } from '../counters/tally.ts';
import { compact, cut, percent, wrap } from '../terminal/text.ts';
import type { DropCount } from './tally.ts';

export interface Audited extends Findings {
  /** Drop events that are losses and that a counter counted, too. */
  readonly matched: number;
}

export class DropAudit {
  readonly #counters: CounterWatch;
  readonly #tally = new CounterTally();
  #found: Audited | null = null;

  /** @param counters opened right after what counts the drops, so that both cover a time of the same length. */
  constructor(counters: CounterWatch) {
    this.#counters = counters;
  }

  drop(row: Readonly<DropCount>): void {
    this.#tally.drop(row);
  }

  /** Reads the counters and audits all of the time so far; to be called right after the drops were read. */
  read(): void {
    this.#counters.read({ ...NOWHERE, counter: (...counter) => this.#tally.counter(...counter) });
    const findings = this.#tally.findings();
    this.#found = { ...findings, matched: this.#tally.matched(findings) };
  }

  /** As of the last reading; null before the first. */
  found(): Audited | null {
    return this.#found;
  }
}

/** At most two lines; none while there is nothing to say. */
export function auditLines({ matched, unseen, uncounted }: Audited, width: number): string[] {
  const losses = unseen.filter(({ possible }) => !possible);
  const unseenSum = losses.reduce((sum, { count }) => sum + count, 0);
  const uncountedSum = uncounted.reduce((sum, { events }) => sum + events, 0);
  const lost = matched + uncountedSum;
  const parts = [
    ...(lost > 0 ? [`${percent(matched / lost)} of losses counted by the kernel's counters too`] : []),
    ...(unseenSum > 0
      ? [
          `${compact(unseenSum)} counted and not seen (${largest(losses.map((row) => `${row.counter}${row.interface && ` ${row.interface}`}`))})`,
        ]
      : []),
    ...(uncountedSum > 0
      ? [
          `${compact(uncountedSum)} seen and counted nowhere (${largest(uncounted.map((row) => (row.function ? `${row.reason} in ${row.function}` : row.reason)))})`,
        ]
      : []),
  ];
  if (parts.length === 0) return [];
  const [first = '', ...rest] = wrap(`audit: ${parts.join('; ')}`, width);
  return rest.length === 0 ? [first] : [first, cut(rest.join(' '), width)];
}

/** The first of some names, and whether there are more. */
function largest([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} …`;
}
