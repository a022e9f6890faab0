/**
 * What the fold knows of one host: its record, how a message changes it, and how it is shown. Knows nothing of
 * incidents: what its signals do is returned to the caller.
 */
import { type Heartbeat, type Inventory, type Loss, SourceState } from '@netfall/proto';
import type { SignalRecord } from './detect.ts';
import type { HostView, LossView, SourceView } from './model.ts';
import type { StreamRecord } from './stream.ts';

/** Spools that a host may have had before an older one's gaps are given up. */
const MOST_STREAMS = 4;
/** Rows of a host's loss ledger; what does not fit is added to the source "other". */
const MOST_LOSSES = 64;
/** How long a second agent must go on after the newer spool began before the two are called a conflict, µs. */
const CONFLICT_AFTER_US = 30_000_000;
/** Silence is no sooner than this, however often a host speaks: a busy host may stall for some seconds. */
const SILENT_AFTER_LEAST_US = 20_000_000;
/** How long after the last sign of a conflict it is shown, µs of live time. */
const CONFLICT_SHOWN_US = 60_000_000;

/** The stored form. Maps are in memory only: see toRecord. */
export interface HostRecord {
  readonly id: string;
  readonly first_seen_us: number;
  last_seen_us: number;
  status: 'live' | 'silent' | 'stopped';
  /** Live time at which the host is silent unless a message comes. 0 when it is not expected to speak. */
  silent_at_us: number;
  /** Live time until which a conflict is shown. */
  conflict_until_us: number;
  /** The smallest recent difference of log stamp and agent stamp, µs: clock error plus the shortest delay. */
  offset_us: number;
  boot_id: string;
  agent_version: string;
  spool_messages: number;
  sources: readonly SourceView[];
  inventory: Inventory | null;
  messages_lost: number;
  duplicates: number;
  late: number;
  streams: StreamRecord[];
  losses: LossView[];
  signals: SignalRecord[];
}

/** A host in memory. */
export interface Host extends Omit<HostRecord, 'losses' | 'signals'> {
  readonly losses: Map<string, LossView & { count: number }>;
  readonly signals: Map<string, SignalRecord>;
}

export function newHost(id: string, nowUs: number): Host {
  return {
    id,
    first_seen_us: nowUs,
    last_seen_us: nowUs,
    status: 'live',
    silent_at_us: 0,
    conflict_until_us: 0,
    offset_us: 0,
    boot_id: '',
    agent_version: '',
    spool_messages: 0,
    sources: [],
    inventory: null,
    messages_lost: 0,
    duplicates: 0,
    late: 0,
    streams: [],
    losses: new Map(),
    signals: new Map(),
  };
}

/** The stored form: maps as lists in the order of their keys. */
export function toRecord(host: Host): HostRecord {
  return { ...host, losses: sortedValues(host.losses), signals: sortedValues(host.signals) };
}

export function fromRecord(record: HostRecord): Host {
  return {
    ...record,
    losses: new Map(record.losses.map((loss) => [lossKey(loss), loss])),
    signals: new Map(record.signals.map((signal) => [signalKey(signal.reason, signal.function), signal])),
  };
}

export function signalKey(reason: string, fn: string): string {
  return `${reason}/${fn}`;
}

/** The stream of an incarnation, opened at its first message. The newest incarnation comes first. */
export function streamOf(
  host: Host,
  incarnation: string,
  open: () => StreamRecord,
  giveUp: (stream: StreamRecord) => void,
): StreamRecord {
  const known = host.streams.find((stream) => stream.incarnation === incarnation);
  if (known) return known;
  const stream = open();
  host.streams.push(stream);
  host.streams.sort((a, b) => (a.incarnation > b.incarnation ? -1 : 1));
  if (host.streams.length > MOST_STREAMS) giveUp(host.streams.pop() as StreamRecord);
  return stream;
}

/** Notices an older spool's agent that speaks on after a newer spool began: two agents claim one host. */
export function noticeConflict(host: Host, stream: StreamRecord, observedUs: number, liveUs: number): void {
  stream.last_observed_us = Math.max(stream.last_observed_us, observedUs);
  const newest = host.streams[0];
  if (!newest || newest === stream) return;
  if (observedUs > newest.first_observed_us + CONFLICT_AFTER_US)
    host.conflict_until_us = liveUs + CONFLICT_SHOWN_US;
}

/**
 * How late a message is, µs: by how much its delay exceeds the host's usual one, which holds the error of its clock.
 */
