/**
 * The sockets that lost packets in one window. It must not know how they are found, or when a window ends.
 */
import { LIMITS, type SocketDrops } from '@netfall/proto';

/** Sockets known at a time; what further ones lose is in the counters still. */
const MOST_SOCKETS = 1024;

export class SocketTable {
  readonly #rows = new Map<string, SocketDrops>();

  /** Returns false when there is no room for another socket. */
  add(row: SocketDrops): boolean {
    const key = `${row.protocol} ${row.local_address} ${row.local_port} ${row.pid}`;
    const known = this.#rows.get(key);
    if (!known && this.#rows.size >= MOST_SOCKETS) return false;
    const drops = Math.min(Number.MAX_SAFE_INTEGER, (known?.drops ?? 0) + row.drops);
    this.#rows.set(key, { ...row, drops });
    return true;
  }

  /** Those that lost the most, the most first. */
  report(): SocketDrops[] {
    return [...this.#rows.values()].sort((a, b) => b.drops - a.drops).slice(0, LIMITS.sockets);
  }

  clear(): void {
    this.#rows.clear();
  }
}
