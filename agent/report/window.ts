/**
 * The window: gathers what all sources collect between two messages. Closing it takes two steps, `items` and `reported`,
 * so that nothing is lost when the message in between cannot be stored: the window then simply goes on.
 * It must not know sources, the spool or the log.
 */
import {
  type Audit,
  type CounterDelta,
  type CounterReport,
  type DropReport,
  type Item,
  LIMITS,
  type Loss,
} from '@netfall/proto';
import type { Collector, DropRow } from '../source.ts';
import { audit, type Leftover, NOTHING } from './audit.ts';
import { CounterTable } from './counters.ts';
import { CrashQueue } from './crashes.ts';
import { DropTable } from './drops.ts';
import { Ledger } from './ledger.ts';
import { SampleShelf } from './samples.ts';
import { SocketTable } from './sockets.ts';
import type { TrendRules } from './trend.ts';

export interface WindowOptions extends TrendRules {
  /** Drops of an unknown signature that make it worth a message. */
  readonly newSignatureEvents: number;
  /** Samples that a message carries at most. */
  readonly maxSamples: number;
  /** Keeps a crash's log. Returns its SHA-256 in hex. Without, crashes are not asked for. */
  readonly keepLog?: (log: Uint8Array) => string;
  readonly nowUs: number;
}

/** Hops of the ledger at which no drop event goes missing, but its function's name or a sample. */
const HARMLESS: ReadonlySet<string> = new Set(['unresolved_symbols', 'sample_ring_full']);

/** The most a report may list. */
export interface ReportLimits {
  readonly drops: number;
  readonly counters: number;
  readonly samples: number;
}

export interface WindowReport {
  readonly drops: DropReport;
  readonly counters: CounterReport;
  /** Whether there is anything in them. */
  readonly hasDrops: boolean;
  readonly hasCounters: boolean;
  /** Counters that had no room. */
  readonly cutCounters: number;
}

export class Window {
  readonly #drops: DropTable;
  readonly #counters: CounterTable;
  readonly #samples: SampleShelf;
  readonly #sockets = new SocketTable();
  readonly #crashes = new CrashQueue();
  readonly #keepLog: ((log: Uint8Array) => string) | undefined;
  readonly #ledger = new Ledger();
  /** What the last window's audit could not match, and this one's. */
  #leftover: Leftover = NOTHING;
  #leftoverNow: Leftover = NOTHING;
  #startUs: number;
  #tickUs: number;
  #nowUs: number;

  constructor(options: WindowOptions) {
    this.#drops = new DropTable(options, options.newSignatureEvents, options.nowUs);
    this.#counters = new CounterTable(options, options.nowUs);
    this.#samples = new SampleShelf(options.maxSamples);
    this.#keepLog = options.keepLog;
    this.#startUs = options.nowUs;
    this.#tickUs = options.nowUs;
    this.#nowUs = options.nowUs;
  }

