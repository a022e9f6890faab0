/**
 * What hosts say: their messages in, host records out; and the beginning and end of trouble on each, which incidents
 * are told of. Must not know what becomes of an incident, nor what else stands in the log.
 */
import type { DropReport, Envelope } from '@netfall/proto';
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import { newSignal, type Observation, observe, type SignalRecord, type Spell, seed } from './detect.ts';
import {
  addLosses,
  applyHeartbeat,
  findSignal,
  type HostRecord,
  type HostState,
  insertSignal,
  isLate,
  newHost,
  noticeConflict,
  plainInventory,
  restoredHost,
  streamOf,
} from './host.ts';
import type { HostSignal } from './incident.ts';
import type { Incidents } from './incidents.ts';
import { interner } from './intern.ts';
import type { Moment } from './log-time.ts';
import type { Severity } from './model.ts';
import type { Changes, ForgottenHosts, RejectReason, Rows } from './rows.ts';
import type { Rules } from './rules.ts';
import { type Acceptance, accept, openStream } from './stream.ts';
import { Timers } from './timers.ts';

/** A host whose messages say nothing of drops for this long has nobody left who counts them. */
const UNCOUNTED_US = 300_000_000;

export interface HostsOptions {
  readonly config: FoldConfig;
  readonly classify: Rules['classify'];
  /** Where the fold stands, at any time. */
  readonly time: Moment;
  readonly incidents: Incidents;
  /** Called for what there is no room for. */
  readonly refused: (why: RejectReason) => void;
  /** Whether operators have switched a source off, on some host at least. */
  readonly isSwitchedOff: (source: string) => boolean;
}

export class Hosts {
  readonly forgotten: ForgottenHosts;
  readonly records: Map<string, HostRecord> = new Map();
  #config: FoldConfig;
  readonly #classify: Rules['classify'];
  readonly #time: Moment;
  readonly #incidents: Incidents;
  readonly #refused: (why: RejectReason) => void;
  readonly #isSwitchedOff: (source: string) => boolean;
  readonly #timers = new Timers();
  readonly #intern = interner();
  readonly #changed = new Set<HostRecord>();
  #changedFacts = new Set<string>();
  readonly #removed = new Set<string>();

  constructor(options: HostsOptions, rows?: Rows) {
    const { config, classify, time, incidents, refused, isSwitchedOff } = options;
    this.#isSwitchedOff = isSwitchedOff;
    this.#config = config;
    this.#classify = classify;
    this.#time = time;
    this.#incidents = incidents;
    this.#refused = refused;
    this.forgotten = structuredClone(rows?.global.forgotten) ?? { hosts: 0, messages_lost: 0, losses: [] };
    for (const row of rows?.hosts ?? []) {
      const record = restoredHost(row);
      this.records.set(record.id, record);
      this.#await(record);
    }
  }

  /** Goes by another configuration from here on. */
  configure(config: FoldConfig): void {
    this.#config = config;
    // Some may have to be forgotten sooner than they had.
    for (const host of this.records.values()) this.#await(host);
  }

