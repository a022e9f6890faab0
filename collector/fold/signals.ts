/**
 * What is wrong on hosts: their signals, out of what they report of drops; and the beginning and end of trouble, which
 * incidents are told of. Must not know when hosts speak, nor what becomes of an incident.
 */
import type { DropReport, DropSample } from '@netfall/proto';
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import { newSignal, type Observation, observe, type SignalRecord, type Spell, seed } from './detect.ts';
import { findSignal, type HostRecord, type HostState, hostname, insertSignal } from './host.ts';
import type { HostSignal } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Intern } from './intern.ts';
import type { Moment } from './log-time.ts';
import type { Severity } from './model.ts';
import type { RejectReason } from './rows.ts';
import type { Rules } from './rules.ts';
import { newestSample } from './samples.ts';

/** A host whose messages say nothing of drops for this long has nobody left who counts them. */
const UNCOUNTED_US = 300_000_000;

export interface SignalsOptions {
  readonly config: FoldConfig;
  readonly classify: Rules['classify'];
  /** Where the fold stands, at any time. */
  readonly time: Moment;
  readonly incidents: Incidents;
  /** Called for what there is no room for. */
  readonly refused: (why: RejectReason) => void;
  readonly intern: Intern;
}

export class Signals {
  #config: FoldConfig;
  readonly #classify: Rules['classify'];
  readonly #time: Moment;
  readonly #incidents: Incidents;
  readonly #refused: (why: RejectReason) => void;
  readonly #intern: Intern;

  constructor({ config, classify, time, incidents, refused, intern }: SignalsOptions) {
    this.#config = config;
    this.#classify = classify;
    this.#time = time;
    this.#incidents = incidents;
    this.#refused = refused;
    this.#intern = intern;
  }

  /** Goes by another configuration from here on. */
  configure(config: FoldConfig): void {
    this.#config = config;
  }

  /** Folds what a host counted. @param first whether nothing was known of the host before */
  report(host: HostRecord, report: DropReport, first: boolean): void {
    const { state } = host;
    const packets = report.received_packets + report.sent_packets;
    const mentioned = new Map<SignalRecord, number>();
    for (const { reason, function: fn, events } of report.drops) {
      const known = findSignal(state, reason, fn);
      const signal = known ?? this.#follow(state, reason, fn, mentioned);
      if (signal) mentioned.set(signal, plus(mentioned.get(signal) ?? 0, events));
      else this.#refused('too_many_signals');
    }
    for (const [signal, events] of mentioned) {
      const seen: Observation = { events, windowUs: report.window_us, packets };
      if (first) seed(signal, seen, this.#time.liveUs);
      else this.#observe(host, signal, seen, report.samples);
    }
    const none: Observation = { events: 0, windowUs: report.window_us, packets };
    for (const signal of state.signals) {
      // What is at rest learns of its silence when it is next mentioned.
      if (signal.spell && !mentioned.has(signal)) this.#observe(host, signal, none, []);
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
      signal.spell = null;
      if (!spell?.affected) continue;
      const { severity } = this.#classify(signal.reason, signal.function);
      this.#incidents.ended(hostSignal(host, signal, spell, severity), why, this.#time, this.#config);
    }
  }

  #observe(host: HostRecord, signal: SignalRecord, seen: Observation, samples: readonly DropSample[]): void {
    const { alarm, severity } = this.#classify(signal.reason, signal.function);
    const verdict = observe(signal, seen, this.#time, alarm, this.#config.detect);
    const { spell } = signal;
    if (!spell?.affected) return;
    const sample = newestSample(samples, signal.reason, signal.function);
    const about = hostSignal(host, signal, spell, severity, sample);
    // Where there is no room for an incident, it is tried again when the trouble has lasted as long once more.
    if (verdict === 'affected') spell.affected = this.#incidents.began(about, this.#time, this.#config);
    else if (verdict === 'unchanged') this.#incidents.progressed(about, this.#time);
    else {
      signal.spell = null;
      this.#incidents.ended(about, `${hostname(host)} recovered`, this.#time, this.#config);
    }
  }

  /** A new signal's record; where there is no room, the quietest one that is well and not `mentioned` makes room. */
  #follow(
    host: HostState,
    reason: string,
    fn: string,
    mentioned: ReadonlyMap<SignalRecord, number>,
  ): SignalRecord | undefined {
    const { signals } = host;
    if (signals.length >= this.#config.limits.signals_per_host) {
      let quietest: SignalRecord | undefined;
      for (const signal of signals) {
        if (signal.spell || mentioned.has(signal)) continue;
        if (!quietest || isQuieter(signal, quietest)) quietest = signal;
      }
      if (!quietest) return undefined;
      signals.splice(signals.indexOf(quietest), 1);
    }
    const signal = newSignal(this.#intern(reason), this.#intern(fn), this.#time.liveUs);
    insertSignal(host, signal);
    return signal;
  }
}

/** Nobody counted for so long: that nothing was mentioned does not mean that there was nothing. */
export function skipTime({ signals }: HostState, us: number): void {
  for (const signal of signals) if (!signal.spell) signal.heard_us += us;
}

function hostSignal(
  host: HostRecord,
  signal: SignalRecord,
  spell: Spell,
  severity: Severity,
  sample: DropSample | null = null,
): HostSignal {
  return {
    hostId: host.id,
    hostname: hostname(host),
    signal: { kind: 'drop', reason: signal.reason, function: signal.function },
    severity,
    events: spell.events,
    peakRate: spell.peak_rate,
    baselineRate: spell.baseline_rate,
    sinceUs: spell.since_us,
    lastUs: spell.last_us,
    sample,
  };
}

/** Compares by what was usual, then by when it was last seen; signals come in the order of their names. */
function isQuieter(a: SignalRecord, b: SignalRecord): boolean {
  return a.baseline < b.baseline || (a.baseline === b.baseline && a.heard_us < b.heard_us);
}