  /** Where `source` puts what it collects. Numbers that cannot be are counted as lost at the hop `invalid`. */
  collector(source: string): Collector {
    const keepLog = this.#keepLog;
    return {
      ...(keepLog && {
        witness: (crash_witness) => this.#crashes.add({ crash_witness }),
        crash: (findings, log) => {
          if (!this.#crashes.hasRoom) return false;
          const crash_report = { ...findings, digest: keepLog(log), bytes: log.length };
          return this.#crashes.add({ crash_report });
        },
      }),
      drop: (row) => {
        if (isCountable(row)) this.#drops.add(row, this.#nowUs);
        else this.loss(source, 'invalid', 1);
      },
      counter: (name, iface, delta, namespace = '') => {
        if (!isCount(delta) || delta === 0 || name === '') this.loss(source, 'invalid', 1);
        else if (!this.#counters.add(name, iface, namespace, delta, this.#nowUs))
          this.loss(source, 'report_full', 1);
      },
      socket: (row) => {
        if (!isCount(row.drops) || row.drops === 0) this.loss(source, 'invalid', 1);
        else if (!this.#sockets.add(row)) this.loss(source, 'report_full', 1);
      },
      wantsSample: (reason, fn) => this.#samples.wants(reason, fn),
      sample: (sample) => this.#samples.add(sample),
      loss: (hop, count) => this.loss(source, hop, count),
    };
  }

  loss(source: string, hop: string, count: number): void {
    this.#ledger.add(source, hop, count, this.#nowUs);
  }

  /** Begins a round of collection at `nowUs`. */
  begin(nowUs: number): void {
    this.#nowUs = nowUs;
  }

  /** To be called when the sources of drops have been collected. Returns whether a message should tell at once. */
  dropsChanged(): boolean {
    const changed = this.#drops.tick(this.#nowUs, elapsed(this.#tickUs, this.#nowUs));
    return this.#ledger.takeNews() || changed;
  }

  /** The same for all other sources; ends the round. */
  countersChanged(): boolean {
    const changed = this.#counters.tick(this.#nowUs, elapsed(this.#tickUs, this.#nowUs));
    this.#tickUs = this.#nowUs;
    return this.#ledger.takeNews() || changed;
  }

  /** Whether there are witnesses or reports of crashes: they should go out at once. */
  get hasCrashes(): boolean {
    return this.#crashes.length > 0;
  }

  /** The first of them, for a message; what it does not take, the next one does. */
  crashes(most: number): readonly Item[] {
    return this.#crashes.take(most);
  }

  /** A message tells of those that were asked for last. */
  crashesReported(): void {
    this.#crashes.reported();
  }

  /** What the window holds so far. Without `countedBy`, the source that counted its drops, nothing is audited. */
  report(limits: ReportLimits, countedBy = ''): WindowReport {
    const window_us = elapsed(this.#startUs, this.#nowUs);
    const { drops, other } = this.#drops.report(limits.drops);
    const counters = this.#counters.report();
    return {
      drops: {
        window_us,
        received_packets: this.#counters.receivedPackets,
        sent_packets: this.#counters.sentPackets,
        drops,
        other,
        samples: this.#samples.list().slice(0, limits.samples),
      },
      counters: {
        window_us,
        counters: counters.slice(0, limits.counters),
        // Where not even one counter fits, neither does this.
        audit: countedBy === '' || limits.counters === 0 ? null : this.#audit(counters, countedBy),
        sockets: limits.counters === 0 ? [] : this.#sockets.report(),
      },
      hasDrops: drops.length > 0 || other !== null,
      hasCounters: counters.length > 0,
      cutCounters: Math.max(0, counters.length - limits.counters),
    };
  }

  /** Holds drops against counters. May be asked again for the same window. */
  #audit(counters: readonly CounterDelta[], countedBy: string): Audit {
    const found = audit({ drops: this.#drops.inSoftware(), counters }, this.#leftover);
    this.#leftoverNow = found.leftover;
    const lists = [found.explained, found.unseen, found.uncounted];
    const missed = this.#ledger
      .losses([])
      .filter(({ source, hop }) => source === countedBy && !HARMLESS.has(hop));
    return {
      explained: found.explained.slice(0, LIMITS.audit),
      unseen: found.unseen.slice(0, LIMITS.audit),
      uncounted: found.uncounted.slice(0, LIMITS.audit),
      missed_events: missed.reduce((sum, { count }) => Math.min(Number.MAX_SAFE_INTEGER, sum + count), 0),
      unlisted: lists.reduce((sum, { length }) => sum + Math.max(0, length - LIMITS.audit), 0),
    };
  }

  /** What was lost in the window, with what is carried over from evicted messages. */
  losses(carried: readonly Loss[]): Loss[] {
    return this.#ledger.losses(carried);
  }

  /** A message tells of everything so far: the next window begins. */
  reported(): void {
    this.#drops.reported(this.#nowUs);
    this.#counters.reported(this.#nowUs);
    this.#samples.clear();
    this.#sockets.clear();
    this.#leftover = this.#leftoverNow;
    this.#leftoverNow = NOTHING;
    this.#ledger.reported();
    this.#startUs = this.#nowUs;
  }
}

/** At least 1: a clock that was set back must not make a window that ends before it began. */
function elapsed(fromUs: number, toUs: number): number {
  return Math.max(1, toUs - fromUs);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isCountable(row: Readonly<DropRow>): boolean {
  return isCount(row.events) && isCount(row.packets) && isCount(row.bytes) && row.offset >>> 0 === row.offset;
}
