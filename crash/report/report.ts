/**
 * What a crash's log tells, read by a parser of reports: what happened and where, who was at it, and on what machine. Types
 * only. What each type of crash means is in types.ts.
 */
import type { CrashType } from './types.ts';

/** A line of a stack trace. */
export interface Frame {
  /** The function as its log names it, suffixes of the compiler included: "foo.isra.0". */
  readonly function: string;
  /** Bytes into the function; null where the log does not say, as of what was inlined. */
  readonly offset: number | null;
  /** The module that the function is of; empty for the kernel itself. */
  readonly module: string;
  /** Where its source is, "net/core/dev.c:4321", in logs that were symbolised; else empty. */
  readonly source: string;
  /** Whether the unwinder found it to be called; if not, its address only stood on the stack. */
  readonly reliable: boolean;
  /** Whether it was inlined into the frame that follows. */
  readonly inline: boolean;
  /** The log's line that tells of it, counted from 0. */
  readonly line: number;
  /** Why it is not blamed although it comes before the frame that is, e.g. "locking"; empty for all others. */
  readonly passed: string;
}

/** What the kernel says of its own state. */
export interface Taint {
  /** The letters, in the kernel's order, without blanks: "GWOE"; empty when it is not tainted or does not say. */
  readonly flags: string;
  /** What they mean, a phrase for each but "G". */
  readonly meanings: readonly string[];
}

/** A report as part of a log. */
export interface Extent {
  /** Lines of the log, counted from 0; `end` is the first that is not of it any more. */
  readonly start: number;
  readonly end: number;
}

/** Another report in the same log. */
export interface OtherReport {
  readonly title: string;
  readonly type: CrashType;
  /** Its first line, counted from 0. */
  readonly line: number;
}

/** A crash as its log tells of it. */
export interface Report extends Extent {
  /** What happened and where: "KASAN: use-after-free Read in tun_chr_close". Without numbers that differ from time to time. */
  readonly title: string;
  /** Other titles of the same trouble, by which other kernels, or other tools, would tell of it. */
  readonly alternates: readonly string[];
  readonly type: CrashType;
  /**
   * What signatures go by: the title with a class in place of the way in which the kernel came to see it, and the place
   * without what differs between builds: "bad-access in tun_chr_close".
   */
  readonly bug: string;
  /** Why the report is not to be trusted, as of one that is cut short; empty when nothing is wrong with it. */
  readonly corrupted: string;
  /** What is the same of all crashes of one bug, by the current version of signatures: "1:0f3a…", see signature.ts. */
  readonly signature: string;
  /** The stack that tells where it happened, innermost first; the frames of what merely reported it included. */
  readonly frames: readonly Frame[];
  /** The frame that is blamed, an index of `frames`; null when none is. */
  readonly guilty: number | null;
  /** The name that the title has for it, or another place such as a device; empty when it has none. */
  readonly place: string;
  /** What printk stamped on the first line, microseconds; 0 when it does not say. */
  readonly uptimeUs: number;
  /** Who was at it; empty or null when the log does not say. */
  readonly process: string;
  readonly pid: number | null;
  readonly cpu: number | null;
  /** As uname -r; empty when the log does not say. */
  readonly kernel: string;
  readonly taint: Taint;
  readonly hardware: string;
  /** Names, in the log's order, without their own taint. */
  readonly modules: readonly string[];
  /** By the log's names, such as "RIP", "RAX", "CR2", "pc", "x0": what stands behind them. */
  readonly registers: Readonly<Record<string, string>>;
  /** The machine's code around the place, as the log has it; empty when it does not say. */
  readonly code: string;
  /** What stood before it in the log, the last few messages. */
  readonly before: readonly string[];
  /** Reports that came before it, and are another matter. */
  readonly earlier: readonly OtherReport[];
  /** Reports that came after it. */
  readonly consequences: readonly OtherReport[];
}
