/**
 * What hosts say: their messages in, host records out; and which of them are silent, and in the end forgotten. Must not
 * know when a signal is trouble, nor what else stands in the log.
 */
import type { Envelope } from '@netfall/proto';
import { Addresses } from './addresses.ts';
import { attributesOf, changedKeys } from './attributes.ts';
import type { Classes } from './classes.ts';
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import { newSpell } from './detect.ts';
import type { Population } from './explain/population.ts';
import {
  addLosses,
  applyHeartbeat,
  type HostFacts,
  type HostRecord,
  type HostState,
  hostname,
  isLate,
  newHost,
  noticeConflict,
  plainInventory,
  restoredHost,
  streamOf,
} from './host.ts';
import type { Incidents } from './incidents.ts';
import { interner } from './intern.ts';
import type { Moment } from './log-time.ts';
import type { Changes, ForgottenHosts, RejectReason, Rows } from './rows.ts';
import type { Rules } from './rules.ts';
import { Signals, skipTime } from './signals.ts';
import { type Acceptance, accept, openStream } from './stream.ts';
import { Timers } from './timers.ts';

export interface HostsOptions {
  readonly config: FoldConfig;
  readonly rules: Pick<Rules, 'classify' | 'classifyCounter'>;
  /** Where the fold stands, at any time. */
  readonly time: Moment;
  readonly classes: Classes;
  readonly incidents: Incidents;
  readonly population: Population;
  /** Whether a host's silence since then is known to be a crash's. */
  readonly hasCrashed: (hostId: string, sinceUs: number) => boolean;
  /** Called for a message that is of a backlog. */
  readonly late: (host: HostRecord, envelope: Envelope) => void;
  /** Called for what there is no room for. */
  readonly refused: (why: RejectReason) => void;
  /** Whether operators have switched a source off, on some host at least. */
  readonly isSwitchedOff: (source: string) => boolean;
}

const SILENCE = { kind: 'silence' } as const;

