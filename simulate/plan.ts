/**
 * What is to happen to a fleet, and the truth about it: scenarios write it down, the simulation carries it out. Times are µs
 * from the start of the simulation. Must not know messages, or when agents speak.
 */
import {
  type Change,
  type CollectorEntryKind,
  collectorSubject,
  type Entry,
  type Item,
} from '@netfall/proto';
import type { Trouble } from './agent.ts';
import { type Bug, heardOf, signatureOfBug } from './crash.ts';
import type { Fleet, Host, Pair, Values } from './fleet.ts';
import type { Random } from './random.ts';
import { type Signal, signalName } from './signals.ts';
import {
  type Disturbances,
  equivalentsOf,
  type FaultKind,
  fits,
  type TimeWindow,
  type TrueIncident,
} from './truth.ts';

export const SECOND = 1_000_000;

/** A step of the plan. */
export type Step =
  | { readonly what: 'trouble' | 'noise'; readonly host: number; readonly trouble: Trouble }
  /** The host cannot reach the log until then, and keeps what it has to say. */
  | { readonly what: 'cut'; readonly host: number; readonly untilUs: number }
  /** The host is off; it said goodbye, or did not. */
  | { readonly what: 'stop'; readonly host: number; readonly goodbye: string }
  | { readonly what: 'start'; readonly host: number }
  | { readonly what: 'become'; readonly host: number; readonly values: Partial<Values> }
  /** Its agent looks what the host is made of. */
  | { readonly what: 'look'; readonly host: number }
  | { readonly what: 'hear'; readonly host: number; readonly item: Item }
  | { readonly what: 'say'; readonly subject: string; readonly entry: Entry };

export interface PlannedStep {
  readonly atUs: number;
  readonly step: Step;
}

/** A fault on one host. */
export interface Manifestation {
  readonly host: Host;
  readonly fromUs: number;
  readonly untilUs: number;
}

interface Fault {
  readonly kind: FaultKind;
  readonly cause: readonly Pair[];
  readonly shown: readonly Manifestation[];
  readonly signals: readonly string[];
  readonly consequenceOf?: string;
  readonly late?: boolean;
}

export interface PlanOptions {
  readonly fleet: Fleet;
  readonly random: Random;
  readonly cell: string;
  readonly startUs: number;
  readonly intervalUs: number;
  readonly disturbances: Disturbances;
}

/** A relay takes a crash for whole when nothing more came for so long. */
const HEARD_OUT_US = 5 * SECOND;

export class Plan {
  readonly fleet: Fleet;
  readonly random: Random;
  readonly intervalUs: number;
  readonly steps: PlannedStep[] = [];
  readonly windows: TimeWindow[] = [];
  /** How far each host's clock is ahead, µs. */
  readonly clocks: readonly number[];
  readonly #options: PlanOptions;
  readonly #relays: ReadonlySet<number>;
  readonly #faults: Fault[] = [];
  readonly #values = new Map<number, Values>();
  readonly #bootedUs = new Map<number, number>();
  readonly #records = new Map<number, number>();
  #endUs = 0;

  constructor(options: PlanOptions) {
    const { fleet, random, intervalUs, disturbances } = options;
    this.fleet = fleet;
    this.random = random.fork('scenario');
    this.intervalUs = intervalUs;
    this.#options = options;
    this.#relays = new Set(fleet.relays);
    const clocks = random.fork('clocks');
    const most = disturbances.skew_s * SECOND;
    this.clocks = fleet.hosts.map(() => Math.round(clocks.between(-most, most)));
  }

