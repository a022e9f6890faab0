/**
 * The short memory of message ids: which ids were stored within the last so many microseconds of log time, and where.
 * It must not know how entries are stored.
 */

interface Remembered {
  readonly sequence: number;
  readonly timeUs: number;
}

/** Ids are added in the order of storage, so the oldest is always the first of the map. */
export class DedupeWindow {
  readonly #windowUs: number;
  readonly #byId = new Map<string, Remembered>();

  constructor(windowUs: number) {
    this.#windowUs = windowUs;
  }

  /** The sequence of the first copy, or undefined when the id is not remembered (any more) at log time `nowUs`. */
  find(id: string, nowUs: number): number | undefined {
    const remembered = this.#byId.get(id);
    return remembered && remembered.timeUs + this.#windowUs > nowUs ? remembered.sequence : undefined;
  }

  add(id: string, sequence: number, timeUs: number): void {
    // Deleted first, so that an id stored again after its window moves to the young end.
    this.#byId.delete(id);
    this.#byId.set(id, { sequence, timeUs });
  }

  /** Forgets an id whose storage failed. */
  remove(id: string): void {
    this.#byId.delete(id);
  }

  /** Lets go of everything older than the window at log time `nowUs`. */
  expire(nowUs: number): void {
    for (const [id, remembered] of this.#byId) {
      if (remembered.timeUs + this.#windowUs > nowUs) return;
      this.#byId.delete(id);
    }
  }
}
