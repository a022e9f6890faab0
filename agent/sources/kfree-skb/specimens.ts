/**
 * Makes specimens of the packets that the program sampled: names their interfaces and namespaces, and sets their times to
 * the reader's clock. It must not know who wants them.
 */
import type { DropSample } from '@netfall/proto';
import { NetworkNamespaces } from '../../inventory/namespaces.ts';
import { Links } from '../../kernel/netlink/links.ts';
import { specimenOf } from '../specimen.ts';
import { type DropSite, type KfreeSkbCounter, openKfreeSkb } from './counter.ts';
import type { KfreeSkbOptions } from './load.ts';
import { firstEtherType } from './samples/sample.ts';

/** Samples of a kind, a CPU and a reading. */
const BUDGET = 1;

/**
 * Begins to count, and to sample a few packets of each kind. A kernel that cannot sample counts all the same, without:
 * the probe says why.
 * @param nowUs µs since 1970.
 * @throws KernelError, VerifierError, BtfError, LayoutError: `probeKfreeSkb()` says in words what is missing.
 */
export function openSampling(
  options: Omit<KfreeSkbOptions, 'samples'>,
  nowUs: () => number,
): { readonly counter: KfreeSkbCounter; readonly specimens: Specimens | undefined } {
  using resources = new DisposableStack();
  try {
    const specimens = resources.use(new Specimens(options.root || '/', nowUs));
    const counter = openKfreeSkb({ ...options, samples: { budget: BUDGET } });
    resources.move();
    return { counter, specimens };
  } catch {
    return { counter: openKfreeSkb(options), specimens: undefined };
  }
}

export class Specimens implements Disposable {
  readonly #links = new Links();
  readonly #namespaces: NetworkNamespaces;
  readonly #nowUs: () => number;

  /** @param root stands in for `/`. @param nowUs µs since 1970. @throws KernelError */
  constructor(root: string, nowUs: () => number) {
    this.#namespaces = new NetworkNamespaces(root, nowUs);
    this.#nowUs = nowUs;
  }

  /**
   * Visits the samples that were taken since the last time.
   * @param wants whether one of that kind is of use: asked before it is made.
   * @throws KernelError
   */
  read(
    counter: KfreeSkbCounter,
    wants: (site: Readonly<DropSite>) => boolean,
    take: (sample: DropSample, site: Readonly<DropSite>) => void,
  ): void {
    this.#links.update();
    // From the clock that the program goes by to the reader's.
    const offsetUs = this.#nowUs() - Number(process.hrtime.bigint() / 1000n);
    counter.readSamples((site, sample) => {
      if (!wants(site)) return;
      const etherType = firstEtherType(sample);
      if (etherType < 0) return;
      const caught = {
        ...sample,
        observedUs: sample.monotonicUs + offsetUs,
        reason: site.reason,
        function: namedFunction(site.function),
        etherType,
        interfaceIndex: sample.arrivedOn || sample.deviceIndex,
        namespace: this.#namespaces.name(sample.namespace),
      };
      take(specimenOf(caught, this.#links), site);
    });
  }

  [Symbol.dispose](): void {
    this.#links.close();
  }
}

/** A function as reports have it: empty when nothing names it. */
export function namedFunction(name: string): string {
  return name === '?' ? '' : name;
}
