/**
 * What the fold knows of one host: its record, and how a message changes it. Knows nothing of incidents.
 */
import { type Heartbeat, type Inventory, type Loss, SourceState } from '@netfall/proto';
import { plus } from './count.ts';
import type { SignalRecord, Spell } from './detect.ts';
import type { Intern } from './intern.ts';
import type { LossView, SourceView } from './model.ts';
import { giveUp, type StreamRecord } from './stream.ts';
import { compare } from './text.ts';

/** Spools that a host may have had before an older one's gaps are given up. */
const MOST_STREAMS = 4;
/** Rows of a host's loss ledger; what does not fit is added to the source "other". */
const MOST_LOSSES = 64;
/** For how long spools must take turns before their agents are called a conflict, µs of live time. */
const CONFLICT_AFTER_US = 30_000_000;
/** Silence is no sooner than this, however often a host speaks: a busy host may stall for some seconds. */
const SILENT_AFTER_LEAST_US = 20_000_000;
/** A message this much later than the host's usual delay is of a backlog. */
const LATE_US = 600_000_000;
/** No backlog takes this long to come, µs of live time: the host's clock was set back. */
const SET_BACK_AFTER_US = 900_000_000;
/** How long after the last sign of a conflict it is shown, µs of live time. */
const CONFLICT_SHOWN_US = 60_000_000;

/** The stored form, and the form in memory. What changes with every message is apart from what hardly ever does. */
export interface HostRecord {
  readonly id: string;
  facts: HostFacts;
  readonly state: HostState;
}

/** Who the host is, by its own word. Replaced, never changed. */
export interface HostFacts {
  readonly boot_id: string;
  readonly agent_version: string;
  readonly sources: readonly SourceView[];
  readonly inventory: Inventory | null;
  /** When the host was seen to come to another value of an attribute, by key, log time: no sooner than it was first seen. */
  readonly changed: Readonly<Record<string, number>>;
}

