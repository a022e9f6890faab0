/**
 * Whether what is known of two crashes tells that they are one. Pure: two sets of records in, an answer out; what follows
 * from it is crashes.ts's business. docs/crashes.md says the same for people.
 */
import type { StoredCrash, StoredRecord } from './crash.ts';
import { MOST_RECORDS } from './crash.ts';

/** How far uptimes may be apart, and moments where both uptimes are known, and where one is not. */
const UPTIMES_US = 60_000_000;
const MOMENTS_US = 600_000_000;
const MOMENTS_ALONE_US = 120_000_000;
/**
 * How far apart, by two records, the moment may be at which a host booted: what clocks are off after they were set right. A
 * host that boots fast and crashes at once has a boot every ten seconds.
 */
const BOOTED_US = 5_000_000;
/** Sources that hear a crash while it happens. All others write down a moment in a way of their own. */
const LIVE: readonly string[] = ['netoops', 'netconsole', 'kmsg'];

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What crashes are compared by. */
export interface Traits {
  /** The host that crashed; empty when it is not known. */
  readonly hostId: string;
  /** The hosts whose own agents tell of it. */
  readonly locals: readonly string[];
  readonly senders: readonly string[];
  /** The kernel's own clock and the line that began it, where both are known. */
  readonly contents: readonly string[];
  readonly boots: readonly string[];
  /** Log time. */
  readonly moments: Span;
  /** The kernel's own clock; null when it is not known. */
  readonly uptimes: Span | null;
  /** When the host booted, by those sources that can be compared; may be before 1970 where clocks are wrong. */
  readonly booted: ReadonlyMap<string, Span>;
  readonly records: number;
}

export function traitsOf({ host_id, records }: StoredCrash): Traits {
  let moments: Span | null = null;
  let uptimes: Span | null = null;
  const booted = new Map<string, Span>();
  for (const record of records) {
    moments = hull(moments, { from: record.first_us, to: record.last_us });
    const uptime = uptimeOf(record);
    if (!uptime) continue;
    uptimes = hull(uptimes, uptime);
    const how = LIVE.includes(record.source) ? 'live' : record.source;
    const boot = { from: record.first_us - uptime.to, to: record.last_us - uptime.from };
    booted.set(how, hull(booted.get(how) ?? null, boot));
  }
  return {
    hostId: host_id,
    locals: distinct(records.filter(({ sender }) => sender === '').map(({ host_id }) => host_id)),
    senders: distinct(records.map(({ sender }) => sender)),
    contents: distinct(
      records.map(({ uptime_us, line }) => (uptime_us > 0 && line ? `${uptime_us} ${line}` : '')),
    ),
    boots: distinct(records.map(({ boot_id }) => boot_id.toLowerCase())),
    moments: moments ?? { from: 0, to: 0 },
    uptimes,
    booted,
    records: records.length,
  };
}

/** Where to look for crashes that may be one with this one: any two that are have one of these in common. */
export function placesOf({ hostId, senders, contents }: Traits): readonly string[] {
  return [
    ...(hostId === '' ? [] : [`host ${hostId}`]),
    ...senders.map((sender) => `sender ${sender}`),
    ...contents.map((content) => `content ${content}`),
  ];
}

/**
 * How far apart two crashes are that are one: 0 by what their logs say, more by where and when they were. Null when they
 * are two, for all that is known.
 */
export function apart(a: Traits, b: Traits): number | null {
  if (a.boots.some((one) => b.boots.some((other) => one !== other && formOf(one) === formOf(other))))
    return null;
  if (a.locals.some((one) => b.locals.some((other) => one !== other))) return null;
  if (a.contents.some((content) => b.contents.includes(content))) return 0;
  // What only seems to be the same begins a crash of its own rather than be dropped from a full one.
  if (a.records + b.records > MOST_RECORDS || !mayBeSameHost(a, b)) return null;
  const moments = gap(a.moments, b.moments);
  if (!a.uptimes || !b.uptimes) return moments <= MOMENTS_ALONE_US ? 1 + moments : null;
  if (gap(a.uptimes, b.uptimes) > UPTIMES_US || moments > MOMENTS_US) return null;
  for (const [how, boot] of a.booted) {
    const other = b.booted.get(how);
    if (other && gap(boot, other) > BOOTED_US) return null;
  }
  return 1 + moments;
}

/** By the host where it is known of both, else by a sender. */
function mayBeSameHost(a: Traits, b: Traits): boolean {
  if (a.hostId !== '' && b.hostId !== '') return a.hostId === b.hostId;
  return a.senders.some((sender) => b.senders.includes(sender));
}

/** From the line that began it to the last one. */
function uptimeOf({ uptime_us, last_uptime_us }: StoredRecord): Span | null {
  const from = uptime_us || last_uptime_us;
  return from > 0 ? { from, to: Math.max(from, last_uptime_us) } : null;
}

/** A number of boots, a boot id, or whatever else a source has. */
function formOf(boot: string): string {
  if (/^\d+$/.test(boot)) return 'number';
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(boot) ? 'id' : 'other';
}

function hull(a: Span | null, b: Span): Span {
  return a ? { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) } : b;
}

/** How much is between two spans; 0 when they meet. */
function gap(a: Span, b: Span): number {
  return Math.max(0, a.from - b.to, b.from - a.to);
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== '');
}
