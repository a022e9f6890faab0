/** Switches as the API shows and takes them, and whom they concern. Pure but for the walk over the hosts. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { concernsHost, type SourceSwitch } from '@netfall/proto';
import type { Reader } from './reader.ts';

export interface SwitchView extends Omit<SourceSwitch, 'labels'> {
  readonly labels: Readonly<Record<string, string>>;
}

export function switchView({ labels, ...rest }: SourceSwitch): SwitchView {
  return { ...rest, labels: Object.fromEntries(labels.map(({ key, value }) => [key, value])) };
}

/** Its labels by key. */
export function switchOf({ labels, ...rest }: SwitchView): SourceSwitch {
  const keys = Object.keys(labels).sort();
  return { ...rest, labels: keys.map((key) => ({ key, value: labels[key] ?? '' })) };
}

const SLICE = 200;

/** How many of the hosts that report and have its source each switch concerns. */
export async function countConcerned(reader: Reader, switches: readonly SourceSwitch[]): Promise<number[]> {
  const counts = switches.map(() => 0);
  let after = '';
  for (;;) {
    const { items, next } = reader.listHostRecords({ limit: SLICE, after });
    for (const { id, facts, state } of items) {
      if (state.status !== 'live') continue;
      for (const [i, one] of switches.entries()) {
        const has = facts.sources.some(({ name }) => name === one.source);
        if (has && concernsHost(one, id, facts.inventory?.labels ?? [])) counts[i] = (counts[i] ?? 0) + 1;
      }
    }
    if (next === null) return counts;
    after = next;
    await nextTurn();
  }
}
