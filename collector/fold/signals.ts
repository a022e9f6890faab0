/**
 * What is wrong on hosts: their signals, out of what they report of drops and counters; and the beginning and end of trouble.
 * Must not know when hosts speak, nor which trouble is of one incident.
 */
import type { CounterReport, DropReport, DropSample } from '@netfall/proto';
import type { Addresses } from './addresses.ts';
import { type Classes, signalOf } from './classes.ts';
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import {
  endSpell,
  newSignal,
  type Observation,
  observe,
  type SignalRecord,
  type Spell,
  seed,
} from './detect.ts';
import { findSignal, type HostRecord, type HostState, hostname, insertSignal } from './host.ts';
import type { Incidents } from './incidents.ts';
import type { Intern } from './intern.ts';
import type { Moment } from './log-time.ts';
import type { RejectReason } from './rows.ts';
import type { DropClass, Rules } from './rules.ts';
import { asSample, newestSample } from './samples.ts';
import { withTargets } from './targets.ts';

/** A host whose messages say nothing of drops for this long has nobody left who counts them. */
const UNCOUNTED_US = 300_000_000;

export interface SignalsOptions {
  readonly config: FoldConfig;
  readonly rules: Pick<Rules, 'classify' | 'classifyCounter'>;
  /** Where the fold stands, at any time. */
  readonly time: Moment;
  readonly classes: Classes;
  readonly incidents: Incidents;
  readonly addresses: Addresses;
  /** Called for a host that has other kinds of signals than before. */
  readonly renamed: (host: HostRecord) => void;
  /** Called for what there is no room for. */
  readonly refused: (why: RejectReason) => void;
  readonly intern: Intern;
}

export class Signals {
  #config: FoldConfig;
  readonly #rules: SignalsOptions['rules'];
  readonly #time: Moment;
  readonly #classes: Classes;
  readonly #incidents: Incidents;
  readonly #addresses: Addresses;
  readonly #renamed: SignalsOptions['renamed'];
  readonly #refused: (why: RejectReason) => void;
  readonly #intern: Intern;

  constructor({
    config,
    rules,
    time,
    classes,
    incidents,
    addresses,
    renamed,
    refused,
    intern,
  }: SignalsOptions) {
    this.#config = config;
    this.#rules = rules;
    this.#time = time;
    this.#classes = classes;
    this.#incidents = incidents;
    this.#addresses = addresses;
    this.#renamed = renamed;
    this.#refused = refused;
    this.#intern = intern;
  }

  /** Goes by another configuration from here on. */
  configure(config: FoldConfig): void {
    this.#config = config;
  }

  /** Takes up the trouble that a restored host was in. */
  restore(host: HostRecord): void {
    for (const signal of host.state.signals) {
      if (signal.spell?.affected) this.#begin(host, signal);
    }
  }

  /** Folds what a host dropped. @param first whether nothing was known of the host before */
  report(host: HostRecord, report: DropReport, first: boolean): void {
    const packets = report.received_packets + report.sent_packets;
    const mentioned = new Map<SignalRecord, number>();
    for (const { reason, function: fn, events } of report.drops) {
      this.#mention(host, 'drop', reason, fn, events, mentioned);
    }
    this.#fold(host, 'drop', mentioned, { windowUs: report.window_us, packets }, report.samples, first);
  }

  /** Folds the counters of losses that moved on a host and that no drop shows. Their traffic is not told with them. */
  count(host: HostRecord, { window_us, counters }: CounterReport, first: boolean): void {
    const mentioned = new Map<SignalRecord, number>();
    for (const { name, delta } of counters) {
      if (this.#rules.classifyCounter(name)) this.#mention(host, 'counter', name, '', delta, mentioned);
    }
    this.#fold(host, 'counter', mentioned, { windowUs: window_us, packets: 0 }, [], first);
  }

  #mention(
    host: HostRecord,
    kind: SignalRecord['kind'],
    reason: string,
    fn: string,
    events: number,
    mentioned: Map<SignalRecord, number>,
  ): void {
    const signal =
      findSignal(host.state, kind, reason, fn) ?? this.#follow(host, kind, reason, fn, mentioned);
    if (signal) mentioned.set(signal, plus(mentioned.get(signal) ?? 0, events));
    else this.#refused('too_many_signals');
  }

