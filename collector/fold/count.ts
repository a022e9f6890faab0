/** Counters and times that hosts add to at will, and that stay integers which JSON and SQLite give back as they were. */

/** The sum, or the largest safe integer where it would be beyond. */
export function plus(a: number, b: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, a + b);
}
