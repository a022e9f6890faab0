/**
 * The time that the fold goes by, which is the log's. `nowUs` is the highest stamp so far. `liveUs` is that without the
 * log's outages (gaps of over OUTAGE_US between entries), so that an outage of the log defers every deadline by its own
 * length. Deadlines fire at each crossing of a live second, before the entry that crosses it. Must not know any clock.
 */

/** A gap between two entries that cannot be idleness, since replicas append ticks. */
const OUTAGE_US = 3_000_000;

/** Where the fold stands when something happens. */
export interface Moment {
  readonly sequence: number;
  /** Log time. */
  readonly nowUs: number;
  /** Log time without the log's outages: what deadlines are counted in. */
  readonly liveUs: number;
}

/** Runs with the log. One object for every moment, so that an entry costs no allocation: do not keep what it says. */
export class LogTime implements Moment {
  sequence = 0;
  nowUs = 0;
  liveUs = 0;
  outagesUs = 0;

  /** Goes on to the next entry and its stamp; calls `crossed` at each live second on the way, as of that second. */
  advance(sequence: number, stampUs: number, crossed: (second: number) => void): void {
    this.sequence = sequence;
    const gap = stampUs - this.nowUs;
    if (gap <= 0) return;
    if (this.nowUs > 0 && gap > OUTAGE_US) this.outagesUs += gap;
    else if (this.nowUs > 0) this.#pass(gap, crossed);
    this.nowUs = stampUs;
  }

  #pass(us: number, crossed: (second: number) => void): void {
    const end = this.liveUs + us;
    const startUs = this.nowUs - this.liveUs;
    for (let second = Math.floor(this.liveUs / 1_000_000) + 1; second * 1_000_000 <= end; second++) {
      this.liveUs = second * 1_000_000;
      this.nowUs = startUs + this.liveUs;
      crossed(second);
    }
    this.liveUs = end;
  }
}
