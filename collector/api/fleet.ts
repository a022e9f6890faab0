/**
 * Totals over all hosts: how many in which state, and what their ledgers lost, which never shrinks. Walks the host rows
 * in slices, so that the thread stays free, and no more often than a tenth of the time. Knows nothing of HTTP or metrics.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HostView, LossView, SourceView } from '../fold/model.ts';

const SLICE = 200;
/** Totals younger than this, or than ten times what it took to count them, are shown again, ms. */
const FRESH_MS = 1000;
/** Rows of the losses; hosts name sources and hops themselves, so the number of names needs a bound. */
const MOST_LOSSES = 200;
/** The same for the names of sources. */
const MOST_SOURCES = 64;

export interface FleetTotals {
  /** When they were counted, microseconds since the Unix epoch by the machine's clock. */
  readonly countedUs: number;
  readonly hosts: Readonly<Record<HostView['status'], number>>;
  /** By name: on how many hosts that report a source is in which state. What had no room is under "other". */
  readonly sources: readonly SourceTotals[];
  /** By source and hop, in their order, with those of hosts since forgotten; what had no room is under "other". */
  readonly losses: readonly LossView[];
  /** Messages that hosts numbered and that never came. */
  readonly messagesLost: number;
}

export interface SourceTotals {
  readonly name: string;
  readonly hosts: Record<SourceView['state'], number>;
}

/** Where the hosts are read, page by page. */
interface HostRows {
  listHosts(query: { readonly limit: number; readonly after: string }): {
    readonly items: readonly HostView[];
    readonly next: string | null;
  };
  /** What hosts lost that are not listed any more. */
  forgottenHosts(): { readonly messages_lost: number; readonly losses: readonly LossView[] };
}

export class Fleet {
  readonly #reader: HostRows;
  readonly #nowMs: () => number;
  #latest: FleetTotals | null = null;
  #freshUntil = 0;
  #counting: Promise<FleetTotals> | null = null;

  constructor(reader: HostRows, nowMs: () => number = Date.now) {
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
    const sources = new Map<string, SourceTotals>();
    const losses = new Map<string, { source: string; hop: string; count: number }>();
    const forgotten = this.#reader.forgottenHosts();
    let messagesLost = forgotten.messages_lost;
    for (const loss of forgotten.losses) addLoss(losses, loss);
    let after = '';
    for (;;) {
      const { items, next } = this.#reader.listHosts({ limit: SLICE, after });
      for (const host of items) {
        hosts[host.status]++;
        if (host.status === 'live' || host.status === 'conflict') {
          for (const { name, state } of host.sources) totalsOf(sources, name).hosts[state]++;
        }
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
      sources: [...sources.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      losses: [...losses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, loss]) => loss),
      messagesLost,
    };
    return this.#latest;
  }
}

function totalsOf(sources: Map<string, SourceTotals>, name: string): SourceTotals {
  const known = sources.get(name);
  if (known) return known;
  if (sources.size >= MOST_SOURCES - 1 && name !== 'other') return totalsOf(sources, 'other');
  const totals = { name, hosts: { ok: 0, degraded: 0, unavailable: 0, off: 0, unknown: 0 } };
  sources.set(name, totals);
  return totals;
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
