/** What relays have of a crash that they hear, whatever the protocol. */
import type { CrashLog } from './log.ts';
import type { SenderKey } from './senders.ts';
import type { Beginning } from './trouble.ts';

export interface HeardCrash {
  readonly sender: SenderKey;
  /** Whether the operator counts its sender among those that must be heard. */
  readonly isKnown: boolean;
  /** The kernel's release by the datagrams' own word; empty when they do not say. */
  readonly kernel: string;
  /** The number of the boot by the datagrams' own word; empty when they do not say. */
  readonly boot: string;
  readonly firstUs: number;
  readonly lastUs: number;
  /** The line that began it, where it is known without the log. */
  readonly beginning: Beginning | null;
  /** Datagrams, and repetitions of them. */
  readonly parts: number;
  readonly duplicates: number;
  /** Something is missing behind what there is, or was never kept. */
  readonly isCut: boolean;
  /** How often it was settled. */
  readonly revision: number;
  /** The log as far as it is there. */
  assemble(): AssembledLog;
}

export interface AssembledLog extends CrashLog {
  /** Messages that the network lost, where the sender numbers them. */
  readonly lostMessages: number;
}

/** Those of the operator's own first, then the most useful. */
export function byUsefulness(a: HeardCrash, b: HeardCrash): number {
  return Number(b.isKnown) - Number(a.isKnown) || b.parts - a.parts || a.firstUs - b.firstUs;
}

/** What a reassembly tells of as it happens. */
export interface HeardEvents {
  /** The first sign of a crash; again when it turns out to be graver than that sign told. */
  began(crash: HeardCrash): void;
  /** A crash is given up, to make room or because nobody asked for it in time, with something that no settlement told of. */
  lost(crash: HeardCrash): void;
}

/** Reassembly of a protocol: datagrams in, crashes out. */
export interface Reassembly {
  /** Takes the datagram `[start, end)`. The key's stream is the reassembly's to set. */
  take(sender: SenderKey, bytes: Buffer, start: number, end: number, nowUs: number): void;
  /** Whether a crash is known to be all there since crashes were settled last. */
  readonly isAnyWhole: boolean;
  /**
   * Crashes that are whole, or of which nothing came for a while, those of the operator's own and then the most useful first:
   * to be called about once a second, and soon after one has become whole. What comes after that settles a crash again.
   * Their logs can be assembled until the next call.
   * @param wants whether a crash is wanted now; those that are not wait
   */
  settle(nowUs: number, wants: (crash: HeardCrash) => boolean): HeardCrash[];
  /** The same of all crashes that no settlement told of yet: at the end. */
  settleAll(wants: (crash: HeardCrash) => boolean): HeardCrash[];
  /** What was refused, could not be read or could not be kept since the last call, by hop of the ledger. */
  takeLosses(report: (hop: string, count: number) => void): void;
}