  /** Folds a message. */
  hear(envelope: Envelope): void {
    const { nowUs, liveUs, stampUs } = this.#time;
    const known = this.records.get(envelope.host_id);
    if (!known && this.records.size >= this.#config.limits.hosts) {
      this.#refused('too_many_hosts');
      return;
    }
    const host = known ?? newHost(envelope.host_id, nowUs);
    if (!known) this.records.set(host.id, host);
    this.#changed.add(host);
    if (!known) this.#changedFacts.add(host.id);
    const { state } = host;
    const { fresh, newest } = this.#number(state, envelope);
    if (!fresh) return;

    if (!known) state.offset_us = stampUs - envelope.observed_us;
    const late = isLate(state, envelope.observed_us, stampUs, liveUs);
    const unheardUs = liveUs - state.heard_us;
    state.last_seen_us = nowUs;
    state.heard_us = liveUs;
    addLosses(state.losses, envelope.losses, this.#intern);
    // What was overtaken by a later message of the same spool says how the host was, not how it is.
    const before = host.facts.sources;
    const goodbye = newest ? this.#news(host, envelope) : null;
    if (host.facts.sources.some(({ name, state }) => state === 'off' && this.#isSwitchedOff(name)))
      skipTime(state, unheardUs);
    // After the inventory of the same message, which may hold the name to call the host by.
    if (!late && state.status === 'live') this.#reports(host, envelope, !known, before);
    if (goodbye !== null) {
      state.status = 'stopped';
      state.silent_at_us = 0;
      this.#endSignals(host, `${hostname(host)} stopped: ${goodbye}`);
    }
    this.#await(host);
  }

  /** A live second is crossed: whoever should have spoken by now is silent, and in the end forgotten. */
  pass(second: number): void {
    for (const id of this.#timers.take(second)) {
      const host = this.records.get(id);
      if (!host) continue;
      if (this.#dueUs(host) > this.#time.liveUs) this.#await(host);
      else if (host.state.silent_at_us > 0) this.#fallSilent(host);
      else this.#forget(host);
    }
  }

  /** What changed since this was last called. */
  takeChanges(): Pick<Changes, 'hosts' | 'hostFacts' | 'removedHosts'> {
    const changes = {
      hosts: [...this.#changed],
      hostFacts: this.#changedFacts,
      removedHosts: [...this.#removed],
    };
    this.#changed.clear();
    this.#removed.clear();
    this.#changedFacts = new Set();
    return changes;
  }

  /** Live time at which something becomes of a host unless it speaks. */
  #dueUs({ state }: HostRecord): number {
    return state.silent_at_us || state.heard_us + this.#config.limits.forget_host_s * 1_000_000;
  }

  #await(host: HostRecord): void {
    // What an epoch made overdue is due at the next second.
    this.#timers.set(host.id, Math.max(this.#dueUs(host), this.#time.liveUs + 1));
  }

  #fallSilent(host: HostRecord): void {
    host.state.status = 'silent';
    host.state.silent_at_us = 0;
    this.#changed.add(host);
    this.#endSignals(host, `${hostname(host)} fell silent`);
    this.#await(host);
  }

  #forget(host: HostRecord): void {
    // One that never said when it would speak again was neither silent nor stopped.
    this.#endSignals(host, `${hostname(host)} was forgotten`);
    this.forgotten.hosts++;
    this.forgotten.messages_lost = plus(this.forgotten.messages_lost, host.state.messages_lost);
    addLosses(this.forgotten.losses, host.state.losses, this.#intern);
    this.records.delete(host.id);
    this.#changed.delete(host);
    this.#removed.add(host.id);
  }

  /** What a host says of itself. Returns why it stops, or null. */
  #news(host: HostRecord, envelope: Envelope): string | null {
    host.state.status = 'live';
    let { facts } = host;
    if (facts.boot_id !== envelope.boot_id) facts = { ...facts, boot_id: envelope.boot_id };
    let goodbye: string | null = null;
    for (const item of envelope.items) {
      if (item.inventory) facts = { ...facts, inventory: plainInventory(item.inventory, this.#intern) };
      else if (item.heartbeat) {
        facts = applyHeartbeat(facts, host.state, item.heartbeat, this.#time.liveUs, this.#intern);
      } else if (item.goodbye) goodbye = item.goodbye.reason;
    }
    if (facts !== host.facts) this.#changedFacts.add(host.id);
    host.facts = facts;
    return goodbye;
  }

  /** @param before the host's sources as they were before this message */
  #reports(
    host: HostRecord,
    { items }: Envelope,
    first: boolean,
    before: HostRecord['facts']['sources'],
  ): void {
    let counted = false;
    for (const { drop_report } of items) {
      if (drop_report) this.#drops(host, drop_report, first);
      counted ||= drop_report != null;
    }
    if (counted) return;
    // Agents send what a source counted before they tell that it was switched off: nobody else counts it from here on.
    const off = host.facts.sources.find(({ name, state }) => {
      return state === 'off' && before.some((known) => known.name === name && known.state !== 'off');
    });
    if (off) {
      this.#endSignals(host, `${hostname(host)} counts no drops any more: ${off.name} is ${off.detail}`);
      return;
    }
    const { liveUs } = this.#time;
    const uncounted = ({ spell, heard_us }: SignalRecord) => spell && liveUs - heard_us >= UNCOUNTED_US;
    if (host.state.signals.some(uncounted))
      this.#endSignals(host, `${hostname(host)} reports no drops any more`);
  }

  /** Whether the message is new; counts it as duplicate otherwise, and what is now known to be lost. */
  #number(host: HostState, { incarnation, seq, oldest_seq }: Envelope): Acceptance {
    const stream = streamOf(host, incarnation, () => openStream(incarnation, oldest_seq));
    const acceptance = accept(stream, seq, oldest_seq);
    host.messages_lost = plus(host.messages_lost, acceptance.lost);
    if (!acceptance.fresh) host.duplicates++;
    else if (acceptance.newest) noticeConflict(host, stream, this.#time.liveUs);
    return acceptance;
  }

  #drops(host: HostRecord, report: DropReport, first: boolean): void {
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
      else this.#observe(host, signal, seen);
    }
    const none: Observation = { events: 0, windowUs: report.window_us, packets };
    for (const signal of state.signals) {
      // What is at rest learns of its silence when it is next mentioned.
      if (signal.spell && !mentioned.has(signal)) this.#observe(host, signal, none);
    }
  }

  #observe(host: HostRecord, signal: SignalRecord, seen: Observation): void {
    const { everyday, severity } = this.#classify(signal.reason, signal.function);
    const verdict = observe(signal, seen, this.#time, everyday, this.#config.detect);
    const { spell } = signal;
    if (!spell?.affected) return;
    const about = hostSignal(host, signal, spell, severity);
    // Where there is no room for an incident, it is tried again when the trouble has lasted as long once more.
    if (verdict === 'affected') spell.affected = this.#incidents.began(about, this.#time, this.#config);
    else if (verdict === 'unchanged') this.#incidents.progressed(about);
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

  #endSignals(host: HostRecord, why: string): void {
    for (const signal of host.state.signals) {
      const { spell } = signal;
      signal.spell = null;
      if (!spell?.affected) continue;
      const { severity } = this.#classify(signal.reason, signal.function);
      this.#incidents.ended(hostSignal(host, signal, spell, severity), why, this.#time, this.#config);
    }
  }
}

/** Nobody counted for so long: that nothing was mentioned does not mean that there was nothing. */
function skipTime({ signals }: HostState, us: number): void {
  for (const signal of signals) if (!signal.spell) signal.heard_us += us;
}

function hostSignal(host: HostRecord, signal: SignalRecord, spell: Spell, severity: Severity): HostSignal {
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
  };
}

function hostname({ id, facts }: HostRecord): string {
  return facts.inventory?.hostname || id;
}

/** Compares by what was usual, then by when it was last seen; signals come in the order of their names. */
function isQuieter(a: SignalRecord, b: SignalRecord): boolean {
  return a.baseline < b.baseline || (a.baseline === b.baseline && a.heard_us < b.heard_us);
}
