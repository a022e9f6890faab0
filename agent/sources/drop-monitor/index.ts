/** The source `drop-monitor`: packets dropped by kernel and hardware, counted by the kernel's alerts. */
import type { DropSample } from '@netfall/proto';
import { DropMonitorCounter, type Site } from './counter.ts';
import { Specimens } from './specimens.ts';
import { recordFile, Tap } from './tap.ts';

export { probeDropMonitor } from './probe.ts';

const RECORD = 'drop-monitor-watch.json';
/** Enough for flows. */
const TRUNCATION_BYTES = 128;
const QUEUE_LENGTH = 10_000;
/** Kinds that give a sample between two readings, at most. */
const SAMPLES = 64;
const RECEIVE_BUFFER_BYTES = 32 * 1024 ** 2;

export interface DropMonitorWatch extends Disposable {
  /** Whether somebody else runs the monitor. */
  readonly listening: boolean;
  /** Visits each kind of drop that moved since the last time, with how far; for every second or so. */
  read: DropMonitorCounter['read'];
  /**
   * Visits the packets that were kept since the last time, the first of each kind; none in summary mode.
   * @param wants whether one of that kind is of use.
   */
  readSamples(
    wants: (site: Readonly<Site>) => boolean,
    take: (sample: DropSample, site: Readonly<Site>) => void,
  ): void;
  /** What was lost since the beginning, by hop. */
  losses: DropMonitorCounter['losses'];
}

/**
 * Counts this machine's drops by alerts until it is disposed of; while somebody has the monitor tell them already, it
 * only listens. @throws KernelError, Error of fs: `probeDropMonitor()` says in words what is missing.
 */
export function watchDropMonitor(root: string): DropMonitorWatch {
  using resources = new DisposableStack();
  const specimens = resources.use(new Specimens());
  const tap = new Tap({
    mode: 'packet',
    truncationBytes: TRUNCATION_BYTES,
    queueLength: QUEUE_LENGTH,
    hardware: true,
    share: true,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    record: recordFile(root, RECORD),
  });
  resources.adopt(tap, () => tap.close());
  const counter = new DropMonitorCounter(tap, { root, samples: SAMPLES });
  resources.adopt(counter, () => counter.close());
  const owned = resources.move();
  tap.alerts.onReadable(() => counter.drain());
  return {
    listening: tap.listening,
    read: (visit) => {
      counter.drainAll();
      tap.check();
      counter.read(visit);
    },
    readSamples: (wants, take) => specimens.read(counter, wants, take),
    losses: () => counter.losses(),
    [Symbol.dispose]: () => owned.dispose(),
  };
}
