/**
 * A crash and the records it is made of: what one source of one agent has of it, and what follows from all of them. Pure
 * functions over plain data. Which records are of one crash is told by same-crash.ts, what becomes of it by crashes.ts.
 */
import type { CrashReading, CrashReport, CrashWitness } from '@netfall/proto';
import { plus } from './count.ts';
import type { Crash, CrashMismatch, CrashRecord, RecordReading } from './model.ts';
import { newerOf, type Read, readingOf, UNREAD } from './reading.ts';
import { bounded, compare } from './text.ts';

/** Records that a crash keeps: those that came first. */
export const MOST_RECORDS = 16;
/** Ids of merged crashes that go on answering. */
const MOST_MERGED = 16;
/** Characters of names, addresses and releases, and of a description of hardware; lines are as long as an entry permits. */
const MOST_TEXT = 80;
const MOST_HARDWARE = 160;
/** What a hole counts as whose size nobody knows, bytes. */
const UNKNOWN_HOLE = 1024;

/** Sources that find a crash after the reboot: the kernel that runs then need not be the one that crashed. */
const AFTERWARDS: readonly string[] = ['pstore', 'vmcore-dmesg'];
/** What a kernel lives on after: it does not tell what a crash is that ends in worse. The fold's own: it changes with its version. */
const SURVIVED: readonly string[] = ['warning', 'hung task', 'stall'];
/** Whether a kernel lives on after a kind of trouble. */
export function isSurvived(kind: string): boolean {
  return SURVIVED.includes(kind);
}

/** Where logs that are as good are read first: what the kernel wrote down before what travelled. */
const SOURCES: readonly string[] = ['vmcore-dmesg', 'pstore', 'netoops', 'netconsole', 'kmsg'];

/** A host as its inventory had it when a record came. */
export interface KnownHost {
  readonly host_id: string;
  readonly hostname: string;
  readonly kernel: string;
  /** Vendor and product. */
  readonly hardware: string;
}

/** The hosts that a record's sender may be. */
export interface Whose {
  /** The one that it is; null when that is not known. */
  readonly crashed: KnownHost | null;
  /** Those that have the address, by id; none when it was not heard, or too many have it. */
  readonly holders: readonly string[];
}

/** The stored form of a record: what is shown, and what the fold goes by. */
export interface StoredRecord extends CrashRecord, Whose {
  readonly reading: CrashReading | null;
}

/** The stored form of a crash: of its reading, which record's it is. */
export interface StoredCrash extends Omit<Crash, 'reading' | 'parser_version'> {
  readonly records: readonly StoredRecord[];
}

/** Who a record came from, and when. */
export interface Came {
  readonly hostId: string;
  readonly hostname: string;
  /** What to add to that agent's clock for log time, µs. */
  readonly offsetUs: number;
  readonly nowUs: number;
}

/** What a crash is besides its records. */
export type Head = Pick<Crash, 'id' | 'version' | 'merged' | 'unlisted_records'>;

/** What has not been stored yet. */
export const NEW: Head = { id: '', version: 0, merged: [], unlisted_records: 0 };

/** Whether a witness or report tells more than what is known of its record. */
export function tellsMore(
  before: CrashRecord | undefined,
  witness: CrashWitness,
  report: CrashReport | null,
): boolean {
  if (!before) return true;
  if (report) return report.revision > before.revision;
  if (before.revision > 0) return false;
  // The line may have been seen since the first sign, or a graver one.
  if (before.line === '') return witness.line !== '';
  return SURVIVED.includes(before.kind) && witness.kind !== '' && !SURVIVED.includes(witness.kind);
}

