/** The audit of this host as text. Pure. */
import type { Findings } from '@netfall/agent/audit';
import { dropMeaning, explain } from '@netfall/catalog/explain';
import type { SocketDrops } from '@netfall/proto';
import type { Paper } from '../terminal/print.ts';
import { type Column, table } from '../terminal/table.ts';
import { clean, compact, cut, styled, wrap } from '../terminal/text.ts';
import type { CounterLine } from './tally.ts';

export interface CountersView {
  readonly host: string;
  readonly elapsedS: number;
  /** null when drops could not be counted; `why` then says why. */
  readonly findings: Findings | null;
  readonly why: string;
  readonly counters: readonly CounterLine[];
  readonly sockets: readonly SocketDrops[];
  readonly losses: Readonly<Record<string, number>>;
}

export function countersPage(view: CountersView, paper: Paper): string[] {
  const { host, elapsedS, findings, counters, sockets, losses, why } = view;
  const lost = Object.entries(losses);
  return [
    styled('bold', cut(`${clean(host)}, ${elapsedS.toFixed(1)} s`, paper.width), paper.colour),
    ...(findings
      ? audited(findings, elapsedS, paper)
      : ['', ...wrap(`Not audited: ${clean(why)}`, paper.width)]),
    ...section('SOCKETS THAT LOST PACKETS', socketRows(sockets, elapsedS, paper), paper),
    ...section('COUNTERS THAT MOVED', counterRows(counters, elapsedS, paper), paper),
    ...(lost.length === 0
      ? []
      : [
          '',
          ...wrap(
            `Missed while reading: ${lost.map(([hop, n]) => `${hop} ${compact(n)}`).join(', ')}`,
            paper.width,
          ),
        ]),
  ];
}

function audited({ explained, unseen, uncounted }: Findings, elapsedS: number, paper: Paper): string[] {
  const events = amount<{ readonly events: number }>('EVENTS', ({ events }) => events, elapsedS);
  const nothing = explained.length + unseen.length + uncounted.length === 0;
  return [
    ...(nothing ? ['', 'No drops, and no counter of losses moved.'] : []),
    ...section(
      'DROPS THAT A COUNTER COUNTED, TOO',
      table(
        explained,
        [
          ...events,
          { title: 'REASON', cell: ({ reason }) => reason },
          { title: 'FUNCTION', cell: ({ function: fn }) => fn, flexible: true },
          { title: 'COUNTER', cell: ({ counter }) => counter },
        ],
        paper,
      ),
      paper,
    ),
    ...section(
      'COUNTED, AND NOT SEEN AS A DROP',
      table(
        unseen,
        [
          ...amount<(typeof unseen)[number]>('COUNT', ({ count }) => count, elapsedS),
          { title: 'COUNTER', cell: ({ counter }) => counter },
          { title: 'WHERE', cell: ({ interface: iface }) => iface },
          {
            title: 'WHAT IT MEANS',
            cell: ({ counter, possible }) =>
              (possible ? '(perhaps no loss) ' : '') + (explain(counter)?.means ?? ''),
            flexible: true,
          },
        ],
        paper,
      ),
      paper,
    ),
    ...section(
      'SEEN AS A DROP, AND COUNTED NOWHERE',
      table(
        uncounted,
        [
          ...events,
          { title: 'REASON', cell: ({ reason }) => reason },
          { title: 'FUNCTION', cell: ({ function: fn }) => fn },
          {
            title: 'WHAT IT MEANS',
            cell: ({ reason, function: fn }) => dropMeaning(reason, fn),
            flexible: true,
          },
        ],
        paper,
      ),
      paper,
    ),
  ];
}

function socketRows(sockets: readonly SocketDrops[], elapsedS: number, paper: Paper): string[] {
  return table(
    sockets,
    [
      ...amount<SocketDrops>('DROPS', ({ drops }) => drops, elapsedS),
      { title: 'PROTOCOL', cell: ({ protocol }) => protocol },
      { title: 'LOCAL', cell: ({ local_address, local_port }) => place(local_address, local_port) },
      { title: 'PROCESS', cell: ({ process: name, pid }) => (pid === 0 ? '' : `${name} (${pid})`) },
      { title: 'OWNER', cell: ({ owner }) => owner, flexible: true },
    ],
    paper,
  );
}

/** An address with its port, IPv6 in brackets. */
function place(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function counterRows(counters: readonly CounterLine[], elapsedS: number, paper: Paper): string[] {
  return table(
    counters,
    [
      ...amount<CounterLine>('COUNT', ({ delta }) => delta, elapsedS),
      { title: 'COUNTER', cell: ({ name }) => name },
      {
        title: 'WHERE',
        cell: ({ interface: iface, namespace }) => [iface, namespace].filter(Boolean).join(', '),
      },
      { title: 'LOST', cell: ({ lost }) => lost },
      { title: 'WHAT IT MEANS', cell: ({ name }) => explain(name)?.means ?? '', flexible: true },
    ],
    paper,
  );
}

function amount<Row>(title: string, of: (row: Row) => number, elapsedS: number): Column<Row>[] {
  return [
    { title, cell: (row) => compact(of(row)), right: true },
    { title: '/s', cell: (row) => compact(of(row) / elapsedS), right: true },
  ];
}

/** Nothing at all when the table has no rows. */
function section(title: string, [heading = '', ...rows]: readonly string[], { colour }: Paper): string[] {
  return rows.length === 0
    ? []
    : ['', styled('bold', title, colour), styled('dim', heading, colour), ...rows];
}
