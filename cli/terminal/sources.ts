/** What each source of an agent can do, as text: for `netfall up` and `netfall doctor`. Pure. */
import { SourceState, type SourceStatus } from '@netfall/proto';
import type { Paper } from './print.ts';
import { clean, type Style, styled, wrap } from './text.ts';

export interface SourceRow {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'unavailable' | 'off';
  readonly detail: string;
  /** Empty when nothing is missing. */
  readonly mend: string;
}

const STATES: Readonly<Record<number, SourceRow['state']>> = {
  [SourceState.SOURCE_STATE_OK]: 'ok',
  [SourceState.SOURCE_STATE_DEGRADED]: 'degraded',
  [SourceState.SOURCE_STATE_OFF]: 'off',
};
const TONES: Readonly<Record<SourceRow['state'], Style>> = {
  ok: 'green',
  degraded: 'yellow',
  unavailable: 'red',
  off: 'dim',
};

export function sourceRows(statuses: readonly SourceStatus[]): SourceRow[] {
  return statuses.map(({ name, state, detail, mend }) => ({
    name,
    state: STATES[state] ?? 'unavailable',
    detail,
    mend,
  }));
}

/**
 * A line or more a source, and below them each mend once. Mends are never broken, so that commands can be copied; what
 * stands behind "; " in one is another step, and behind ", or " another way, on a line of its own.
 */
export function sourceReport(rows: readonly SourceRow[], { width, colour }: Paper): string[] {
  const names = Math.max(0, ...rows.map(({ name }) => name.length));
  const indent = names + 2 + 'unavailable'.length + 2;
  const lines = rows.flatMap(({ name, state, detail }) => {
    const [first = '', ...rest] = wrap(clean(detail), Math.max(20, width - indent));
    const head = `${name.padEnd(names)}  ${styled(TONES[state], state.padEnd(11), colour)}  ${first}`;
    return [head.trimEnd(), ...rest.map((text) => ' '.repeat(indent) + text)];
  });
  const mends = Map.groupBy(
    rows.filter(({ mend }) => mend !== ''),
    ({ mend }) => mend,
  );
  return [...lines, ...[...mends].flatMap(([mend, lacking]) => ['', ...describeMend(mend, lacking)])];
}

function describeMend(mend: string, lacking: readonly SourceRow[]): string[] {
  const names = lacking.map(({ name }) => name).join(' and ');
  return clean(mend)
    .split('; ')
    .flatMap((step, i) => {
      const ways = step.split(', or ');
      const head = `${i === 0 ? `To mend ${names}` : 'and'}${ways.length > 1 ? ', one of' : ''}:`;
      return [head, ...ways.map((way) => `  ${way}`)];
    });
}
