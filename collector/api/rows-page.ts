/** Pages of rows: as many as fit the bounds, and where the next page begins. Knows nothing of what rows hold. */

/** A page ends early after this much, so that no request holds the thread for long: follow `next`. */
const MOST_ROWS_SCANNED = 5000;
const MOST_BYTES_READ = 8 * 1024 * 1024;

export interface Page<Item, Position> {
  readonly items: Item[];
  /** Where the next page begins; null at the end. A page may hold fewer items than were asked for and still go on. */
  readonly next: Position | null;
}

type Row = Record<string, unknown>;

/** What became of a row. */
interface Taken<Item, Position> {
  readonly position: Position;
  /** Null for what is not wanted. */
  readonly item: Item | null;
  /** What was read for it besides the value, which counts as well: bytes. */
  readonly bytes?: number;
}

/** Reads rows until the page is full, its bounds are reached or there are no more. */
export function takePage<Item, Position>(
  rows: Iterable<Row>,
  limit: number,
  read: (value: string, row: Row) => Taken<Item, Position>,
): Page<Item, Position> {
  const items: Item[] = [];
  let last: Position | null = null;
  let scanned = 0;
  let bytes = 0;
  for (const row of rows) {
    if (items.length === limit || scanned === MOST_ROWS_SCANNED || bytes > MOST_BYTES_READ) {
      return { items, next: last };
    }
    const text = String(row['value']);
    const { position, item, bytes: more = 0 } = read(text, row);
    if (item !== null) items.push(item);
    last = position;
    scanned++;
    bytes += text.length + more;
  }
  return { items, next: null };
}
