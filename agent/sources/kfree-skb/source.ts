/**
 * `kfree-skb` as a source of the agent: hands the counter's rows on and turns its ledger, which only grows, into losses.
 * It must not know how drops are counted.
 */
import { DropOrigin } from '@netfall/proto';
import type { Collector, DropRow, Probe, Source } from '../../source.ts';
import { type KfreeSkbCounter, openKfreeSkb } from './counter.ts';
import { probeKfreeSkb } from './probe.ts';

export class KfreeSkbSource implements Source {
  readonly name = 'kfree-skb';
  readonly #options: { root: string; maxEntries: number };
  #counter: KfreeSkbCounter | undefined;
  #overflow = 0;
  #misses = 0;
  #unresolved = 0;
  /** Used again for every row. */
  readonly #row: { -readonly [K in keyof DropRow]: DropRow[K] } = {
    reason: '',
    function: '',
    offset: 0,
    module: '',
    protocol: '',
    origin: DropOrigin.DROP_ORIGIN_SOFTWARE,
    events: 0,
    packets: 0,
    bytes: 0,
  };

  constructor(root: string, maxEntries: number) {
    this.#options = { root: root === '/' ? '' : root, maxEntries };
  }

  probe(): Probe {
    return probeKfreeSkb(this.#options);
  }

  start(): void {
    this.#overflow = 0;
    this.#misses = 0;
    this.#unresolved = 0;
    this.#counter = openKfreeSkb(this.#options);
  }

  collect(into: Collector): void {
    const counter = this.#counter;
    if (!counter) return;
    counter.read((row) => {
      Object.assign(this.#row, row);
      if (row.function === '?') this.#row.function = '';
      into.drop(this.#row);
    });
    const { overflowEvents, misses, unresolvedSymbols } = counter.ledger();
    if (overflowEvents > this.#overflow) into.loss('map_overflow', overflowEvents - this.#overflow);
    if (misses > this.#misses) into.loss('program_misses', misses - this.#misses);
    if (unresolvedSymbols > this.#unresolved) {
      into.loss('unresolved_symbols', unresolvedSymbols - this.#unresolved);
    }
    this.#overflow = overflowEvents;
    this.#misses = misses;
    this.#unresolved = unresolvedSymbols;
  }

  stop(): void {
    this.#counter?.close();
    this.#counter = undefined;
  }
}