export class Hosts {
  readonly forgotten: ForgottenHosts;
  readonly records: Map<string, HostRecord> = new Map();
  readonly addresses: Addresses = new Addresses();
  readonly #options: HostsOptions;
  #config: FoldConfig;
  readonly #time: Moment;
  readonly #refused: (why: RejectReason) => void;
  readonly #timers = new Timers((id) => {
    const host = this.records.get(id);
    return host ? this.#dueUs(host) : 0;
  });
  readonly #intern = interner();
  readonly #signals: Signals;
  readonly #changed = new Set<HostRecord>();
  #changedFacts = new Set<string>();
  readonly #removed = new Set<string>();

  constructor(options: HostsOptions, rows?: Rows) {
    const { config, rules, time, classes, incidents, refused } = options;
    this.#options = options;
    this.#config = config;
    this.#time = time;
    this.#refused = refused;
    const { addresses } = this;
    this.#signals = new Signals({
      ...{ config, rules, time, classes, incidents, addresses, refused },
      intern: this.#intern,
      renamed: (host) => this.#changedFacts.add(host.id),
    });
    this.forgotten = structuredClone(rows?.global.forgotten) ?? { hosts: 0, messages_lost: 0, losses: [] };
    for (const row of rows?.hosts ?? []) {
      const record = restoredHost(row);
      this.records.set(record.id, record);
      this.addresses.replace(record.id, [], record.facts.inventory?.addresses ?? []);
      this.#count(record);
      this.#signals.restore(record);
      const { silence } = record.state;
      if (silence) options.classes.begin(SILENCE, 'warning', record, silence);
      this.#await(record);
    }
  }

  /** Goes by another configuration from here on. */
  configure(config: FoldConfig): void {
    this.#config = config;
    this.#signals.configure(config);
    // Some may have to be forgotten sooner than they had.
    for (const host of this.records.values()) this.#await(host);
  }

  /** Folds a message. Returns the host, or null when there is nothing new in it. */
  hear(envelope: Envelope): HostRecord | null {
    const { nowUs, liveUs, stampUs } = this.#time;
    const known = this.records.get(envelope.host_id);
    if (!known && this.records.size >= this.#config.limits.hosts) {
      this.#refused('too_many_hosts');
      return null;
    }
    const host = known ?? newHost(envelope.host_id, nowUs);
    if (!known) this.records.set(host.id, host);
    this.#changed.add(host);
    if (!known) {
      this.#changedFacts.add(host.id);
      this.#count(host);
    }
    const { state } = host;
    const { fresh, newest } = this.#number(state, envelope);
    if (!fresh) return null;

    if (!known) state.offset_us = stampUs - envelope.observed_us;
    const late = isLate(state, envelope.observed_us, stampUs, liveUs);
    const unheardUs = liveUs - state.heard_us;
    state.last_seen_us = nowUs;
    state.heard_us = liveUs;
    addLosses(state.losses, envelope.losses, this.#intern);
    // What was overtaken by a later message of the same spool says how the host was, not how it is.
    const before = host.facts.sources;
    const goodbye = newest ? this.#news(host, envelope) : null;
    if (!newest && envelope.incarnation === state.speaker && envelope.seq > state.inventory_seq) {
      // But for who it is, which it says once.
      const facts = this.#inventoryIn(host.facts, envelope);
      if (facts !== host.facts) state.inventory_seq = envelope.seq;
      this.#take(host, facts);
    }
    if (host.facts.sources.some(({ name, state }) => state === 'off' && this.#options.isSwitchedOff(name)))
      skipTime(state, unheardUs);
    // After the inventory of the same message, which may hold the name to call the host by.
    if (late) this.#options.late(host, envelope);
    else if (state.status === 'live') this.#reports(host, envelope, !known, before);
    if (goodbye !== null) {
      state.status = 'stopped';
      state.silent_at_us = 0;
      this.#options.population.delete(host.id);
      this.#signals.endAll(host, `${hostname(host)} stopped: ${goodbye}`);
    }
    this.#await(host);
    return host;
  }

  /** A live second is crossed: whoever should have spoken by now is silent, and in the end forgotten. */
  pass(second: number): void {
    for (const id of this.#timers.take(second, this.#time.liveUs)) {
      const host = this.records.get(id) as HostRecord;
      if (host.state.silent_at_us > 0) this.#fallSilent(host);
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
    this.#signals.endAll(host, `${hostname(host)} fell silent`);
    this.#await(host);
    if (this.#options.hasCrashed(host.id, host.state.last_seen_us)) return;
    host.state.silence = newSpell(host.state.last_seen_us, this.#time.nowUs);
    this.#options.classes.begin(SILENCE, 'warning', host, host.state.silence);
  }

  /** A host's record was changed by others: it must be stored. */
  changed(host: HostRecord): void {
    this.#changed.add(host);
  }

  /** A host's silence is over, or turns out to be a crash's. */
  endSilence(host: HostRecord, why: string): void {
    const { silence } = host.state;
    if (!silence) return;
    host.state.silence = null;
    this.#changed.add(host);
    this.#options.classes.end(SILENCE, host.id);
    this.#options.incidents.ended(host, silence, why, this.#time, this.#config);
  }

  /** Counts a host among those that explanations are made of. */
  #count({ id, facts, state }: HostRecord): void {
    if (state.status !== 'stopped') this.#options.population.set(id, attributesOf(facts.inventory));
  }

  #forget(host: HostRecord): void {
    // One that never said when it would speak again was neither silent nor stopped.
    this.#signals.endAll(host, `${hostname(host)} was forgotten`);
    this.endSilence(host, `${hostname(host)} was forgotten`);
    this.#options.population.delete(host.id);
    this.forgotten.hosts++;
    this.forgotten.messages_lost = plus(this.forgotten.messages_lost, host.state.messages_lost);
    addLosses(this.forgotten.losses, host.state.losses, this.#intern);
    this.records.delete(host.id);
    this.addresses.replace(host.id, host.facts.inventory?.addresses ?? [], []);
    this.#changed.delete(host);
    this.#removed.add(host.id);
  }

  /** What a host says of itself. Returns why it stops, or null. */
  #news(host: HostRecord, envelope: Envelope): string | null {
    const wasStopped = host.state.status === 'stopped';
    const isAnotherBoot = host.facts.boot_id !== '' && host.facts.boot_id !== envelope.boot_id;
    if (host.state.status === 'silent' || isAnotherBoot) host.state.back_us = this.#time.nowUs;
    host.state.status = 'live';
    this.endSilence(host, `${hostname(host)} speaks again`);
    let { facts } = host;
    if (facts.boot_id !== envelope.boot_id) facts = { ...facts, boot_id: envelope.boot_id };
    let goodbye: string | null = null;
    facts = this.#inventoryIn(facts, envelope);
    if (facts.inventory !== host.facts.inventory) host.state.inventory_seq = envelope.seq;
    for (const item of envelope.items) {
      if (item.heartbeat) {
        facts = applyHeartbeat(facts, host.state, item.heartbeat, this.#time.liveUs, this.#intern);
      } else if (item.goodbye) goodbye = item.goodbye.reason;
    }
    this.#take(host, facts, wasStopped);
    return goodbye;
  }

  /** The facts with the inventory that a message has, if it has one. */
  #inventoryIn(facts: HostFacts, { items }: Envelope): HostFacts {
    const inventory = items.find((item) => item.inventory)?.inventory;
    return inventory ? { ...facts, inventory: plainInventory(inventory, this.#intern) } : facts;
  }

  /** A host's facts are these from here on. @param isBack whether it was not counted in the fleet */
  #take(host: HostRecord, facts: HostFacts, isBack = false): void {
    const before = host.facts;
    if (facts !== before) this.#changedFacts.add(host.id);
    const isNew = facts.inventory !== before.inventory;
    host.facts = isNew ? this.#dated(before, facts) : facts;
    if (isNew)
      this.addresses.replace(host.id, before.inventory?.addresses ?? [], facts.inventory?.addresses ?? []);
    if (isNew || isBack) this.#count(host);
  }

  /** Facts of another inventory, with when attributes changed by it. What the first inventory says was so before. */
  #dated(before: HostFacts, facts: HostFacts): HostFacts {
    if (!before.inventory) return facts;
    const keys = changedKeys(attributesOf(before.inventory), attributesOf(facts.inventory));
    if (keys.length === 0) return facts;
    const { nowUs } = this.#time;
    const changed = { ...facts.changed, ...Object.fromEntries(keys.map((key) => [key, nowUs])) };
    // In the order of the keys, as every replica has it.
    return {
      ...facts,
      changed: Object.fromEntries(Object.entries(changed).sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** @param before the host's sources as they were before this message */
  #reports(
    host: HostRecord,
    { items }: Envelope,
    first: boolean,
    before: HostRecord['facts']['sources'],
  ): void {
    let counted = false;
    for (const { drop_report, counter_report } of items) {
      if (drop_report) this.#signals.report(host, drop_report, first);
      if (counter_report) this.#signals.count(host, counter_report, first);
      counted ||= drop_report != null;
    }
    if (counted) return;
    // Agents send what a source counted before they tell that it was switched off: nobody else counts it from here on.
    const off = host.facts.sources.find(({ name, state }) => {
      return state === 'off' && before.some((known) => known.name === name && known.state !== 'off');
    });
    if (off) {
      this.#signals.endAll(host, `${hostname(host)} counts no drops any more: ${off.name} is ${off.detail}`);
      return;
    }
    if (this.#signals.isUncounted(host))
      this.#signals.endAll(host, `${hostname(host)} reports no drops any more`);
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
}
