/** Hosts as text. Pure. */
import type { HostView } from '@netfall/collector';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, compact } from '../terminal/text.ts';

export function hostList(hosts: readonly HostView[], nowUs: number, paper: Paper): string[] {
  if (hosts.length === 0) return ['No host has reported yet.'];
  return table(
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
