/** `netfall drops`: what this host drops right now. Needs no server. */
import { hostname } from 'node:os';
import { probeDropMonitor, watchDropMonitor } from '@netfall/agent/drop-monitor';
import { probeKfreeSkb, watchKfreeSkb } from '@netfall/agent/kfree-skb';
import { dropMeaning } from '@netfall/catalog';
import { count, type DropCounter, watch } from '../drops/watch.ts';
import { CommandError } from '../errors.ts';

/** How long it counts when nobody watches. */
const DEFAULT_WINDOW_MS = 5000;

interface Options {
  /** Milliseconds. */
  readonly for?: number;
  readonly root: string;
  readonly json?: boolean;
}

export async function drops({ for: forMs, root, json }: Options): Promise<void> {
  using counter = openCounter(root);
  const described = {
    host: hostname(),
    everyday: (reason: string, fn: string) => dropMeaning(reason, fn).everyday,
  };
  if (process.stdout.isTTY && !json) {
    await watch(counter, { ...described, ...(forMs !== undefined && { forMs }) });
    return;
  }
  const counted = await count(counter, forMs ?? DEFAULT_WINDOW_MS);
  process.stdout.write(json ? counted.json() : counted.table(described));
}

/** Counts by BPF, or by the drop monitor where BPF is not to be had. */
function openCounter(root: string): DropCounter & Disposable {
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
