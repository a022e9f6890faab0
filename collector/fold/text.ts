/** Text that hosts send: cut to what a record may hold of it, and in order. */

/** @param most characters (UTF-16 units) */
export function bounded(text: string, most: number): string {
  // A cut may leave half of a surrogate pair.
  return text.length <= most ? text : text.slice(0, most).toWellFormed();
}

/** In the order of their characters, whatever the machine's language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
