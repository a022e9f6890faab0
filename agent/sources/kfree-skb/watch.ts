/**
 * Drops counted by BPF for somebody who looks at them: rows, and a few packets of each kind where the kernel lets them be
 * sampled. It must not know how they are shown.
 */
import type { DropSample } from '@netfall/proto';
import type { DropSite, KfreeSkbCounter } from './counter.ts';
import { openSampling } from './specimens.ts';

export interface KfreeSkbWatch extends Disposable {
  /** Visits each kind of drop that moved since the last time, with how far; for every second or so. @throws KernelError */
  read: KfreeSkbCounter['read'];
  /**
   * Visits the packets that were sampled since the last time; none where the kernel lets none be.
   * @param wants whether one of that kind is of use. @throws KernelError
   */
  readSamples(
    wants: (site: Readonly<DropSite>) => boolean,
    take: (sample: DropSample, site: Readonly<DropSite>) => void,
  ): void;
  /** What was lost since the beginning, by hop. @throws KernelError */
  losses(): { readonly map_overflow: number; readonly program_misses: number };
}

/**
 * Counts this machine's drops until it is disposed of.
 * @throws KernelError, VerifierError, BtfError, LayoutError: `probeKfreeSkb()` says in words what is missing.
 */
export function watchKfreeSkb(root: string): KfreeSkbWatch {
  const { counter, specimens } = openSampling({ root }, () => Date.now() * 1000);
  return {
    read: (visit) => counter.read(visit),
    readSamples: (wants, take) => specimens?.read(counter, wants, take),
    losses: () => {
      const { overflowEvents, misses } = counter.ledger();
      return { map_overflow: overflowEvents, program_misses: misses };
    },
    [Symbol.dispose]: () => {
      counter.close();
      specimens?.[Symbol.dispose]();
    },
  };
}
