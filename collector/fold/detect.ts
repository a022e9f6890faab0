/**
 * When a host's drops of one kind count as trouble: their rate stands clear of the host's own baseline for that kind.
 * A first detector: one rate, one exponential baseline, a factor and a floor. Integers throughout; rates are
 * milli-events a second. Knows nothing of incidents or of other hosts.
 */
import type { FoldConfig } from './config.ts';

type Detect = FoldConfig['detect'];

/** One drop signal on one host; the stored form. */
export interface SignalRecord {
  readonly reason: string;
  readonly function: string;
  /** What the host usually drops, milli-events a second. */
  baseline: number;
  /** The traffic, packets a second, that went with it. */
  traffic: number;
  /** Log time of the last report that spoke of it. */
  last_us: number;
  /** How long the rate has stood above the threshold, while not affected; or below half of it, while affected. */
  streak_us: number;
  affected: boolean;
  /** While affected: events, the highest rate (events/s) and the baseline at its start (events/s). */
  events: number;
  peak_rate: number;
  baseline_rate: number;
}

export type Verdict = 'affected' | 'recovered' | 'unchanged';

/** What one report says of one signal. */
export interface Observation {
  readonly events: number;
  readonly windowUs: number;
  /** Packets received and sent in the window. */
  readonly packets: number;
}

export function newSignal(reason: string, fn: string): SignalRecord {
  return {
    reason,
    function: fn,
    baseline: 0,
    traffic: 0,
    last_us: 0,
    streak_us: 0,
    affected: false,
    events: 0,
    peak_rate: 0,
    baseline_rate: 0,
  };
}

/** A host's first report says what is usual there: nothing in it is news. */
export function seed(signal: SignalRecord, seen: Observation, nowUs: number): void {
  signal.baseline = milliRate(seen);
  signal.traffic = packetRate(seen);
  signal.last_us = nowUs;
}

/** Folds one report into a signal. `nowUs` is log time; `everyday` signals learn but never become trouble. */
export function observe(
  signal: SignalRecord,
  seen: Observation,
  nowUs: number,
  everyday: boolean,
  config: Detect,
): Verdict {
  const rate = milliRate(seen);
  const traffic = packetRate(seen);
  // Reports leave out what did not move: what was not mentioned since then was none.
  const unmentioned = nowUs - signal.last_us - seen.windowUs;
  if (unmentioned > 0 && !signal.affected) learn(signal, 0, signal.traffic, unmentioned, config.learn_s);
  const threshold = thresholdOf(signal, traffic, config);
  signal.last_us = nowUs;
  if (signal.affected) {
    signal.events += seen.events;
    signal.peak_rate = Math.max(signal.peak_rate, Math.trunc(rate / 1000));
    signal.streak_us = rate * 2 < threshold ? signal.streak_us + seen.windowUs : 0;
    learn(signal, rate, traffic, seen.windowUs, config.learn_s * 16);
    if (signal.streak_us < config.quiet_ms * 1000) return 'unchanged';
    recover(signal);
    return 'recovered';
  }
  if (everyday || rate < threshold) {
    signal.streak_us = 0;
    signal.events = 0;
    signal.peak_rate = 0;
    learn(signal, rate, traffic, seen.windowUs, config.learn_s);
    return 'unchanged';
  }
  signal.streak_us += seen.windowUs;
  signal.events += seen.events;
  signal.peak_rate = Math.max(signal.peak_rate, Math.trunc(rate / 1000));
  if (signal.streak_us < config.sustain_ms * 1000) return 'unchanged';
  signal.affected = true;
  signal.baseline_rate = Math.trunc(signal.baseline / 1000);
  // From here on the streak counts towards recovery.
  signal.streak_us = 0;
  return 'affected';
}

/** Ends an affected spell, whether the rate fell or the host went away. */
export function recover(signal: SignalRecord): void {
  signal.affected = false;
  signal.streak_us = 0;
  signal.events = 0;
  signal.peak_rate = 0;
  signal.baseline_rate = 0;
}

/** Milli-events a second above which the signal is trouble, at a given traffic. */
function thresholdOf(signal: SignalRecord, traffic: number, config: Detect): number {
  let expected = signal.baseline;
  // More traffic brings more of the same drops: growth alone is no news. Less traffic does not tighten the bound.
  if (traffic > signal.traffic && signal.traffic > 0) {
    expected = Math.min(Math.trunc((expected / signal.traffic) * traffic), Number.MAX_SAFE_INTEGER / 1000);
  }
  return config.floor_per_s * 1000 + config.factor * expected;
}

function learn(signal: SignalRecord, rate: number, traffic: number, windowUs: number, tauS: number): void {
  // A window of tau or more replaces what was known.
  const weight = Math.min(ONE, Math.ceil((windowUs / (tauS * 1_000_000)) * ONE));
  signal.baseline += towards(rate - signal.baseline, weight);
  signal.traffic += towards(traffic - signal.traffic, weight);
}

function towards(distance: number, weight: number): number {
  return Math.trunc((distance * weight) / ONE);
}

/** Weights are fixed-point numbers of this scale. */
const ONE = 2 ** 20;

/** Rates are capped here, so that baselines and thresholds stay safe integers. */
const MOST = 1_000_000_000_000;

function milliRate({ events, windowUs }: Observation): number {
  return Math.min(MOST, Math.trunc((events / windowUs) * 1_000_000_000));
}

function packetRate({ packets, windowUs }: Observation): number {
  return Math.min(MOST, Math.trunc((packets / windowUs) * 1_000_000));
}
