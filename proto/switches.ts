/**
 * What a switch of a source means: until when it counts and whom it concerns. The same for agents, which obey it, and
 * for collectors, which show it. Pure.
 */
import type { Label, SourceSwitch, Switches } from './gen/types.ts';

/** A switch ends by itself, at most this long after the log stored it, so that none is forgotten. */
export const LONGEST_SWITCH_US = 14 * 86_400_000_000;

/** The switches of an entry stored at `storedUs`, as plain data with all fields, each with the end that it really has. */
export function switchesOf({ switches }: Switches, storedUs: number): SourceSwitch[] {
  return switches.map(({ source, until_us, hosts, labels, why, by }) => ({
    source,
    until_us: Math.min(until_us, storedUs + LONGEST_SWITCH_US),
    hosts: [...hosts],
    labels: labels.map(({ key, value }) => ({ key, value })),
    why,
    by,
  }));
}

/** Whether a switch concerns a host: one that it names, one that carries all its labels, or any when it has neither. */
export function concernsHost(
  { hosts, labels }: Pick<SourceSwitch, 'hosts' | 'labels'>,
  hostId: string,
  carried: readonly Label[],
): boolean {
  if (hosts.includes(hostId)) return true;
  if (labels.length === 0) return hosts.length === 0;
  return labels.every(({ key, value }) =>
    carried.some((label) => label.key === key && label.value === value),
  );
}
