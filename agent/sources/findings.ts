/**
 * What a source says of a crash: what it knows itself, and what the crash's log says. It must not know where logs come from.
 */
import {
  type Beginning,
  type CrashLog,
  claimsOf,
  lastBeginning,
  lastUptimeUs,
  markedText,
  PARSER_VERSION,
  readCrash,
} from '@netfall/crash';
import { type CrashWitness, LIMITS, readingOf } from '@netfall/proto';
import type { CrashFindings } from '../source.ts';

/** What a source knows without the log. */
export interface Known {
  readonly record: string;
  readonly source: string;
  /** Who it was heard from; absent for the agent's own host. */
  readonly sender?: string;
  readonly firstUs: number;
  readonly lastUs: number;
  /** From 1; default 1. */
  readonly revision?: number;
  /** The boot and the kernel that crashed. */
  readonly bootId?: string;
  readonly kernel?: string;
  /** What begins the log's last crash; default: what the log says. */
  readonly beginning?: Beginning;
  /** What kind of trouble it was when the log does not tell. */
  readonly kind?: string;
  readonly parts?: number;
  readonly duplicates?: number;
  readonly lostMessages?: number;
  /** Something is missing that is no hole. */
  readonly damaged?: boolean;
}

/** Everything about a crash, within the bounds of an entry. */
export function findingsOf(known: Known, log: CrashLog): CrashFindings {
  const { text, marks } = markedText(log);
  const beginning = known.beginning ?? lastBeginning(text);
  const report = readCrash(text, marks);
  const claims = claimsOf(text);
  return {
    witness: witnessOf({ ...known, kernel: known.kernel ?? claims.kernel }, beginning),
    revision: known.revision ?? 1,
    last_us: timeOf(known.lastUs),
    last_uptime_us: lastUptimeUs(text),
    complete: log.holes.length === 0 && known.damaged !== true,
    holes: log.holes.slice(0, LIMITS.holes).map((hole) => ({ ...hole })),
    unlisted_holes: Math.max(0, log.holes.length - LIMITS.holes),
    wrap_at: log.wrapAt,
    parts: known.parts ?? 1,
    duplicates: known.duplicates ?? 0,
    lost_messages: Math.min(Number.MAX_SAFE_INTEGER, known.lostMessages ?? 0),
    hardware: cut(claims.hardware),
    reading: report && readingOf(report),
    parser_version: PARSER_VERSION,
  };
}

/** Who and when, and what began it, as far as a log that is not all there tells. */
export function witnessIn(known: Known, log: () => CrashLog): CrashWitness {
  if (known.beginning && known.kernel !== undefined) return witnessOf(known, known.beginning);
  const { text } = markedText(log());
  return witnessOf(
    { ...known, kernel: known.kernel ?? claimsOf(text).kernel },
    known.beginning ?? lastBeginning(text),
  );
}

/** Who and when, and what began it. */
export function witnessOf(known: Known, beginning: Beginning | null): CrashWitness {
  return {
    record: cut(known.record),
    source: known.source,
    sender: known.sender ?? '',
    first_us: timeOf(known.firstUs),
    kernel: cut(known.kernel ?? ''),
    boot_id: cut(known.bootId ?? ''),
    kind: beginning?.kind ?? known.kind ?? '',
    line: cut(beginning?.text ?? ''),
    uptime_us: beginning?.uptimeUs ?? 0,
  };
}

function timeOf(us: number): number {
  return Math.min(Math.max(0, Math.trunc(us)), LIMITS.timeUs);
}

function cut(text: string): string {
  return text.slice(0, LIMITS.string).toWellFormed();
}
