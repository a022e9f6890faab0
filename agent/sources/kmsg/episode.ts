/**
 * A crash that the kernel tells of while it lives: from the messages before its first sign of trouble to those after its
 * last, within bounds, and when a report of it is due. It must not know where messages come from nor where reports go.
 */
import { type Beginning, type CrashLog, EPISODE_GAP_US, type Hole } from '@netfall/crash';
import type { Gap } from './history.ts';

/** A report is due when no sign of trouble came for so long, or at the latest so long after the first or the last one. */
const QUIET_US = 10_000_000;
const REPORT_EVERY_US = 60_000_000;
/** Signs after that belong to another crash. */
const MOST_US = 600_000_000;
/** Bytes that are kept from the first sign on; what comes then is counted as a hole. */
const MOST_BYTES = 512 * 1024;

/** A moment by both clocks, since either may be the one that tells how much time passed. */
export interface Moment {
  /** The kernel's clock at a message. */
  readonly uptimeUs: number;
  /** The agent's when it was read. */
  readonly readUs: number;
}

export interface EpisodeOptions {
  readonly beginning: Beginning;
  /** Number of its first sign. */
  readonly seq: number;
  readonly firstUs: number;
  readonly before: { readonly bytes: Uint8Array; readonly gaps: readonly Gap[] };
  readonly moment: Moment;
}

/** How much time passed between two moments, whichever clock says more. */
function between(from: Moment, to: Moment): number {
  return Math.max(to.uptimeUs - from.uptimeUs, Math.abs(to.readUs - from.readUs));
}

export class Episode {
  readonly beginning: Beginning;
  readonly firstSeq: number;
  readonly firstUs: number;
  /** When its last message was printed, as firstUs; 0 before there is one. */
  lastUs = 0;
  /** Number of its last message. */
  lastSeq: number;
  /** Reports that were made. */
  revision = 0;
  lostMessages = 0;
  readonly #begun: Moment;
  #lastSign: Moment;
  #reported: Moment;
  /** Whether a sign came since the last report. */
  #news = true;
  #bytes: Uint8Array;
  #length: number;
  readonly #most: number;
  /** Bytes that had no room. */
  #cut = 0;
  readonly #holes: Hole[];

  constructor({ beginning, seq, firstUs, before, moment }: EpisodeOptions) {
    this.beginning = beginning;
    this.firstSeq = this.lastSeq = seq;
    this.firstUs = firstUs;
    this.#begun = this.#lastSign = this.#reported = moment;
    this.#bytes = Buffer.concat([before.bytes], before.bytes.length * 2);
    this.#length = before.bytes.length;
    this.#most = before.bytes.length + MOST_BYTES;
    this.#holes = before.gaps.map(({ at }) => ({ at, bytes: 0, exact: false }));
    this.lostMessages = before.gaps.reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Whether what is printed then is of another crash. */
  isOver(now: Moment): boolean {
    return between(this.#lastSign, now) > EPISODE_GAP_US || between(this.#begun, now) > MOST_US;
  }

  /** Whether a report should be made, because there is news and it has come to rest, or because it does not. */
  isDue(now: Moment): boolean {
    if (!this.#news) return false;
    return between(this.#lastSign, now) >= QUIET_US || between(this.#reported, now) >= REPORT_EVERY_US;
  }

  /** Whether all was reported. */
  get told(): boolean {
    return !this.#news;
  }

  /** The message that is added next is a sign of trouble. */
  sign(now: Moment): void {
    this.#lastSign = now;
    // What has no room is no news.
    this.#news ||= this.#cut === 0;
  }

  /** Adds a message: lines, `[0, length)`, each with its end. */
  add(lines: Uint8Array, length: number, seq: number, printedUs: number): void {
    this.lastSeq = seq;
    this.lastUs = printedUs;
    if (this.#cut > 0 || this.#length + length > this.#most) {
      this.#cut += length;
      return;
    }
    if (this.#length + length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], Math.max(this.#bytes.length * 2, this.#length + length));
    }
    this.#bytes.set(lines.subarray(0, length), this.#length);
    this.#length += length;
  }

  /** Messages are missing before the next one. */
  gap(messages: number): void {
    this.lostMessages += messages;
    if (this.#cut === 0 && this.#holes.at(-1)?.at !== this.#length) {
      this.#holes.push({ at: this.#length, bytes: 0, exact: false });
    }
  }

  /** Makes a report: the log as it is now. */
  report(now: Moment): CrashLog {
    this.revision++;
    this.#reported = now;
    this.#news = false;
    const holes = [...this.#holes];
    if (this.#cut > 0) {
      // Neighbours are one.
      const beside = holes.at(-1)?.at === this.#length && holes.pop() !== undefined;
      holes.push({ at: this.#length, bytes: this.#cut, exact: !beside });
    }
    return { bytes: this.#bytes.slice(0, this.#length), holes, wrapAt: 0 };
  }
}