/** The record that a witness or report makes of what was known of it before. */
export function recordOf(
  before: StoredRecord | undefined,
  witness: CrashWitness,
  report: CrashReport | null,
  came: Came,
  whose: Whose,
): StoredRecord {
  const first_us = logTime(witness.first_us, came);
  const told = report ? readingOf(report) : UNREAD;
  // A parser that read the same log since then may be newer than the agent's.
  const read = before && report && isSameLog(before, report) ? newerOf(before, told) : told;
  return {
    host_id: came.hostId,
    hostname: bounded(came.hostname, MOST_TEXT),
    record: witness.record,
    source: before?.source ?? bounded(witness.source, MOST_TEXT),
    sender: before?.sender ?? bounded(witness.sender, MOST_TEXT),
    known_us: before?.known_us ?? came.nowUs,
    reported_us: report ? came.nowUs : 0,
    first_us,
    last_us: report ? Math.max(first_us, logTime(report.last_us, came)) : first_us,
    kernel: bounded(witness.kernel, MOST_TEXT),
    boot_id: bounded(witness.boot_id, MOST_TEXT),
    hardware: bounded(report?.hardware ?? '', MOST_HARDWARE),
    kind: bounded(witness.kind, MOST_TEXT),
    line: witness.line,
    uptime_us: witness.uptime_us,
    last_uptime_us: report?.last_uptime_us ?? 0,
    revision: report?.revision ?? 0,
    digest: report?.digest ?? '',
    bytes: report?.bytes ?? 0,
    complete: report?.complete === true && report.holes.length === 0 && report.unlisted_holes === 0,
    holes: (report?.holes ?? [])
      .map(({ at, bytes, exact }) => ({ at, bytes, exact }))
      .sort((a, b) => a.at - b.at),
    unlisted_holes: report?.unlisted_holes ?? 0,
    wrap_at: report?.wrap_at ?? 0,
    parts: report?.parts ?? 0,
    duplicates: report?.duplicates ?? 0,
    lost_messages: report?.lost_messages ?? 0,
    ...read,
    crashed: whose.crashed,
    holders: whose.holders,
  };
}

/** Whether a reading of one is a reading of the other: what is missing of a log counts, too. */
function isSameLog(before: StoredRecord, { digest, holes, wrap_at }: CrashReport): boolean {
  const isSame =
    holes.length === before.holes.length &&
    holes.every(({ at }) => before.holes.some((hole) => hole.at === at));
  return before.digest === digest && before.wrap_at === wrap_at && isSame;
}

/** An agent's time as log time: set right, and never ahead of now, whatever its clock says. */
function logTime(us: number, { offsetUs, nowUs }: Came): number {
  if (us === 0) return nowUs;
  return Math.max(0, Math.min(nowUs, us + offsetUs));
}

/** What to call a host, and what its inventory says that a crash may contradict. */
export function knownHost(
  hostId: string,
  hostname: string,
  inventory: { readonly kernel: string; readonly vendor: string; readonly product: string } | null,
): KnownHost {
  return {
    host_id: hostId,
    hostname: bounded(hostname, MOST_TEXT),
    kernel: bounded(inventory?.kernel ?? '', MOST_TEXT),
    hardware: bounded(`${inventory?.vendor ?? ''} ${inventory?.product ?? ''}`.trim(), MOST_HARDWARE),
  };
}

/** A crash of these records, one at least. Those that have no room are counted, and gone from it. */
export function crashOf(head: Head, unordered: readonly StoredRecord[]): StoredCrash {
  const ordered = unordered.toSorted(byArrival);
  const records = ordered.slice(0, MOST_RECORDS);
  const whose = (records.find(({ sender }) => sender === '') ?? records.find(({ crashed }) => crashed))
    ?.crashed;
  const began = beginning(records);
  const preferred = preference(records);
  const first = <K extends 'kernel' | 'boot_id' | 'hardware'>(key: K): string =>
    records.find((record) => record[key] !== '')?.[key] ?? '';
  return {
    id: head.id,
    version: head.version,
    host_id: whose?.host_id ?? '',
    hostname: whose?.hostname ?? '',
    at_us: Math.min(...records.map(({ first_us }) => first_us)),
    detected_us: records[0]?.known_us ?? 0,
    kind: began?.kind ?? '',
    line: began?.line ?? '',
    uptime_us: began?.uptime_us ?? 0,
    kernel: first('kernel'),
    boot_id: first('boot_id'),
    hardware: first('hardware'),
    state: records.some(({ revision }) => revision > 0) ? 'reported' : 'witnessed',
    complete: records.some(({ complete }) => complete),
    records,
    unlisted_records: head.unlisted_records + ordered.length - records.length,
    best: preferred[0] ?? null,
    read:
      preferred.find((i) => records[i]?.reading?.corrupted === '') ??
      preferred.find((i) => records[i]?.reading) ??
      null,
    mismatches: mismatchesOf(records, whose ?? null),
    merged: head.merged,
  };
}

