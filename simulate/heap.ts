/** A queue of things in the order of their times, and of their arrival where those are the same. */

interface Waiting<T> {
  readonly atUs: number;
  readonly order: number;
  readonly item: T;
}

export class Heap<T> {
  readonly #waiting: Waiting<T>[] = [];
  #order = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** The time of the next one, or Infinity. */
  get nextUs(): number {
    return this.#waiting[0]?.atUs ?? Number.POSITIVE_INFINITY;
  }

  push(atUs: number, item: T): void {
    const heap = this.#waiting;
    const one = { atUs, order: this.#order++, item };
    let at = heap.length;
    heap.push(one);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above]!;
      if (!isBefore(one, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = one;
  }

  /** Takes out the next one. Throws RangeError when there is none. */
  pop(): T {
    const heap = this.#waiting;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last) throw new RangeError('the heap is empty');
    if (heap.length === 0) return first.item;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first.item;
  }
}

function isBefore<T>(a: Waiting<T>, b: Waiting<T>): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
