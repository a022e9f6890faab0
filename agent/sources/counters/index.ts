/** What others may use of the source `counters`. */
import type { Collector, Probe } from '../../source.ts';
import { CountersSource } from './source.ts';

export { NOWHERE } from './reader.ts';

/** Counts for as long as it is open, for whoever watches this host. */
export interface CounterWatch extends Disposable {
  /** Reports what grew since the last call. */
  read(into: Collector): void;
}

/** Reads every counter once, from where growth is counted. @param root stands in for `/` */
export function watchCounters(root: string): CounterWatch {
  const clock = { nowUs: () => Math.trunc(performance.now() * 1000) };
  const source = new CountersSource({ root, periodS: 1, clock, hurry: () => true });
  source.start();
  return { read: (into) => source.collect(into), [Symbol.dispose]: () => source.stop() };
}

/** What of the counters can be read. @param root stands in for `/` */
export function probeCounters(root: string): Probe {
  return new CountersSource({ root, periodS: 1, clock: { nowUs: () => 0 }, hurry: () => false }).probe();
}
