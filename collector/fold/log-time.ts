/**
 * The time that the fold goes by, which is the log's. `nowUs` is what the stamps say, and never goes back: while the
 * stamps are behind it (one was of a clock that is ahead), it goes on at half their speed until they have caught up.
 * `liveUs` is how far successive stamps moved on, without the log's outages (gaps of over OUTAGE_US between entries), so
 * that an outage of the log defers every deadline by its own length, and no stamp stops them. Deadlines fire at each
 * crossing of a live second, before the entry that crosses it. Must not know any clock.
 */

/** A gap between two entries that cannot be idleness, since replicas append ticks. */
const OUTAGE_US = 3_000_000;

/** Where the fold stands when something happens. */
export interface Moment {
  readonly sequence: number;
  /** Log time. */
  readonly nowUs: number;
  /** What passed between entries, without the log's outages: what deadlines are counted in. */
  readonly liveUs: number;
  /** The entry's stamp, as the log gave it. */
  readonly stampUs: number;
}

/** Runs with the log. One object for every moment, so that an entry costs no allocation: do not keep what it says. */
export class LogTime implements Moment {
  sequence = 0;
  nowUs = 0;
  liveUs = 0;
  outagesUs = 0;
  stampUs = 0;

  /** Goes on to the next entry and its stamp; calls `crossed` at each live second on the way, as of that second. */
  advance(sequence: number, stampUs: number, crossed: (second: number) => void): void {
    const { nowUs, liveUs, stampUs: before } = this;
    const gap = stampUs - before;
    this.sequence = sequence;
    this.stampUs = stampUs;
    if (gap <= 0) return;
    if (before > 0 && gap > OUTAGE_US) this.outagesUs += gap;
    else if (before > 0) {
      const end = liveUs + gap;
      for (let second = Math.floor(liveUs / 1_000_000) + 1; second * 1_000_000 <= end; second++) {
        this.liveUs = second * 1_000_000;
        this.nowUs = nowAfter(nowUs, before, this.liveUs - liveUs);
        crossed(second);
      }
      this.liveUs = end;
    }
    this.nowUs = nowAfter(nowUs, before, gap);
  }
}

/** Log time `us` after it was `nowUs` and the stamp `stampUs`. */
function nowAfter(nowUs: number, stampUs: number, us: number): number {
  return Math.max(stampUs + us, nowUs + Math.trunc(us / 2));
}
