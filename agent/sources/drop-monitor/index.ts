/** The source `drop-monitor`: packets dropped by kernel and hardware, counted by the kernel's alerts. */
import { DropMonitorCounter } from './counter.ts';
import { recordFile, Tap } from './tap.ts';

export { probeDropMonitor } from './probe.ts';

const RECORD = 'drop-monitor-watch.json';
/** Enough for flows. */
const TRUNCATION_BYTES = 128;
const QUEUE_LENGTH = 10_000;
const RECEIVE_BUFFER_BYTES = 32 * 1024 ** 2;

export interface DropMonitorWatch extends Disposable {
  /** Whether somebody else runs the monitor. */
  readonly listening: boolean;
  /** Visits each kind of drop that moved since the last time, with how far; for every second or so. */
  read: DropMonitorCounter['read'];
  /** What was lost since the beginning, by hop. */
  losses: DropMonitorCounter['losses'];
}

/**
 * Counts this machine's drops by alerts until it is disposed of; while somebody has the monitor tell them already, it
 * only listens. @throws KernelError, Error of fs: `probeDropMonitor()` says in words what is missing.
 */
export function watchDropMonitor(root: string): DropMonitorWatch {
  const tap = new Tap({
    mode: 'packet',
    truncationBytes: TRUNCATION_BYTES,
    queueLength: QUEUE_LENGTH,
    hardware: true,
    share: true,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    record: recordFile(root, RECORD),
  });
  const counter = new DropMonitorCounter(tap, { root });
  tap.alerts.onReadable(() => counter.drain());
  return {
    listening: tap.listening,
    read: (visit) => {
      counter.drainAll();
      tap.check();
      counter.read(visit);
    },
    losses: () => counter.losses(),
    [Symbol.dispose]: () => {
      counter.close();
      tap.close();
    },
  };
}
