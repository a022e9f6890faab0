/**
 * `kfree-skb` as a source of the agent: hands the counter's rows and samples on, turns its ledger, which only grows, into
 * losses, and takes itself off when the program costs too much. It must not know how drops are counted.
 */
import { DropOrigin } from '@netfall/proto';
import { NetworkNamespaces } from '../../inventory/namespaces.ts';
import { enableRunTimeStats } from '../../kernel/bpf/bpf.ts';
import { Links } from '../../kernel/netlink/links.ts';
import type { Collector, DropRow, Probe, Source } from '../../source.ts';
import { specimenOf } from '../specimen.ts';
import { CpuCeiling } from './ceiling.ts';
import { type KfreeSkbCounter, openKfreeSkb } from './counter.ts';
import type { KfreeSkbOptions } from './load.ts';
import { probeKfreeSkb } from './probe.ts';
import { firstEtherType } from './samples/sampler.ts';

export interface KfreeSkbSourceOptions {
  /** Replaces `/`. */
  readonly root: string;
  readonly maxEntries: number;
  readonly samples: boolean;
  /** What the program may take of one processor. */
  readonly maxCpuPercent: number;
  readonly nowUs: () => number;
}

/** Samples of a kind, a CPU and a collection. */
const SAMPLE_BUDGET = 1;

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
  readonly #namespaces: NetworkNamespaces;
  #resources = new DisposableStack();
  #counter: KfreeSkbCounter | undefined;
  #ceiling: CpuCeiling | undefined;
  #links: Links | undefined;
  readonly #lost = { overflowEvents: 0, misses: 0, unresolvedSymbols: 0, samplesLacked: 0 };
  #events = 0;
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

  constructor(options: KfreeSkbSourceOptions) {
    this.#options = options;
    this.#root = options.root === '/' ? '' : options.root;
    this.#namespaces = new NetworkNamespaces(options.root, options.nowUs);
  }

  probe(): Probe {
    return probeKfreeSkb({ root: this.#root });
  }

  start(): void {
    const { maxEntries, maxCpuPercent: maxPercent, nowUs } = this.#options;
    const options = { root: this.#root, maxEntries };
    using resources = new DisposableStack();
    const sampling = this.#options.samples ? tryToSample(options) : undefined;
    const counter = resources.use(sampling ?? openKfreeSkb(options));
    this.#ceiling = resources.adopt(
      new CpuCeiling({ maxPercent, nowUs, runTime: () => counter.runTime(), measure: enableRunTimeStats }),
      (ceiling) => ceiling.close(),
    );
    this.#links = sampling ? resources.use(new Links()) : undefined;
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
      if (row.function === '?') this.#row.function = '';
      into.drop(this.#row);
    });
    this.#samples(counter, into);
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
    this.#links = undefined;
  }

  #samples(counter: KfreeSkbCounter, into: Collector): void {
    this.#links?.update();
    // From the clock that the program goes by to the agent's own.
    const offsetUs = this.#options.nowUs() - Number(process.hrtime.bigint() / 1000n);
    counter.readSamples((site, sample) => {
      const fn = site.function === '?' ? '' : site.function;
      if (!into.wantsSample(site.reason, fn)) return;
      const etherType = firstEtherType(sample);
      if (etherType < 0) return;
      into.sample(
        specimenOf(
          {
            ...sample,
            observedUs: sample.monotonicUs + offsetUs,
            reason: site.reason,
            function: fn,
            etherType,
            interfaceIndex: sample.arrivedOn || sample.deviceIndex,
          },
          this.#links,
          this.#namespaces,
        ),
      );
    });
  }
}

/** A kernel that cannot sample counts all the same, without: the probe has said why. */
function tryToSample(options: KfreeSkbOptions): KfreeSkbCounter | undefined {
  try {
    return openKfreeSkb({ ...options, samples: { budget: SAMPLE_BUDGET } });
  } catch {
    return undefined;
  }
}
