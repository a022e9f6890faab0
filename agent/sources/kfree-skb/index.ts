/**
 * The source `kfree-skb`: packets dropped by the kernel, counted in the kernel by reason, function and protocol.
 */

export {
  type DropRow,
  type KfreeSkbCounter,
  type KfreeSkbLedger,
  type KfreeSkbOptions,
  openKfreeSkb,
} from './counter.ts';
export { probeKfreeSkb } from './probe.ts';
