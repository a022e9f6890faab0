/**
 * When a host's drops of one kind count as trouble: their rate stands clear of the host's own baseline for that kind.
 * A first detector: one rate, one exponential baseline, a factor and a floor. Integers throughout; rates are
 * milli-events a second. Knows nothing of incidents or of other hosts.
 */
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import type { Moment } from './log-time.ts';
import type { IncidentSample } from './model.ts';

type Detect = FoldConfig['detect'];

/** One signal on one host; the stored form. */
export interface SignalRecord {
  readonly kind: 'drop' | 'counter';
  /** The reason of drops, or the counter's name. */
  readonly reason: string;
  /** Of drops; empty when it could not be resolved, and of counters. */
  readonly function: string;
  /** What the host usually has of it, milli-events a second. */
  baseline: number;
  /** The traffic, packets a second, that went with it. */
  traffic: number;
  /** Live time of the last report that spoke of it: no host reports while the log is out of reach. */
  heard_us: number;
  /** How long it lasted at most before, µs, up to LONGEST_HABIT_US: what lasts no longer is a habit of the host's. */
  habit_us: number;
  /** Since the rate rose above the threshold, until it counts as well again. */
  spell: Spell | null;
}

export interface Spell {
  /** When it began, and when the rate was last too high to count as recovered, log time. */
  readonly since_us: number;
  last_us: number;
  /** Whether it lasts long enough to count as trouble. */
  affected: boolean;
  /** How long the rate has stood above the threshold; once affected, below half of it. */
  streak_us: number;
  events: number;
  /** The highest rate, and what the baseline was at the start, events a second. */
  peak_rate: number;
  readonly baseline_rate: number;
  /** The incident that it is part of; empty while it is of none. */
  incident: string;
  /** Hosts that the packets were for, by id, as far as samples and inventories tell: how many samples of each. */
  towards: readonly Target[];
  /** A packet of it, until an incident has it. */
  sample: IncidentSample | null;
}

/** A host that dropped packets were for. */
export interface Target {
  readonly host_id: string;
  readonly samples: number;
}

/** Trouble that began then and is known by now. */
export function newSpell(since_us: number, last_us: number): Spell {
  return {
    ...{ since_us, last_us, affected: true, streak_us: 0 },
    ...{ events: 0, peak_rate: 0, baseline_rate: 0, incident: '', towards: [], sample: null },
  };
}

export type Verdict = 'affected' | 'recovered' | 'unchanged';

/** What one report says of one signal. */
export interface Observation {
  readonly events: number;
  readonly windowUs: number;
  /** Packets received and sent in the window. */
  readonly packets: number;
}

export function newSignal(
  kind: SignalRecord['kind'],
  reason: string,
  fn: string,
  liveUs: number,
): SignalRecord {
  return { kind, reason, function: fn, baseline: 0, traffic: 0, heard_us: liveUs, habit_us: 0, spell: null };
}

/** Ends a spell, and remembers how long it lasted. */
export function endSpell(signal: SignalRecord): void {
  const { spell } = signal;
  if (!spell) return;
  const lasted = Math.max(0, spell.last_us - spell.since_us);
  signal.habit_us = Math.min(LONGEST_HABIT_US, Math.max(signal.habit_us, lasted));
  signal.spell = null;
}

/** A host's first report says what is usual there: nothing in it is news. */
export function seed(signal: SignalRecord, seen: Observation, liveUs: number): void {
  signal.baseline = milliRate(seen);
  signal.traffic = packetRate(seen);
  signal.heard_us = liveUs;
}

/**
 * Folds one report into a signal. Below `alarm` events a second a signal learns and is no trouble. After
 * `recovered` the spell is the caller's to read and to end.
 */
export function observe(
  signal: SignalRecord,
  seen: Observation,
  { nowUs, liveUs }: Moment,
  alarm: number | 'never',
  config: Detect,
): Verdict {
  const rate = milliRate(seen);
  const traffic = packetRate(seen);
  // A kind that is new goes with the traffic that there is: learned up from nothing, any of it would count as growth.
  if (signal.traffic === 0) signal.traffic = traffic;
  // Reports leave out what did not move: what was not mentioned since then was none.
  const unmentioned = liveUs - signal.heard_us - seen.windowUs;
  if (unmentioned > 0 && !signal.spell?.affected)
    learn(signal, 0, signal.traffic, unmentioned, config.learn_s);
  const threshold = alarm === 'never' ? Infinity : thresholdOf(signal, traffic, alarm, config);
  signal.heard_us = liveUs;
  if (signal.spell?.affected) {
    progress(signal.spell, seen.events, rate);
    const quiet = rate * 2 < threshold;
    signal.spell.streak_us = quiet ? plus(signal.spell.streak_us, seen.windowUs) : 0;
    if (!quiet) signal.spell.last_us = nowUs;
    return signal.spell.streak_us < config.quiet_ms * 1000 ? 'unchanged' : 'recovered';
  }
  if (rate < threshold) {
    signal.spell = null;
    learn(signal, rate, traffic, seen.windowUs, config.learn_s);
    return 'unchanged';
  }
  const lasted = signal.spell ? seen.windowUs : Math.min(seen.windowUs, HURRY_US);
  signal.spell ??= {
    ...newSpell(Math.max(0, nowUs - lasted), nowUs),
    affected: false,
    baseline_rate: Math.trunc(signal.baseline / 1000),
  };
  progress(signal.spell, seen.events, rate);
  signal.spell.last_us = nowUs;
  signal.spell.streak_us = plus(signal.spell.streak_us, lasted);
  if (signal.spell.streak_us < config.sustain_ms * 1000) return 'unchanged';
  signal.spell.affected = true;
  // From here on the streak counts towards recovery.
  signal.spell.streak_us = 0;
  return 'affected';
}

function progress(spell: Spell, events: number, milliRate: number): void {
  spell.events = plus(spell.events, events);
  spell.peak_rate = Math.max(spell.peak_rate, Math.trunc(milliRate / 1000));
}

/** Milli-events a second above which the signal is trouble, at a given traffic. */
function thresholdOf(signal: SignalRecord, traffic: number, alarm: number, config: Detect): number {
  let expected = signal.baseline;
  // More traffic brings more of the same drops: growth alone is no news. Less traffic does not tighten the bound.
  if (traffic > signal.traffic && signal.traffic > 0) {
    expected = Math.min(Math.trunc((expected / signal.traffic) * traffic), Number.MAX_SAFE_INTEGER / 1000);
  }
  return Math.max(alarm, config.floor_per_s) * 1000 + config.factor * expected;
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

/** Beyond it trouble is no habit, however often it comes. */
const LONGEST_HABIT_US = 600_000_000;

/** Agents report a surge within a second of its beginning: the rest of the first window that shows it was calm. */
const HURRY_US = 1_000_000;

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