  #fold(
    host: HostRecord,
    kind: SignalRecord['kind'],
    mentioned: ReadonlyMap<SignalRecord, number>,
    window: Omit<Observation, 'events'>,
    samples: readonly DropSample[],
    first: boolean,
  ): void {
    for (const [signal, events] of mentioned) {
      const seen: Observation = { events, ...window };
      if (first) seed(signal, seen, this.#time.liveUs);
      else this.#observe(host, signal, seen, samples);
    }
    const none: Observation = { events: 0, ...window };
    for (const signal of host.state.signals) {
      // What is at rest learns of its silence when it is next mentioned.
      if (signal.kind === kind && signal.spell && !mentioned.has(signal))
        this.#observe(host, signal, none, []);
    }
  }

  /** Whether there is trouble on a host of which nobody has said anything for long. */
  isUncounted({ state }: HostRecord): boolean {
    const { liveUs } = this.#time;
    return state.signals.some(({ spell, heard_us }) => spell && liveUs - heard_us >= UNCOUNTED_US);
  }

  /** Ends all trouble on a host. */
  endAll(host: HostRecord, why: string): void {
    for (const signal of host.state.signals) {
      const { spell } = signal;
      endSpell(signal);
      if (spell?.affected) this.#end(host, signal, spell, why);
    }
  }

  #observe(host: HostRecord, signal: SignalRecord, seen: Observation, samples: readonly DropSample[]): void {
    const verdict = observe(signal, seen, this.#time, this.#classOf(signal).alarm, this.#config.detect);
    const { spell } = signal;
    if (!spell) return;
    if (samples.length > 0 && signal.kind === 'drop') {
      spell.towards = withTargets(spell.towards, samples, signal, this.#addresses);
    }
    if (!spell.affected) return;
    const newest = newestSample(samples, signal.reason, signal.function);
    const sample = newest && asSample(host.id, hostname(host), newest, this.#time.nowUs);
    if (verdict !== 'recovered' && sample && spell.incident === '') spell.sample = sample;
    if (verdict === 'affected') this.#begin(host, signal);
    else if (verdict === 'unchanged') {
      this.#incidents.progressed(host, spell, sample);
    } else {
      endSpell(signal);
      this.#end(host, signal, spell, `${hostname(host)} recovered`);
    }
  }

  #begin(host: HostRecord, signal: SignalRecord): void {
    const { spell } = signal;
    if (spell) this.#classes.begin(signalOf(signal), this.#classOf(signal).severity, host, spell);
  }

  #end(host: HostRecord, signal: SignalRecord, spell: Spell, why: string): void {
    this.#classes.end(signalOf(signal), host.id);
    this.#incidents.ended(host, spell, why, this.#time, this.#config);
  }

  #classOf({ kind, reason, function: fn }: SignalRecord): DropClass {
    const { classify, classifyCounter } = this.#rules;
    return (kind === 'drop' ? classify(reason, fn) : classifyCounter(reason)) ?? NO_TROUBLE;
  }

  /** A new signal's record; where there is no room, the quietest one that is well and not `mentioned` makes room. */
  #follow(
    host: HostRecord,
    kind: SignalRecord['kind'],
    reason: string,
    fn: string,
    mentioned: ReadonlyMap<SignalRecord, number>,
  ): SignalRecord | undefined {
    const { signals } = host.state;
    if (signals.length >= this.#config.limits.signals_per_host) {
      let quietest: SignalRecord | undefined;
      for (const signal of signals) {
        if (signal.spell || mentioned.has(signal)) continue;
        if (!quietest || isQuieter(signal, quietest)) quietest = signal;
      }
      if (!quietest) return undefined;
      signals.splice(signals.indexOf(quietest), 1);
    }
    const signal = newSignal(kind, this.#intern(reason), this.#intern(fn), this.#time.liveUs);
    insertSignal(host.state, signal);
    this.#renamed(host);
    return signal;
  }
}

/** Nobody counted for so long: that nothing was mentioned does not mean that there was nothing. */
export function skipTime({ signals }: HostState, us: number): void {
  for (const signal of signals) if (!signal.spell) signal.heard_us += us;
}

/** Of a counter that the catalog does not call a loss any more. */
const NO_TROUBLE: DropClass = { alarm: 'never', severity: 'info' };

/** Compares by what was usual, then by when it was last seen; signals come in the order of their names. */
function isQuieter(a: SignalRecord, b: SignalRecord): boolean {
  return a.baseline < b.baseline || (a.baseline === b.baseline && a.heard_us < b.heard_us);
}
