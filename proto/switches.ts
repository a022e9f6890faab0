/**
 * What a switch of a source means: until when it counts and whom it concerns. The same for agents, which obey it, and
 * for collectors, which show it. Pure.
 */
import type { Label, SourceSwitch } from './gen/types.ts';

/** A switch ends by itself, at most this long after the log stored it, so that none is forgotten. */
export const LONGEST_SWITCH_US = 14 * 86_400_000_000;

/** When a switch ends that stands in an entry stored at `storedUs`, µs. */
export function endOfSwitch({ until_us }: Pick<SourceSwitch, 'until_us'>, storedUs: number): number {
  return Math.min(until_us, storedUs + LONGEST_SWITCH_US);
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
