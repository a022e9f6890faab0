/**
 * `kfree-skb` as a source of the agent: hands the counter's rows and samples on, turns its ledger, which only grows, into
 * losses, and takes itself off when the program costs too much. It must not know how drops are counted.
 */
import { enableRunTimeStats } from '../../kernel/bpf/bpf.ts';
import { type Collector, newDropRow, type Probe, type Source } from '../../source.ts';
import { CpuCeiling } from './ceiling.ts';
import { type KfreeSkbCounter, openKfreeSkb } from './counter.ts';
import { probeKfreeSkb } from './probe.ts';
import { namedFunction, openSampling, type Specimens } from './specimens.ts';

export interface KfreeSkbSourceOptions {
  /** Replaces `/`. */
  readonly root: string;
  readonly maxEntries: number;
  readonly samples: boolean;
  /** Counts what is of the agent's own network namespace alone. */
  readonly ownNamespace?: boolean;
  /** What the program may take of one processor. */
  readonly maxCpuPercent: number;
  readonly nowUs: () => number;
}

/** Entries of the ledger that are losses, and the hops that they go by. */
const HOPS = {
  overflowEvents: 'map_overflow',
  misses: 'program_misses',
  unresolvedSymbols: 'unresolved_symbols',
  samplesLacked: 'sample_ring_full',
} as const;

export class KfreeSkbSource implements Source {
  readonly name = 'kfree-skb';
  readonly #options: KfreeSkbSourceOptions;
  readonly #root: string;
  #resources = new DisposableStack();
  #counter: KfreeSkbCounter | undefined;
  #ceiling: CpuCeiling | undefined;
  #specimens: Specimens | undefined;
  readonly #lost = { overflowEvents: 0, misses: 0, unresolvedSymbols: 0, samplesLacked: 0 };
  #events = 0;
  readonly #row = newDropRow();

  constructor(options: KfreeSkbSourceOptions) {
    this.#options = options;
    this.#root = options.root === '/' ? '' : options.root;
  }

  probe(): Probe {
    return probeKfreeSkb({ root: this.#root });
  }

  start(): void {
    const { maxEntries, samples, ownNamespace = false, maxCpuPercent: maxPercent, nowUs } = this.#options;
    const options = { root: this.#root, maxEntries, ownNamespace };
    using resources = new DisposableStack();
    const opened = samples
      ? openSampling(options, nowUs)
      : { counter: openKfreeSkb(options), specimens: undefined };
    const counter = resources.use(opened.counter);
    this.#specimens = resources.use(opened.specimens);
    this.#ceiling = resources.adopt(
      new CpuCeiling({ maxPercent, nowUs, runTime: () => counter.runTime(), measure: enableRunTimeStats }),
      (ceiling) => ceiling.close(),
    );
    this.#counter = counter;
    Object.assign(this.#lost, { overflowEvents: 0, misses: 0, unresolvedSymbols: 0, samplesLacked: 0 });
    this.#resources = resources.move();
  }

  collect(into: Collector): void {
    const counter = this.#counter;
    if (!counter) return;
    this.#events = 0;
    counter.read((row) => {
      this.#events += row.events;
      Object.assign(this.#row, row);
      this.#row.function = namedFunction(row.function);
      into.drop(this.#row);
    });
    this.#specimens?.read(
      counter,
      (site) => into.wantsSample(site.reason, namedFunction(site.function)),
      (sample) => into.sample(sample),
    );
    const ledger = counter.ledger();
    this.#events += ledger.overflowEvents - this.#lost.overflowEvents;
    for (const key of Object.keys(HOPS) as (keyof typeof HOPS)[]) {
      if (ledger[key] > this.#lost[key]) into.loss(HOPS[key], ledger[key] - this.#lost[key]);
      this.#lost[key] = ledger[key];
    }
    this.#ceiling?.check(this.#events);
  }

  stop(): void {
    this.#resources.dispose();
    this.#resources = new DisposableStack();
    this.#counter = undefined;
    this.#ceiling = undefined;
    this.#specimens = undefined;
  }
}
