/** Whom dropped packets were for, where samples and inventories tell. Pure but for the addresses that it looks up. */
import type { DropSample } from '@netfall/proto';
import type { Addresses } from './addresses.ts';
import type { Target } from './detect.ts';

/** Hosts that are kept of one kind of drops on one host. */
const MOST_TARGETS = 4;

/** The targets with those of a report's samples of one kind, those of most samples first. */
export function withTargets(
  targets: readonly Target[],
  samples: readonly DropSample[],
  { reason, function: fn }: { readonly reason: string; readonly function: string },
  addresses: Addresses,
): readonly Target[] {
  const counts = new Map(targets.map(({ host_id, samples: count }) => [host_id, count]));
  let isSame = true;
  for (const sample of samples) {
    if (sample.reason !== reason || sample.function !== fn) continue;
    // The outermost flow is between hosts; those in tunnels may be between containers.
    const [holder, ...more] = addresses.holders(sample.flows[0]?.destination ?? '');
    if (holder === undefined || more.length > 0) continue;
    counts.set(holder, Math.min(1_000_000, (counts.get(holder) ?? 0) + 1));
    isSame = false;
  }
  if (isSame) return targets;
  return Array.from(counts, ([host_id, count]): Target => ({ host_id, samples: count }))
    .sort((a, b) => b.samples - a.samples || (a.host_id < b.host_id ? -1 : 1))
    .slice(0, MOST_TARGETS);
}
