/** Sources and their switches as text. Pure. */
import type { SwitchView } from '@netfall/collector';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { clean, moment, span } from '../terminal/text.ts';
import type { SourceCounts } from './client.ts';

const STATES = ['ok', 'degraded', 'unavailable', 'off', 'unknown'] as const;

/** A line a source with the number of hosts in each state, and one a switch. */
export function sourceList(
  sources: readonly SourceCounts[],
  switches: readonly SwitchView[],
  nowUs: number,
  paper: Paper,
): string[] {
  if (sources.length === 0) return ['No host has reported yet.'];
  const shown = STATES.filter(
    (state) => state !== 'unknown' || sources.some(({ hosts }) => hosts.unknown > 0),
  );
  const lines = table(
    sources,
    [
      { title: 'SOURCE', cell: ({ name }) => name, flexible: true },
      ...shown.map((state) => ({
        title: state.toUpperCase(),
        cell: ({ hosts }: SourceCounts) => String(hosts[state]),
        right: true,
      })),
    ],
    paper,
  );
  if (switches.length === 0) return [...lines, '', 'Nothing is switched off.'];
  const off = table(
    switches,
    [
      { title: 'SWITCHED OFF', cell: ({ source }) => source },
      { title: 'ON', cell: (one) => whereOf(one), flexible: true },
      { title: 'FOR', cell: ({ until_us }) => span((until_us - nowUs) / 1e6) },
      { title: 'BY', cell: ({ by }) => by, flexible: true },
      { title: 'WHY', cell: ({ why }) => why, flexible: true },
    ],
    paper,
  );
  return [...lines, '', ...off];
}

/** What was done. */
export function switchedOff(one: SwitchView, concerned: number): string[] {
  return [
    `${one.source} goes off on ${countOf(concerned)} (${clean(whereOf(one))}) until ${moment(one.until_us)}.`,
    `"netfall sources on ${one.source}" takes that back; "netfall sources" shows how far it is.`,
  ];
}

export function switchedOn(source: string, removed: readonly SwitchView[]): string[] {
  const were = removed.map((one) => clean(whereOf(one))).join('; ');
  return [`${source} goes on again where it was switched off (${were}).`];
}

/** Whether two switches are of one source and concern the same hosts by the same words: the newer one replaces the other. */
export function isSameSwitch(a: SwitchView, b: SwitchView): boolean {
  return a.source === b.source && whereOf(a) === whereOf(b);
}

function whereOf({ hosts, labels }: SwitchView): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  if (hosts.length + pairs.length === 0) return 'all hosts';
  const parts = pairs.length === 0 ? [] : [`hosts with ${pairs.sort().join(' and ')}`];
  return [...parts, ...hosts.toSorted()].join(', ');
}

function countOf(hosts: number): string {
  return hosts === 1 ? '1 host' : `${hosts} hosts`;
}
