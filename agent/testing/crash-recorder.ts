/** A collector for tests of sources of crashes: keeps what they tell, as far as it has room. */
import type { CrashWitness } from '@netfall/proto';
import type { CrashFindings } from '../source.ts';
import { Recorder } from './recorder.ts';

export class CrashRecorder extends Recorder {
  readonly witnesses: CrashWitness[] = [];
  readonly crashes: { readonly findings: CrashFindings; readonly log: string }[] = [];
  /** How many more there is room for. */
  room = Number.POSITIVE_INFINITY;

  witness(witness: CrashWitness): boolean {
    if (this.room-- <= 0) return false;
    this.witnesses.push(witness);
    return true;
  }

  crash(findings: CrashFindings, log: Uint8Array): boolean {
    if (this.room-- <= 0) return false;
    this.crashes.push({ findings, log: Buffer.from(log).toString() });
    return true;
  }
}
