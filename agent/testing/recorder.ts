/** A collector for tests: adds up what a source says. */
import type { CrashWitness } from '@netfall/proto';
import type { Collector, CrashFindings } from '../source.ts';

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

/** One that takes crashes as well, while it has room. */
export class CrashRecorder extends Recorder {
  readonly witnesses: CrashWitness[] = [];
  readonly reports: { readonly findings: CrashFindings; readonly log: string }[] = [];
  hasRoom = true;

  witness = (witness: CrashWitness): boolean => {
    if (this.hasRoom) this.witnesses.push(witness);
    return this.hasRoom;
  };

  crash = (findings: CrashFindings, log: Uint8Array): boolean => {
    if (this.hasRoom) this.reports.push({ findings, log: Buffer.from(log).toString() });
    return this.hasRoom;
  };
}
