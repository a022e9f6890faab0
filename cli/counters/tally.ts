/** Adds up what counters and drops did while somebody watched, and holds the one against the other. Pure. */
import { type AuditDrop, audit, type Findings, NOTHING } from '@netfall/agent/audit';
import { counterRule, countersOf, reasonRule } from '@netfall/catalog';
import type { AuditedDrop, CounterDelta, SocketDrops } from '@netfall/proto';
import { type DropCount, keyOf } from '../drops/tally.ts';

/** A counter that moved. */
export interface CounterLine extends CounterDelta {
  /** Whether what it counts is a lost packet; `unknown` when the catalog does not have it. */
  readonly lost: 'always' | 'sometimes' | 'never' | 'unknown';
}

export class CounterTally {
  readonly #counters = new Map<string, { -readonly [K in keyof CounterDelta]: CounterDelta[K] }>();
  readonly #drops = new Map<string, { -readonly [K in keyof DropCount]: DropCount[K] }>();
  readonly #slack: AuditDrop[] = [];
  readonly #sockets = new Map<string, SocketDrops>();
  readonly #losses = new Map<string, number>();

  counter(name: string, iface: string, delta: number, namespace = ''): void {
    const key = `${namespace}\n${iface}\n${name}`;
    const known = this.#counters.get(key);
    if (known) known.delta += delta;
    else this.#counters.set(key, { name, interface: iface, delta, namespace });
  }

  drop(row: Readonly<DropCount>): void {
    const key = keyOf(row);
    const known = this.#drops.get(key);
    if (known) known.events += row.events;
    else this.#drops.set(key, { ...row });
  }

  /** Drops while the counters were being read, first or last: these may have counted them or not. */
  slack({ reason, function: fn, protocol, events }: Readonly<DropCount>): void {
    this.#slack.push({ reason, function: fn, protocol, events });
  }

  socket(row: SocketDrops): void {
    const key = `${row.protocol} ${row.local_address} ${row.local_port} ${row.pid}`;
    const drops = (this.#sockets.get(key)?.drops ?? 0) + row.drops;
    this.#sockets.set(key, { ...row, drops });
  }

  /** Something was lost at a hop, `total` since it was opened. */
  lost(hop: string, total: number): void {
    if (total > 0) this.#losses.set(hop, total);
  }

  /** Something was lost at a hop, `count` more. */
  missed(hop: string, count: number): void {
    this.#losses.set(hop, (this.#losses.get(hop) ?? 0) + count);
  }

  /** What moved, losses first, the largest first. */
  counters(): CounterLine[] {
    const order = ['always', 'sometimes', 'unknown', 'never'];
    return [...this.#counters.values()]
      .map((row): CounterLine => ({ ...row, lost: counterRule(row.name)?.lost ?? 'unknown' }))
      .sort(
        (a, b) =>
          order.indexOf(a.lost) - order.indexOf(b.lost) || b.delta - a.delta || (a.name < b.name ? -1 : 1),
      );
  }

  sockets(): SocketDrops[] {
    return [...this.#sockets.values()].sort((a, b) => b.drops - a.drops);
  }

  losses(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#losses);
  }

  /** The audit of the whole time: nothing follows that what is left over could wait for. */
  findings(): Findings {
    const drops = [...this.#drops.values()];
    const now = audit({ drops, counters: [...this.#counters.values()] }, NOTHING);
    // Those that no counter counts were in neither of the two times.
    const slack = this.#slack.filter((row) => countersOf(row.reason, row.function, row.protocol).length > 0);
    const rest = audit({ drops: slack, counters: [] }, now.leftover);
    return {
      explained: merged([...now.explained, ...rest.explained]),
      unseen: [...now.unseen, ...rest.unseen],
      uncounted: [...now.uncounted, ...rest.uncounted].sort((a, b) => b.events - a.events),
    };
  }

  /** How many drop events that are losses a counter counted, too: each once, however many counters did. */
  matched({ explained }: Findings): number {
    const counted = new Map<string, number>();
    for (const row of explained) {
      if (reasonRule(row.reason, row.function).lost === 'never') continue;
      counted.set(keyOf(row), (counted.get(keyOf(row)) ?? 0) + row.events);
    }
    return [...counted].reduce(
      (sum, [key, events]) => sum + Math.min(events, this.#drops.get(key)?.events ?? 0),
      0,
    );
  }
}

/** One row for each drop and counter, the most events first. */
function merged(rows: readonly AuditedDrop[]): AuditedDrop[] {
  const sums = new Map<string, AuditedDrop>();
  for (const row of rows) {
    const key = `${keyOf(row)}\n${row.counter}`;
    sums.set(key, { ...row, events: (sums.get(key)?.events ?? 0) + row.events });
  }
  return [...sums.values()].sort((a, b) => b.events - a.events);
}
