/** A collector for tests: adds up what a source says. */
import type { Collector } from '../source.ts';

export class Recorder implements Collector {
  /** By name, or name@interface. */
  readonly counters: Record<string, number> = {};
  readonly losses: Record<string, number> = {};

  drop(): void {
    throw new Error('no drops were expected');
  }

  counter(name: string, iface: string, delta: number): void {
    const key = iface === '' ? name : `${name}@${iface}`;
    this.counters[key] = (this.counters[key] ?? 0) + delta;
  }

  wantsSample(): boolean {
    return false;
  }

  sample(): void {
    throw new Error('no samples were wanted');
  }

  loss(hop: string, count: number): void {
    this.losses[hop] = (this.losses[hop] ?? 0) + count;
  }
}
