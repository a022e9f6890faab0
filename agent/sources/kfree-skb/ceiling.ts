/**
 * How much of a processor the drop program takes, and whether that is too much. The kernel measures the program's runs
 * for one reading in ten, since measuring costs each run as much again; in between, what a run took the last time
 * stands for it. It must not know how drops are counted.
 */

import { Suspended } from '../../source.ts';
import { ProcessorShare } from '../processor-share.ts';

export interface CeilingOptions {
  /** Of one processor, percent. */
  readonly maxPercent: number;
  readonly nowUs: () => number;
  /** How long the program ran, and how often, while that was measured. */
  readonly runTime: () => { readonly ns: number; readonly runs: number };
  /** Has the kernel measure until the result is let go; throws where that is not allowed. */
  readonly measure: () => Disposable;
}

const MEASURED_EVERY = 10;
/** Too few runs say little: one may have been interrupted. */
const LEAST_RUNS = 100;
/** What a run takes where it cannot be measured, ns: above what was seen on any machine. */
const ASSUMED_NS = 250;

export class CpuCeiling {
  readonly #options: CeilingOptions;
  #runNs = ASSUMED_NS;
  #measuring: Disposable | undefined;
  #measured = { ns: 0, runs: 0 };
  #readings = 0;
  readonly #share: ProcessorShare;

  constructor(options: CeilingOptions) {
    this.#options = options;
    this.#share = new ProcessorShare(options.maxPercent, options.nowUs);
  }

  /**
   * Judges the time since the last call. @param events how often the program ran in it.
   * @throws Suspended when the program has been over its ceiling for some readings.
   */
  check(events: number): void {
    this.#measure();
    if (!this.#share.read((events * this.#runNs) / 1000)) return;
    const { maxPercent } = this.#options;
    const { percent, elapsedUs } = this.#share;
    const taken = `${Math.round(events / (elapsedUs / 1_000_000))} drops a second took ${percent.toFixed(1)} %`;
    throw new Suspended(
      `detached itself for a minute: ${taken} of a processor, its ceiling is ${maxPercent} %`,
      'raise sources.kfree-skb.max_cpu_percent if the machine can spare it',
    );
  }

  /** Stops measuring, if that is under way. */
  close(): void {
    this.#measuring?.[Symbol.dispose]();
    this.#measuring = undefined;
  }

  #measure(): void {
    if (this.#measuring) {
      const { ns, runs } = this.#options.runTime();
      const fresh = runs - this.#measured.runs;
      if (fresh >= LEAST_RUNS) this.#runNs = (ns - this.#measured.ns) / fresh;
      this.close();
    }
    if (this.#readings++ % MEASURED_EVERY !== 0) return;
    try {
      this.#measured = this.#options.runTime();
      this.#measuring = this.#options.measure();
    } catch {
      // Without CAP_SYS_ADMIN the assumption stands.
    }
  }
}