export function lateness(host: Host, observedUs: number, nowUs: number, first: boolean): number {
  const delay = nowUs - observedUs;
  if (first || delay < host.offset_us) {
    host.offset_us = delay;
    return 0;
  }
  const late = delay - host.offset_us;
  // Follows a clock that drifts away, slowly enough that a backlog does not pass for one.
  host.offset_us += Math.min(1000, late);
  return late;
}

export function addLosses(host: Host, losses: readonly Loss[]): void {
  for (const { source, hop, count } of losses) {
    let key = lossKey({ source, hop });
    let row = host.losses.get(key);
    if (!row && host.losses.size >= MOST_LOSSES) {
      key = lossKey({ source: 'other', hop: 'other' });
      row = host.losses.get(key);
    }
    if (row) row.count = Math.min(Number.MAX_SAFE_INTEGER, row.count + count);
    else if (host.losses.size >= MOST_LOSSES) host.losses.set(key, { source: 'other', hop: 'other', count });
    else host.losses.set(key, { source, hop, count });
  }
}

/** Keeps an inventory as plain data, every field present and in one order, whatever the decoder made of it. */
export function applyInventory(host: Host, from: Inventory): void {
  host.inventory = {
    hostname: from.hostname,
    addresses: [...from.addresses],
    gateway: from.gateway,
    gateway_mac: from.gateway_mac,
    subnet: from.subnet,
    kernel: from.kernel,
    image: from.image,
    cmdline_digest: from.cmdline_digest,
    vendor: from.vendor,
    product: from.product,
    cpu: from.cpu,
    microcode: from.microcode,
    nics: from.nics.map((nic) => ({
      name: nic.name,
      driver: nic.driver,
      driver_version: nic.driver_version,
      firmware: nic.firmware,
      speed_mbps: nic.speed_mbps,
    })),
    labels: from.labels.map(({ key, value }) => ({ key, value })),
  };
}

export function applyHeartbeat(host: Host, heartbeat: Heartbeat, liveUs: number): void {
  host.agent_version = heartbeat.agent_version;
  host.spool_messages = heartbeat.spool_messages;
  host.silent_at_us = liveUs + Math.max(SILENT_AFTER_LEAST_US, 3 * heartbeat.interval_ms * 1000);
  host.sources = heartbeat.sources
    .map(
      ({ name, state, detail, mend }) =>
        ({ name, state: SOURCE_STATES[state] ?? 'unknown', detail, mend }) as const,
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const SOURCE_STATES: Readonly<Record<number, SourceView['state']>> = {
  [SourceState.SOURCE_STATE_OK]: 'ok',
  [SourceState.SOURCE_STATE_DEGRADED]: 'degraded',
  [SourceState.SOURCE_STATE_UNAVAILABLE]: 'unavailable',
  [SourceState.SOURCE_STATE_OFF]: 'off',
};

/** What people and the API see of a host. `liveUs` is the fold's live time. */
export function hostView(host: HostRecord, liveUs: number): HostView {
  return {
    host_id: host.id,
    hostname: host.inventory?.hostname ?? host.id,
    status: host.conflict_until_us > liveUs ? 'conflict' : host.status,
    first_seen_us: host.first_seen_us,
    last_seen_us: host.last_seen_us,
    agent_version: host.agent_version,
    boot_id: host.boot_id,
    incarnation: host.streams[0]?.incarnation ?? '',
    attributes: attributes(host.inventory),
    addresses: host.inventory?.addresses ?? [],
    sources: host.sources,
    losses: host.losses,
    spool_messages: host.spool_messages,
    messages_lost: host.messages_lost,
  };
}

/** What explanations are made of: the inventory's facts that hosts can share, and the operator's labels. */
export function attributes(inventory: Inventory | null): Readonly<Record<string, string>> {
  if (!inventory) return {};
  const found: Record<string, string> = {};
  const add = (key: string, value: string) => {
    if (value !== '') found[key] = value;
  };
  add('kernel', inventory.kernel);
  add('image', inventory.image);
  add('cmdline', inventory.cmdline_digest);
  add('vendor', inventory.vendor);
  add('product', inventory.product);
  add('cpu', inventory.cpu);
  add('microcode', inventory.microcode);
  add('gateway_mac', inventory.gateway_mac);
  add('subnet', inventory.subnet);
  const nics = inventory.nics.map(({ driver, firmware }) =>
    firmware === '' ? driver : `${driver} ${firmware}`,
  );
  add('nic', [...new Set(nics)].filter(Boolean).sort().join(', '));
  for (const { key, value } of inventory.labels) add(key, value);
  return found;
}

function lossKey({ source, hop }: { readonly source: string; readonly hop: string }): string {
  return `${source}/${hop}`;
}

function sortedValues<T>(map: ReadonlyMap<string, T>): T[] {
  return [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
