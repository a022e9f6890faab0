/** Makes specimens of the packets that alerts carried. It must not know who wants them. */
import type { DropSample } from '@netfall/proto';
import { Links } from '../../kernel/netlink/links.ts';
import { specimenOf } from '../specimen.ts';
import type { DropMonitorCounter, Site } from './counter.ts';

export class Specimens implements Disposable {
  /** Throws KernelError. */
  readonly #links = new Links();

  /**
   * Visits the samples that a counter kept since the last time.
   * @param wants whether one of that kind is of use: asked before it is made.
   * @throws KernelError
   */
  read(
    counter: DropMonitorCounter,
    wants: (site: Readonly<Site>) => boolean,
    take: (sample: DropSample, site: Readonly<Site>) => void,
  ): void {
    this.#links.update();
    counter.readSamples((site, sample) => {
      if (!wants(site)) return;
      const { timeUs: observedUs, copied, etherType, interfaceIndex, length, bytes } = sample;
      // Alerts do not tell the namespace.
      const packet = {
        observedUs,
        copied,
        etherType,
        interfaceIndex,
        length,
        bytes,
        start: 0,
        namespace: '',
      };
      take(specimenOf({ ...site, ...packet }, this.#links), site);
    });
  }

  [Symbol.dispose](): void {
    this.#links.close();
  }
}
