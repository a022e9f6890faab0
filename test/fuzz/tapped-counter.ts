/**
 * The drop monitor's counter on a tap on a kernel that sends what it is told to. What is in the alerts is not its business.
 */
import { findSymbol } from '../../agent/kernel/kallsyms.ts';
import type { SymbolResolver } from '../../agent/names/symbols.ts';
import { DropMonitorCounter, type DropMonitorLosses } from '../../agent/sources/drop-monitor/counter.ts';
import { Tap } from '../../agent/sources/drop-monitor/tap.ts';
import { FakeKernel } from '../../agent/sources/drop-monitor/testing/fake-kernel.ts';
import { FakeFile } from '../../agent/sources/drop-monitor/testing/fake-monitor.ts';
import { specimenOf } from '../../agent/sources/specimen.ts';
import type { Report } from './report.ts';
import { must } from './target.ts';

export const TRUNCATION_BYTES = 128;
/** As the counter has it. */
export const MOST_KINDS = 4096;
const SAMPLES = 32;
const LISTING = Buffer.from('ffffffff81000000 T _text\nffffffff81bba000 T __udp4_lib_rcv\n');

const symbols: SymbolResolver = {
  resolve(address) {
    const found = findSymbol(LISTING, address);
    return found && { ...found, function: found.name };
  },
  endBatch() {},
  close() {},
};

export class TappedCounter {
  readonly #kernel = new FakeKernel();
  readonly #tap: Tap;
  readonly #counter: DropMonitorCounter;
  #told: Partial<DropMonitorLosses> = {};
  #mostKinds = 0;

  constructor() {
    this.#tap = new Tap({
      mode: 'packet',
      truncationBytes: TRUNCATION_BYTES,
      queueLength: 1000,
      hardware: true,
      receiveBufferBytes: 1 << 20,
      record: new FakeFile(),
      kernel: this.#kernel,
    });
    this.#counter = new DropMonitorCounter(this.#tap, {
      root: '/nonexistent',
      samples: SAMPLES,
      symbols: () => symbols,
    });
  }

  /** Drops of kinds that had no room. */
  get beyondKinds(): number {
    return this.#told.kinds_full ?? 0;
  }

  /** Kinds that moved between two readings. */
  get mostKinds(): number {
    return this.#mostKinds;
  }

  /** @returns how many messages were malformed, and summaries full */
  take(datagrams: readonly Uint8Array[]): { malformed: number; full: number } {
    const before = this.#counter.losses();
    for (const datagram of datagrams) this.#kernel.sent.push(datagram);
    this.#counter.drainAll();
    must(this.#kernel.sent.length === 0, 'datagrams were left behind');
    const after = this.#counter.losses();
    return {
      malformed: after.malformed - before.malformed,
      full: after.summary_table_full - before.summary_table_full,
    };
  }

  /** Hands on what was counted since the last time. @returns events, those beyond the table of kinds among them */
  collect(into: Report): number {
    let kinds = 0;
    let events = 0;
    this.#counter.read((row) => {
      kinds++;
      events += row.events;
      into.drop(row);
    });
    this.#mostKinds = Math.max(this.#mostKinds, kinds);
    let samples = 0;
    this.#counter.readSamples((site, { timeUs: observedUs, ...sample }) => {
      samples++;
      if (!into.wantsSample(site.reason, site.function)) return;
      into.sample(specimenOf({ ...site, ...sample, observedUs, start: 0, namespace: '' }, undefined));
    });
    must(samples <= SAMPLES, `there are ${samples} samples`);
    const losses = this.#counter.losses();
    for (const hop of Object.keys(losses) as (keyof DropMonitorLosses)[]) {
      const grown = losses[hop] - (this.#told[hop] ?? 0);
      must(Number.isSafeInteger(grown) && grown >= 0, `the losses of ${hop} grew by ${grown}`);
      if (grown > 0) into.loss(hop, grown);
      if (hop === 'kinds_full') events += grown;
    }
    this.#told = losses;
    return events;
  }

  close(): void {
    this.#counter.close();
    this.#tap.close();
    must(this.#kernel.open.sockets === 0 && this.#kernel.open.controls === 0, 'the tap was not let go of');
  }
}
