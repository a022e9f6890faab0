/**
 * `drop-monitor` as a source of the agent: counts software's drops when it is the source that counts, and hardware's in
 * any case; gives the monitor back, and takes itself off when alerts cost too much. It must not know how alerts are read.
 */

import { KernelError } from '../../kernel/libc.ts';
import { type Collector, type Probe, type Source, Suspended } from '../../source.ts';
import { ProcessorShare } from '../processor-share.ts';
import { DropMonitorCounter, type DropMonitorLosses } from './counter.ts';
import type { Interference } from './monitor.ts';
import { hardwareTells, probeDropMonitor } from './probe.ts';
import type { MonitorConfig } from './requests.ts';
import { Specimens } from './specimens.ts';
import { recordFile, restoreLeft, Tap, type TappedKernel } from './tap.ts';

export interface DropMonitorSourceOptions extends MonitorConfig {
  /** Replaces `/`. */
  readonly root: string;
  readonly hardware: boolean;
  readonly samples: boolean;
  readonly receiveBufferBytes: number;
  /** What reading alerts may take of one processor. */
  readonly maxCpuPercent: number;
  /** The source that counts software's drops; '' when none can. */
  readonly counting: () => string;
  readonly nowUs: () => number;
  /** Default: this kernel's. */
  readonly kernel?: TappedKernel;
  /** CPU time of this thread, µs. */
  readonly cpuUs?: () => number;
}

const NAME = 'drop-monitor';
const RECORD = 'drop-monitor.json';
const SAMPLES = 32;
/** For how long it is said that somebody meddled. */
const REMARK_US = 60_000_000;
/** Collections on end in which others may keep the monitor. */
const MOST_REFUSED = 5;

export class DropMonitorSource implements Source {
  readonly name = NAME;
  readonly #options: DropMonitorSourceOptions;
  #tap: Tap | undefined;
  #counter: DropMonitorCounter | undefined;
  #specimens: Specimens | undefined;
  #told: Partial<DropMonitorLosses> = {};
  #remark = '';
  #remarkUs = 0;
  #refused = 0;
  /** CPU time that alerts took since the last collection. */
  #spentUs = 0;
  #share: ProcessorShare | undefined;

  constructor(options: DropMonitorSourceOptions) {
    this.#options = options;
  }

  probe(): Probe {
    const { root, mode, hardware } = this.#options;
    const counting = this.#options.counting();
    if (!this.#addsHardware(counting)) return probeDropMonitor({ root, mode });
    if (!hardware || !hardwareTells()) {
      const why = hardware ? 'no device here tells of drops in its hardware' : "hardware's are switched off";
      return { state: 'off', detail: `${counting} counts drops, and ${why}` };
    }
    const probe = probeDropMonitor({ root, mode });
    if (probe.state === 'unavailable') return { ...probe, detail: 'counts no drops of hardware' };
    return { state: 'ok', detail: `adds drops in hardware; ${counting} counts the others` };
  }

  start(): void {
    const { root, hardware, samples, nowUs, kernel } = this.#options;
    const hardwareOnly = this.#addsHardware(this.#options.counting());
    const { mode, truncationBytes, queueLength, receiveBufferBytes } = this.#options;
    this.#tap = new Tap({
      ...{ mode, truncationBytes, queueLength, receiveBufferBytes, hardware, hardwareOnly },
      record: recordFile(root, RECORD),
      ...(kernel && { kernel }),
    });
    this.#counter = new DropMonitorCounter(this.#tap, { root, hardwareOnly, samples: samples ? SAMPLES : 0 });
    this.#specimens = samples ? new Specimens() : undefined;
    this.#told = {};
    this.#remark = '';
    this.#refused = this.#spentUs = 0;
    this.#share = new ProcessorShare(this.#options.maxCpuPercent, nowUs);
    const counter = this.#counter;
    this.#tap.alerts.onReadable(() => this.#measured(() => counter.drain()));
  }

  collect(into: Collector): void {
    const counter = this.#counter;
    if (!this.#tap || !counter) return;
    this.#measured(() => counter.drainAll());
    this.#watch(this.#tap);
    counter.read((row) => into.drop(row));
    this.#specimens?.read(
      counter,
      ({ reason, function: name }) => into.wantsSample(reason, name),
      (sample) => into.sample(sample),
    );
    this.#losses(counter, into);
    this.#checkCeiling();
  }

  remark(): string {
    return this.#remark !== '' && Math.abs(this.#options.nowUs() - this.#remarkUs) < REMARK_US
      ? this.#remark
      : '';
  }

  stop(): void {
    const tap = this.#tap;
    this.#tap = undefined;
    this.#specimens?.[Symbol.dispose]();
    this.#specimens = undefined;
    this.#counter?.close();
    this.#counter = undefined;
    tap?.close();
    // What a run that was killed left, or what could not be given back just now.
    restoreLeft(recordFile(this.#options.root, RECORD), this.#options.kernel);
  }

  #addsHardware(counting: string): boolean {
    return counting !== NAME && counting !== '';
  }

  #measured<T>(work: () => T): T {
    const { cpuUs = threadCpuUs } = this.#options;
    const before = cpuUs();
    const result = work();
    this.#spentUs += cpuUs() - before;
    return result;
  }

  /** Takes the monitor back from others. */
  #watch(tap: Tap): void {
    let did = '';
    try {
      did = tap.check().map(describe).join(' and ');
      this.#refused = 0;
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== 'EBUSY' || ++this.#refused >= MOST_REFUSED)
        throw error;
      did = 'keeps it busy';
    }
    if (did === '') return;
    this.#remark = `another tool ${did}, ${this.#refused > 0 ? 'and it is tried again' : 'which was taken back'}`;
    this.#remarkUs = this.#options.nowUs();
  }

  #losses(counter: DropMonitorCounter, into: Collector): void {
    const losses = counter.losses();
    for (const hop of Object.keys(losses) as (keyof DropMonitorLosses)[]) {
      const grown = losses[hop] - (this.#told[hop] ?? 0);
      if (grown > 0) into.loss(hop, grown);
    }
    this.#told = losses;
  }

  /** @throws Suspended when alerts took more than they may for some readings. */
  #checkCeiling(): void {
    const share = this.#share;
    const spentUs = this.#spentUs;
    this.#spentUs = 0;
    if (!share?.read(spentUs)) return;
    const { maxCpuPercent } = this.#options;
    throw new Suspended(
      `gave the monitor back for a minute: its alerts took ${share.percent.toFixed(1)} % of a processor, their ceiling is ${maxCpuPercent} %`,
      'raise sources.drop-monitor.max_cpu_percent if the machine can spare it, or set its mode to summary',
    );
  }
}

function describe({ what, now }: Interference): string {
  switch (what) {
    case 'software':
    case 'hardware':
      return `${now ? 'started' : 'stopped'} the monitoring of ${what}`;
    case 'mode':
      return `set it to ${now} mode`;
    case 'truncationBytes':
      return `set the truncation to ${now}`;
    case 'queueLength':
      return `set the queue length to ${now}`;
  }
}

function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
