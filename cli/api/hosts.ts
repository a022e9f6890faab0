/** Hosts as text. Pure. */
import type { HostView } from '@netfall/collector';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, compact } from '../terminal/text.ts';
import type { HostCounts } from './client.ts';

/** The hosts that were asked for, and below them how many there are. */
export function hostList(
  hosts: readonly HostView[],
  counts: HostCounts,
  nowUs: number,
  paper: Paper,
): string[] {
  if (hosts.length === 0) return ['No host has reported yet.'];
  const lines = table(
    hosts,
    [
      { title: 'HOST', cell: ({ hostname, host_id }) => hostname || host_id, flexible: true },
      { title: 'STATUS', cell: ({ status }) => status },
      { title: 'SEEN', cell: ({ last_seen_us }) => ago(last_seen_us, nowUs) },
      { title: 'KERNEL', cell: ({ attributes }) => attributes['kernel'] ?? '', flexible: true },
      { title: 'SOURCES', cell: sources },
      { title: 'LOST', cell: lost, right: true },
    ],
    paper,
  );
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const states = Object.entries(counts).filter(([, count]) => count > 0);
  const summary = states.map(([status, count]) => `${status} ${count}`).join(' · ');
  const unlisted = all > hosts.length ? `, of which ${hosts.length} are listed: raise --limit for more` : '';
  return [...lines, '', summary + unlisted];
}

/** "3 ok", or what is not: "2 ok, 1 unavailable". */
function sources({ sources: all }: HostView): string {
  const states = new Map<string, number>();
  for (const { state } of all) states.set(state, (states.get(state) ?? 0) + 1);
  return [...states].map(([state, count]) => `${count} ${state}`).join(', ');
}

function lost({ losses, messages_lost }: HostView): string {
  return compact(losses.reduce((sum, { count }) => sum + count, messages_lost));
}