/** Two crashes that are one: it goes on under the id of the older one. */
export function merged(older: StoredCrash, younger: StoredCrash): StoredCrash {
  const ids = [...older.merged, ...younger.merged, ...(younger.id === '' ? [] : [younger.id])];
  return crashOf(
    {
      id: older.id,
      version: Math.max(older.version, younger.version) + 1,
      merged: ids.slice(-MOST_MERGED),
      unlisted_records: older.unlisted_records + younger.unlisted_records,
    },
    [...older.records, ...younger.records],
  );
}

/** What a crash's logs tell. */
export function readingIn({ records, read, best }: StoredCrash): Read {
  return records[read ?? best ?? -1] ?? UNREAD;
}

/** A crash as it is told: without what is the fold's own. */
export function shownCrash(crash: StoredCrash): Crash {
  const records = crash.records.map(({ crashed: _crashed, holders: _holders, reading, ...record }) => {
    return { ...record, reading: reading && withoutModules(reading) };
  });
  const { reading, parser_version } = readingIn(crash);
  return { ...crash, records, reading, parser_version };
}

/** Most records of a crash tell the same modules, which are most of a reading. */
function withoutModules(reading: CrashReading): RecordReading {
  const { modules: _modules, unlisted_modules: _unlisted, ...rest } = reading;
  return rest;
}

function byArrival(a: StoredRecord, b: StoredRecord): number {
  return a.known_us - b.known_us || compare(a.host_id, b.host_id) || compare(a.record, b.record);
}

/** The record that tells of the earliest line that was serious, by the kernel's own clock where it is known. */
function beginning(records: readonly StoredRecord[]): StoredRecord | undefined {
  const survived = ({ kind }: StoredRecord) => Number(SURVIVED.includes(kind));
  const uptime = ({ uptime_us }: StoredRecord) => uptime_us || Number.MAX_SAFE_INTEGER;
  const lines = records
    .filter(({ line }) => line !== '')
    .sort((a, b) => survived(a) - survived(b) || uptime(a) - uptime(b));
  return lines[0] ?? records.find(({ uptime_us }) => uptime_us > 0);
}

/**
 * Which records' logs to read, in that order: a whole one before all others, then the one that lacks least; of those the
 * longest, then by source.
 */
function preference(records: readonly StoredRecord[]): readonly number[] {
  const reported = [...records.keys()].filter((i) => records[i]?.digest !== '');
  return reported.sort((i, j) => byWorth(records[i] as StoredRecord, records[j] as StoredRecord) || i - j);
}

function byWorth(a: StoredRecord, b: StoredRecord): number {
  return (
    Number(b.complete) - Number(a.complete) ||
    missing(a) - missing(b) ||
    b.bytes - a.bytes ||
    rank(a.source) - rank(b.source)
  );
}

function missing({ holes, unlisted_holes }: StoredRecord): number {
  let sum = unlisted_holes * UNKNOWN_HOLE;
  for (const { bytes } of holes) sum = plus(sum, bytes || UNKNOWN_HOLE);
  return sum;
}

function rank(source: string): number {
  const at = SOURCES.indexOf(source);
  return at < 0 ? SOURCES.length : at;
}

/** Each once, in the order of the records. */
function mismatchesOf(records: readonly StoredRecord[], whose: KnownHost | null): readonly CrashMismatch[] {
  const found: CrashMismatch[] = [];
  const add = (what: CrashMismatch['what'], said: string, known: string) => {
    const again = found.some((one) => one.what === what && one.said === said && one.known === known);
    if (!again) found.push({ what, said, known });
  };
  for (const { source, sender, kernel, hardware, crashed, holders } of records) {
    if (whose && holders.length > 0 && !holders.includes(whose.host_id)) {
      add('address', sender, crashed?.hostname ?? holders.join(', '));
    }
    // Of another host, or of nobody knows which, nothing else can be compared.
    if (!crashed || crashed.host_id !== whose?.host_id) continue;
    const isThen = !AFTERWARDS.includes(source);
    if (isThen && kernel !== '' && crashed.kernel !== '' && kernel !== crashed.kernel)
      add('kernel', kernel, crashed.kernel);
    if (hardware !== '' && crashed.hardware !== '' && !spaced(hardware).startsWith(spaced(crashed.hardware)))
      add('hardware', hardware, crashed.hardware);
  }
  return found;
}

/** Firmware pads its strings with blanks. */
function spaced(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
