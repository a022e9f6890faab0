/**
 * What a source of the agent is: something that reads the kernel and reports what moved. docs/adding-a-source.md tells
 * how to write one; sources/index.ts lists them all.
 */
import {
  type CrashReport,
  type CrashWitness,
  type Drop,
  DropOrigin,
  type DropSample,
  type SocketDrops,
} from '@netfall/proto';

/** What this kernel and these privileges allow a source to do. Probing has no side effects. */
export interface Probe {
  /** `off`: nothing is wrong, and there is nothing for it to do. */
  readonly state: 'ok' | 'degraded' | 'unavailable' | 'off';
  /** What works, in a sentence. */
  readonly detail: string;
  /** What does not, in a sentence; absent when all works. */
  readonly missing?: string;
  /** What to do about it, as a command where one exists. */
  readonly mend?: string;
}

/** A drop as a source counts it: what grew since it was last collected. The object may be reused by the source. */
export type DropRow = Omit<Drop, 'origin' | 'trap'> & Partial<Pick<Drop, 'origin' | 'trap'>>;

/** A row that a source fills in again and again, so that handing over drops allocates nothing. */
export function newDropRow(): { -readonly [K in keyof Drop]: Drop[K] } {
  return {
    reason: '',
    function: '',
    offset: 0,
    module: '',
    protocol: '',
    origin: DropOrigin.DROP_ORIGIN_SOFTWARE,
    trap: '',
    events: 0,
    packets: 0,
    bytes: 0,
  };
}

/** A report of a crash as a source makes it: whoever keeps the log says what names it. */
export type CrashFindings = Omit<CrashReport, 'digest' | 'bytes'>;

/** Where a source puts what it collected. The runner folds it into the window's report. */
export interface Collector {
  drop(row: Readonly<DropRow>): void;
  /** A counter grew by `delta` (> 0). `iface` is empty for host-wide ones, `namespace` for the agent's own network. */
  counter(name: string, iface: string, delta: number, namespace?: string): void;
  /** A socket lost `drops` (> 0) packets more. Absent where nobody asks. */
  socket?(row: SocketDrops): void;
  /** Whether there is room for a sample of that kind: to be asked before one is made. */
  wantsSample(reason: string, fn: string): boolean;
  sample(sample: DropSample): void;
  /** The first sign of a crash. False when there is no room before the next message. Absent where nobody asks. */
  witness?(witness: CrashWitness): boolean;
  /** What is known of a crash, and its log. False when there is no room before the next message. Absent where nobody asks. */
  crash?(findings: CrashFindings, log: Uint8Array): boolean;
  /** Something was lost at a hop since the last collection (> 0). */
  loss(hop: string, count: number): void;
}

/**
 * Thrown by a source's `start` or `collect` that takes itself off for now, as it is meant to: no fault. The message says
 * why, `mend` what to do about it.
 */
export class Suspended extends Error {
  override readonly name = 'Suspended';
  readonly mend: string;

  constructor(why: string, mend: string) {
    super(why);
    this.mend = mend;
  }
}

export interface Source {
  readonly name: string;
  probe(): Probe;
  /** Begins; may throw, whereupon the runner reports the source as unavailable and goes on without it. */
  start(): void;
  /** Called about once a second between start and stop: says what moved since the last call. Must not block. */
  collect(into: Collector): void;
  /** It will be stopped: what would have waited for more to come is for the collection that follows, or several of them. */
  finish?(): void;
  /** What people should know for the moment beyond the probe, in a few words; '' for nothing. Asked after a collection. */
  remark?(): string;
  /**
   * Lets go of everything in the kernel, also of what a run that was killed left there. Safe to call twice, after a failed
   * start, and when it was never started.
   */
  stop(): void;
}