export interface HostState {
  readonly first_seen_us: number;
  last_seen_us: number;
  status: 'live' | 'silent' | 'stopped';
  /** Live time of its last message. */
  heard_us: number;
  /** Live time at which the host is silent unless a message comes. 0 when it is not expected to speak. */
  silent_at_us: number;
  /** Live time until which a conflict is shown. */
  conflict_until_us: number;
  /** The smallest recent difference of log stamp and agent stamp, µs: clock error plus the shortest delay. */
  offset_us: number;
  spool_messages: number;
  messages_lost: number;
  duplicates: number;
  late: number;
  /** Live time since which all that came was late; 0 while something is in time. */
  late_since_us: number;
  /** How much later than the shortest delay its messages come, µs, smoothed: what its clock's error may be off by. */
  jitter_us: number;
  /** When it spoke again after silence, or as another boot, log time; 0 if it never did. */
  back_us: number;
  /** Since it fell silent, unless that is known to be a crash; null while it speaks. */
  silence: Spell | null;
  /** The incarnation that had news last. */
  speaker: string;
  /** The number, within it, of the message that the inventory came in; 0 when it is of an earlier one. */
  inventory_seq: number;
  /** Newest incarnation first. */
  readonly streams: StreamRecord[];
  /** By source and hop. */
  readonly losses: Mutable<LossView>[];
  /** By kind, reason and function. */
  readonly signals: SignalRecord[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function newHost(id: string, nowUs: number): HostRecord {
  return {
    id,
    facts: { boot_id: '', agent_version: '', sources: [], inventory: null, changed: {} },
    state: {
      first_seen_us: nowUs,
      last_seen_us: nowUs,
      status: 'live',
      heard_us: 0,
      silent_at_us: 0,
      conflict_until_us: 0,
      offset_us: 0,
      spool_messages: 0,
      messages_lost: 0,
      duplicates: 0,
      late: 0,
      late_since_us: 0,
      jitter_us: 0,
      back_us: 0,
      silence: null,
      speaker: '',
      inventory_seq: 0,
      streams: [],
      losses: [],
      signals: [],
    },
  };
}

/** A host as it was stored, its lists in the order that they are kept in. */
export function restoredHost({ id, facts, state }: HostRecord): HostRecord {
  return {
    id,
    facts,
    state: {
      ...state,
      streams: state.streams.toSorted((a, b) => (a.incarnation > b.incarnation ? -1 : 1)),
      losses: state.losses.toSorted((a, b) => compare(a.source, b.source) || compare(a.hop, b.hop)),
      signals: state.signals.toSorted(
        (a, b) => compare(a.kind, b.kind) || compare(a.reason, b.reason) || compare(a.function, b.function),
      ),
    },
  };
}

/** The host's record of a signal. */
export function findSignal(
  { signals }: HostState,
  kind: SignalRecord['kind'],
  reason: string,
  fn: string,
): SignalRecord | undefined {
  return signals.find((signal) => signal.function === fn && signal.reason === reason && signal.kind === kind);
}

/** Adds a signal that the host did not have, in its place. */
export function insertSignal({ signals }: HostState, signal: SignalRecord): void {
  const before = (known: SignalRecord) =>
    (compare(known.kind, signal.kind) ||
      compare(known.reason, signal.reason) ||
      compare(known.function, signal.function)) < 0;
  signals.splice(signals.filter(before).length, 0, signal);
}

/**
 * The stream of an incarnation, opened at its first message. The newest incarnation comes first. A spool that another
 * one has replaced sends nothing again: what is missing of it is lost.
 */
export function streamOf(host: HostState, incarnation: string, open: () => StreamRecord): StreamRecord {
  const { streams } = host;
  const known = streams.find((stream) => stream.incarnation === incarnation);
  if (known) return known;
  const stream = open();
  for (const replaced of streams) host.messages_lost = plus(host.messages_lost, giveUp(replaced));
  // Before the new one joins them: it may be the oldest by name, and its repetitions must be known.
  if (streams.length >= MOST_STREAMS) streams.pop();
  streams.push(stream);
  streams.sort((a, b) => (a.incarnation > b.incarnation ? -1 : 1));
  host.speaker = incarnation;
  host.inventory_seq = 0;
  return stream;
}

/**
 * Notices two agents that claim one host when one of them has news: they take turns, and go on to. What one agent had
 * under way when its spool was replaced comes among the new one's messages too, but soon and not again. What messages
 * say of their time tells nothing here, since a spool is also replaced when a clock is set right.
 */
export function noticeConflict(host: HostState, stream: StreamRecord, liveUs: number): void {
  if (host.speaker === stream.incarnation) return;
  host.speaker = stream.incarnation;
  if (stream.returned_us === 0) stream.returned_us = liveUs;
  else if (liveUs - stream.returned_us >= CONFLICT_AFTER_US)
    host.conflict_until_us = liveUs + CONFLICT_SHOWN_US;
}

/**
 * Whether a message is late: by how much its delay exceeds the host's usual one, which holds the error of its clock. A
 * late one amends history and opens nothing. Times are the message's own, the log's stamp and live time, µs.
 */
export function isLate(host: HostState, observedUs: number, stampUs: number, liveUs: number): boolean {
  const delay = stampUs - observedUs;
  const late = delay - host.offset_us;
  if (late > LATE_US && host.late_since_us === 0) host.late_since_us = liveUs;
  const clockSetBack = late > LATE_US && liveUs - host.late_since_us >= SET_BACK_AFTER_US;
  if (late < 0 || clockSetBack) host.offset_us = delay;
  // Follows a clock that drifts away, slowly enough that a backlog does not pass for one.
  else host.offset_us += Math.min(1000, late);
  if (late > LATE_US && !clockSetBack) {
    host.late++;
    return true;
  }
  host.late_since_us = 0;
  host.jitter_us += Math.trunc((Math.max(0, delay - host.offset_us) - host.jitter_us) / 16);
  return false;
}

/** Adds to a ledger of bounded length. */
export function addLosses(losses: Mutable<LossView>[], added: readonly Loss[], intern: Intern): void {
  for (const { source, hop, count } of added) {
    if (addLoss(losses, source, hop, count)) continue;
    const room = losses.length < MOST_LOSSES - 1;
    if (!room && addLoss(losses, 'other', 'other', count)) continue;
    losses.push({ source: room ? intern(source) : 'other', hop: room ? intern(hop) : 'other', count });
    losses.sort((a, b) => compare(a.source, b.source) || compare(a.hop, b.hop));
  }
}

function addLoss(losses: readonly Mutable<LossView>[], source: string, hop: string, count: number): boolean {
  const row = losses.find((known) => known.hop === hop && known.source === source);
  if (row) row.count = plus(row.count, count);
  return row !== undefined;
}

/** An inventory as plain data, every field present and in one order, whatever the decoder made of it. */
export function plainInventory(from: Inventory, intern: Intern): Inventory {
  return {
    hostname: from.hostname,
    addresses: [...from.addresses],
    gateway: intern(from.gateway),
    gateway_mac: intern(from.gateway_mac),
    subnet: intern(from.subnet),
    kernel: intern(from.kernel),
    image: intern(from.image),
    cmdline_digest: intern(from.cmdline_digest),
    vendor: intern(from.vendor),
    product: intern(from.product),
    cpu: intern(from.cpu),
    microcode: intern(from.microcode),
    nics: from.nics.map((nic) => ({
      name: intern(nic.name),
      driver: intern(nic.driver),
      driver_version: intern(nic.driver_version),
      firmware: intern(nic.firmware),
      speed_mbps: nic.speed_mbps,
    })),
    labels: from.labels.map(({ key, value }) => ({ key: intern(key), value: intern(value) })),
  };
}

/** Takes a heartbeat into `state`. Returns the facts with what it tells; the same object when they are the same. */
export function applyHeartbeat(
  facts: HostFacts,
  state: HostState,
  heartbeat: Heartbeat,
  liveUs: number,
  intern: Intern,
): HostFacts {
  state.spool_messages = heartbeat.spool_messages;
  state.silent_at_us = liveUs + Math.max(SILENT_AFTER_LEAST_US, 3 * heartbeat.interval_ms * 1000);
  if (facts.agent_version === heartbeat.agent_version && tellsTheSame(heartbeat.sources, facts.sources))
    return facts;
  const sources = heartbeat.sources.map((source) => ({
    name: intern(source.name),
    state: stateOf(source),
    detail: intern(source.detail),
    mend: intern(source.mend),
  }));
  return { ...facts, agent_version: intern(heartbeat.agent_version), sources };
}

function tellsTheSame(said: Heartbeat['sources'], known: readonly SourceView[]): boolean {
  if (said.length !== known.length) return false;
  for (const [i, source] of said.entries()) {
    const view = known[i];
    if (
      view?.name !== source.name ||
      view.state !== stateOf(source) ||
      view.detail !== source.detail ||
      view.mend !== source.mend
    ) {
      return false;
    }
  }
  return true;
}

function stateOf({ state }: Heartbeat['sources'][0]): SourceView['state'] {
  return SOURCE_STATES[state] ?? 'unknown';
}

const SOURCE_STATES: Readonly<Record<number, SourceView['state']>> = {
  [SourceState.SOURCE_STATE_OK]: 'ok',
  [SourceState.SOURCE_STATE_DEGRADED]: 'degraded',
  [SourceState.SOURCE_STATE_UNAVAILABLE]: 'unavailable',
  [SourceState.SOURCE_STATE_OFF]: 'off',
};

/** What to call a host. */
export function hostname({ id, facts }: HostRecord): string {
  return facts.inventory?.hostname || id;
}
