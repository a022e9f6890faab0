/** Opens what counts this host's drops, for commands that need no server. */
import { probeDropMonitor, watchDropMonitor } from '@netfall/agent/drop-monitor';
import { probeKfreeSkb, watchKfreeSkb } from '@netfall/agent/kfree-skb';
import { CommandError } from '../errors.ts';
import type { DropCounter } from './watch.ts';

/** Counts by BPF, or by the drop monitor where BPF is not to be had. @throws CommandError where neither is */
export function openDropCounter(root: string): DropCounter & Disposable {
  const bpf = probeKfreeSkb({ root });
  if (bpf.state !== 'unavailable') return watchKfreeSkb(root);
  const monitor = probeDropMonitor({ root, mode: 'packet' });
  if (monitor.state === 'unavailable') {
    throw new CommandError(
      `drops cannot be counted: ${bpf.missing}: ${bpf.mend}; nor by the drop monitor: ${monitor.missing}: ${monitor.mend}`,
    );
  }
  const counter = watchDropMonitor(root);
  return {
    read: (visit) => counter.read(visit),
    readSamples: (wants, take) => counter.readSamples(wants, take),
    losses: () => {
      // Their drops are counted all the same.
      const { unresolved_symbols: _, ...losses } = counter.losses();
      return losses;
    },
    [Symbol.dispose]: () => counter[Symbol.dispose](),
  };
}
