/**
 * When the fold's thread commits: often while commits are short, and a long one only when it is worth its time. Times in
 * milliseconds, by clocks of the caller's. Must not know what is committed.
 */

/** From the end of a commit to the next one, at least. */
export const COMMIT_MS = 50;
/** Commits take at most a tenth of the thread's time, however large they are. */
const COMMIT_SHARE = 9;

export class CommitPace {
  #endedMs = 0;
  #tookMs = 0;
  #idleMs = 0;

  /** A commit that took so long has ended; the thread has been idle for `idleMs` since it started. */
  committed(nowMs: number, idleMs: number, tookMs: number): void {
    this.#endedMs = nowMs;
    this.#idleMs = idleMs;
    this.#tookMs = tookMs;
  }

  /** A large commit waits for its share of the time, or until the thread has been idle for as long as it will take. */
  isDue(nowMs: number, idleMs: number): boolean {
    const sinceMs = nowMs - this.#endedMs;
    if (sinceMs < COMMIT_MS) return false;
    return sinceMs >= COMMIT_SHARE * this.#tookMs || idleMs - this.#idleMs >= this.#tookMs;
  }
}
