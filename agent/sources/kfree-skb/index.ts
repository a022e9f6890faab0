/**
 * The source `kfree-skb`: packets dropped by the kernel, counted in the kernel by reason, function and protocol.
 */

export {
  type DropRow,
  type KfreeSkbCounter,
  type KfreeSkbLedger,
  openKfreeSkb,
} from './counter.ts';
export type { KfreeSkbOptions } from './load.ts';
export { probeKfreeSkb } from './probe.ts';
export { type KfreeSkbWatch, watchKfreeSkb } from './watch.ts';