  /** Adds a part of the simulated time behind those there are. Returns when it begins and ends. */
  window(name: string, seconds: number): { readonly fromUs: number; readonly untilUs: number } {
    const fromUs = this.#endUs;
    const untilUs = fromUs + Math.round(seconds * SECOND);
    this.windows.push({ name, start: this.#absolute(fromUs), end: this.#absolute(untilUs) });
    this.#endUs = untilUs;
    return { fromUs, untilUs };
  }

  get endUs(): number {
    return this.#endUs;
  }

  /** How long a host has to say nothing to be called silent, and then some, s. */
  get silenceS(): number {
    return Math.max(30, (this.intervalUs / SECOND) * 3) + 60;
  }

  /** Hosts that are not needed to hear others. */
  ordinary(hosts: readonly Host[]): readonly Host[] {
    return hosts.filter(({ index }) => !this.#relays.has(index));
  }

  /** Those hosts of a cause on which it shows: at least three, if there are as many. */
  manifesting(hosts: readonly Host[]): readonly Host[] {
    const [least, most] = this.#options.disturbances.manifestation;
    const count = Math.round(this.random.between(least, most) * hosts.length);
    return this.random.sample(hosts, Math.max(3, count));
  }

  /** Drops or losses of one kind on hosts, from about then on, each at a rate of its own. */
  suffer(
    signal: Signal,
    hosts: readonly Host[],
    span: { readonly fromUs: number; readonly untilUs: number; readonly spreadS: number },
    towards: (host: Host) => readonly string[] = () => [],
  ): readonly Manifestation[] {
    const [least, most] = signal.trouble;
    return hosts.map((host) => {
      const fromUs = Math.round(span.fromUs + this.random.next() * span.spreadS * SECOND);
      const untilUs = Math.round(span.untilUs + this.random.next() * 4 * SECOND);
      const rate = this.random.logUniform(least, most);
      const trouble = { signal, rate, fromUs, untilUs, towards: towards(host) };
      this.#step(fromUs, { what: 'trouble', host: host.index, trouble });
      return { host, fromUs, untilUs };
    });
  }

  /** Hosts lose sight of the log, and later send what they kept. */
  cut(hosts: readonly Host[], fromUs: number, untilUs: number): readonly Manifestation[] {
    return hosts.map((host) => {
      const cutUs = Math.round(fromUs + this.random.next() * 2 * SECOND);
      const backUs = Math.round(untilUs + this.random.next() * 3 * SECOND);
      this.#step(cutUs, { what: 'cut', host: host.index, untilUs: backUs });
      return { host, fromUs: cutUs, untilUs: backUs };
    });
  }

  /** A host is off for a time. */
  down(host: Host, fromUs: number, untilUs: number, goodbye = ''): Manifestation {
    this.#step(fromUs, { what: 'stop', host: host.index, goodbye });
    this.#step(untilUs, { what: 'start', host: host.index });
    this.#bootedUs.set(host.index, untilUs);
    return { host, fromUs, untilUs };
  }

  /** A host has other values from then on. Its agent looks at a time of its own, unless something else lets it look sooner. */
  become(host: Host, atUs: number, values: Partial<Values>, looksUs: number): void {
    this.#step(atUs, { what: 'become', host: host.index, values });
    this.#step(looksUs, { what: 'look', host: host.index });
    this.#values.set(host.index, { ...this.valuesOf(host), ...values });
  }

  /** A host dies of a bug, which a relay hears, and boots again after a time. In the order of time. */
  crash(host: Host, atUs: number, bug: Bug, offS: number): Manifestation {
    const bootedUs = this.#bootedUs.get(host.index) ?? -this.random.between(3600, 8_000_000) * SECOND;
    const relays = this.fleet.relays.filter((index) => index !== host.index);
    // The nearest one.
    const relay = relays.findLast((index) => index < host.index) ?? relays[0];
    const { kernel, vendor, product } = this.valuesOf(host);
    const death = { bug, kernel, product: `${vendor} ${product}`, uptimeUs: Math.round(atUs - bootedUs) };
    if (relay !== undefined) {
      const heardUs = atUs + this.random.below(50_000);
      const number = (this.#records.get(relay) ?? 0) + 1;
      this.#records.set(relay, number);
      const { witness, report } = heardOf(death, {
        record: `netoops-${number}`,
        sender: host.address,
        firstUs: this.#absolute(heardUs) + this.clocks[relay]!,
      });
      this.#step(heardUs, { what: 'hear', host: relay, item: { crash_witness: witness } });
      this.#step(heardUs + HEARD_OUT_US, { what: 'hear', host: relay, item: { crash_report: report } });
    }
    return this.down(host, atUs, Math.round(atUs + offS * SECOND));
  }

  /** Somebody announces a change that begins then. */
  announce(atUs: number, change: Pick<Change, 'id' | 'kind' | 'summary' | 'attributes'>): void {
    const entry = { change: { ...change, at_us: this.#absolute(atUs), hosts: [], by: 'rollout', url: '' } };
    this.say(atUs, 'change', entry);
  }

  /** A collector appends something. */
  say(atUs: number, kind: CollectorEntryKind, entry: Entry): void {
    this.#step(atUs, { what: 'say', subject: collectorSubject(this.#options.cell, kind), entry });
  }

  /** Writes down the truth about a fault: by its own account, once all is planned. Returns its id. */
  fault(fault: Omit<Fault, 'signals'> & { readonly signals: readonly (Signal | Bug | 'silence')[] }): string {
    const signals = fault.signals.map((signal) => {
      if (signal === 'silence') return signal;
      return 'callers' in signal ? `crash/${signatureOfBug(signal)}` : signalName(signal);
    });
    this.#faults.push({ ...fault, signals });
    return `t${this.#faults.length}`;
  }

  /** Hosts by what they have at the end. */
  where(cause: readonly Pair[]): readonly Host[] {
    return this.fleet.hosts.filter((host) => fits(cause, this.valuesOf(host)));
  }

  /** What a host has after all that is planned so far. */
  valuesOf(host: Host): Values {
    return this.#values.get(host.index) ?? host.values;
  }

  /** The truth, when all is planned. */
  incidents(): readonly TrueIncident[] {
    return this.#faults.map(({ kind, cause, shown, signals, consequenceOf = null, late = false }, i) => {
      const onsets = new Map<string, number>();
      for (const { host, fromUs } of shown) {
        onsets.set(host.id, Math.min(fromUs, onsets.get(host.id) ?? Number.POSITIVE_INFINITY));
      }
      const hosts = [...onsets.keys()].sort();
      const single = cause.some(({ attribute }) => attribute === 'host');
      return {
        id: `t${i + 1}`,
        kind,
        start: this.#absolute(shown.reduce((least, { fromUs }) => Math.min(least, fromUs), this.#endUs)),
        end: this.#absolute(shown.reduce((most, { untilUs }) => Math.max(most, untilUs), 0)),
        cause,
        equivalents: single ? [] : equivalentsOf(cause, this.fleet.hosts, (host) => this.valuesOf(host)),
        hosts,
        onsets: hosts.map((id) => this.#absolute(onsets.get(id) ?? 0)),
        extent: single ? 1 : this.where(cause).length,
        signals,
        consequence_of: consequenceOf,
        late,
      };
    });
  }

  #absolute(us: number): number {
    return this.#options.startUs + us;
  }

  #step(atUs: number, step: Step): void {
    this.steps.push({ atUs, step });
  }
}

/** The cause of what is one host's own. */
export function ofHost({ id }: Host): readonly Pair[] {
  return [{ attribute: 'host', value: id }];
}
