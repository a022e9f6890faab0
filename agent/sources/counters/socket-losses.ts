/**
 * What each socket of one listing has lost so far, and how far that grew. Remembers only those that lost something: a
 * socket that is new to it began at zero, for no two have one inode. Pure; it must not know what the listing is of.
 */

/** Sockets that may still be remembered, of all listings together. */
export interface Room {
  left: number;
}

interface Known {
  drops: number;
  /** The reading that it was last seen in. */
  seen: number;
}

export class SocketLosses {
  readonly #room: Room;
  readonly #known = new Map<number, Known>();
  #reading = 0;
  #refused = 0;
  /** Whether every socket that had lost something was known at the end of the last reading. */
  #complete = false;

  constructor(room: Room) {
    this.#room = room;
  }

  /** A socket in the present reading and what it has lost so far. @returns how much of that is new. */
  put(inode: number, drops: number): number {
    // A socket without an inode is held by nobody any more.
    if (inode === 0) return 0;
    const known = this.#known.get(inode);
    if (known) {
      // A number that fell is another socket's.
      const growth = drops >= known.drops ? drops - known.drops : drops;
      known.drops = drops;
      known.seen = this.#reading;
      return growth;
    }
    if (drops === 0) return 0;
    if (this.#room.left === 0) {
      this.#refused++;
      return 0;
    }
    this.#room.left--;
    this.#known.set(inode, { drops, seen: this.#reading });
    return this.#complete ? drops : 0;
  }

  /**
   * Ends a reading that went over the whole listing. Forgets sockets that two readings did not show: one may pass over a
   * socket when others come and go meanwhile. @returns how many were not taken for want of room.
   */
  end(): number {
    for (const [inode, { seen }] of this.#known) if (seen < this.#reading - 1) this.#forget(inode);
    this.#reading++;
    this.#complete = this.#refused === 0;
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  clear(): void {
    for (const inode of this.#known.keys()) this.#forget(inode);
  }

  #forget(inode: number): void {
    this.#known.delete(inode);
    this.#room.left++;
  }
}
