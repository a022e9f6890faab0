/**
 * Totals over all hosts: how many in which state, and what their ledgers lost, which never shrinks. Walks the host rows in slices, so that
 * the thread stays free, and no more often than a tenth of the time. Knows nothing of HTTP or metrics.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HostView, LossView } from '../fold/model.ts';
import type { Reader } from './reader.ts';

const SLICE = 200;
/** Totals younger than this, or than ten times what it took to count them, are shown again, ms. */
const FRESH_MS = 1000;
/** Rows of the losses; hosts name sources and hops themselves, so the number of names needs a bound. */
const MOST_LOSSES = 200;

export interface FleetTotals {
  /** When they were counted, microseconds since the Unix epoch by the machine's clock. */
  readonly countedUs: number;
  readonly hosts: Readonly<Record<HostView['status'], number>>;
  /** By source and hop, in their order, with those of hosts since forgotten; what had no room is under "other". */
  readonly losses: readonly LossView[];
  /** Messages that hosts numbered and that never came. */
  readonly messagesLost: number;
}

export class Fleet {
  readonly #reader: Reader;
  readonly #nowMs: () => number;
  #latest: FleetTotals | null = null;
  #freshUntil = 0;
  #counting: Promise<FleetTotals> | null = null;

  constructor(reader: Reader, nowMs: () => number = Date.now) {
    this.#reader = reader;
    this.#nowMs = nowMs;
  }

  /** Counts, or returns what was counted a short while ago. Callers at the same time share one count. */
  totals(): Promise<FleetTotals> {
    if (this.#latest && this.#nowMs() < this.#freshUntil) return Promise.resolve(this.#latest);
    this.#counting ??= this.#count().finally(() => {
      this.#counting = null;
    });
    return this.#counting;
  }

  async #count(): Promise<FleetTotals> {
    const startedMs = this.#nowMs();
    const hosts = { live: 0, silent: 0, stopped: 0, conflict: 0 };
    const losses = new Map<string, { source: string; hop: string; count: number }>();
    const forgotten = this.#reader.forgottenHosts();
    let messagesLost = forgotten.messages_lost;
    for (const loss of forgotten.losses) addLoss(losses, loss);
    let after = '';
    for (;;) {
      const { items, next } = this.#reader.listHosts({ limit: SLICE, after });
      for (const host of items) {
        hosts[host.status]++;
        messagesLost = add(messagesLost, host.messages_lost);
        for (const loss of host.losses) addLoss(losses, loss);
      }
      if (next === null) break;
      after = next;
      await nextTurn();
    }
    const nowMs = this.#nowMs();
    this.#freshUntil = nowMs + Math.max(FRESH_MS, 10 * (nowMs - startedMs));
    this.#latest = {
      countedUs: nowMs * 1000,
      hosts,
      losses: [...losses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, loss]) => loss),
      messagesLost,
    };
    return this.#latest;
  }
}

function addLoss(into: Map<string, { source: string; hop: string; count: number }>, loss: LossView): void {
  const key = `${loss.source}/${loss.hop}`;
  const known = into.get(key);
  if (known) known.count = add(known.count, loss.count);
  else if (into.size < MOST_LOSSES - 1 || key === 'other/other') into.set(key, { ...loss });
  else addLoss(into, { source: 'other', hop: 'other', count: loss.count });
}

function add(a: number, b: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, a + b);
}
