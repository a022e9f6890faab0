/** Silences and maintenance as text. Pure. What others typed is cleaned. */
import type { SilenceView } from '@netfall/collector';
import { indented } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, cut, moment, span } from '../terminal/text.ts';
import type { MadeSilence, NewSilence } from './client.ts';

/** A row for each, with what it is about and why below: beside the rest there would be no room. */
export function silenceList(silences: readonly SilenceView[], nowUs: number, paper: Paper): string[] {
  if (silences.length === 0) return ['Nothing is silenced.'];
  const [heading = '', ...rows] = table(
    silences,
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'KIND', cell: ({ maintenance }) => (maintenance ? 'maintenance' : 'silence') },
      { title: 'HOLDS', cell: (one) => holds(one, nowUs) },
      { title: 'BY', cell: ({ by }) => by, flexible: true },
    ],
    paper,
  );
  const about = silences.map(({ matchers, comment }) => {
    return cut(
      `  ${clean(matchers.join(' and '))}${comment === '' ? '' : `: ${clean(comment)}`}`,
      paper.width,
    );
  });
  return [heading, ...rows.flatMap((row, i) => [row, about[i] ?? ''])];
}

/** What was made, and what it covers. */
export function silenceMade(wanted: NewSilence, made: MadeSilence, nowUs: number, paper: Paper): string[] {
  const { matchers, from_us, for_s, maintenance } = wanted;
  const { id, hosts, incidents } = made;
  const until = moment((from_us || nowUs) + for_s * 1_000_000);
  const from = from_us > nowUs ? `from ${moment(from_us)}` : 'from now on';
  const open = incidents === 1 ? '1 open incident' : `${incidents} open incidents`;
  const covered = hosts === null ? open : `${hosts === 1 ? '1 host' : `${hosts} hosts`} and ${open}`;
  const lines = [
    `${maintenance ? 'Maintenance' : 'Silence'} ${id} holds ${from} until ${until}, about ${matchers.join(' and ')}.`,
    `It covers ${covered} now. "netfall silences end ${id}" ends it before its time.`,
    ...(hosts === 0 ? ['No host fits: "netfall hosts --json" shows the attributes that hosts have.'] : []),
  ];
  return lines.flatMap((line) => indented(clean(line), 0, paper));
}

export function silenceEnded(id: string): string[] {
  return [`${id} is over.`];
}

function holds({ state, from_us, until_us, ended_us }: SilenceView, nowUs: number): string {
  if (state === 'active') return `for ${span((until_us - nowUs) / 1e6)}`;
  if (state === 'pending') return `in ${span((from_us - nowUs) / 1e6)}`;
  return `until ${ago(ended_us === 0 ? until_us : Math.min(ended_us, until_us), nowUs)}`;
}
