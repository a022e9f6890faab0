/**
 * What stands beside a crash in the database: what crashes are grouped, counted and signed anew by, and which logs they have.
 * Whoever asks need not read the much larger record for it. Pure.
 */
import { readingIn, type StoredCrash } from '../fold/crash.ts';
import type { CrashRecord } from '../fold/model.ts';

/** Of a crash with a reading. */
export interface CrashSummary {
  /** Names the host: its id, or the address that it was heard from; and what people call it. */
  readonly host: string;
  readonly hostname: string;
  /** What kind of trouble it ended in, as witnesses say it. */
  readonly kind: string;
  readonly kernel: string;
  readonly hardware: string;
  readonly title: string;
  readonly type: string;
  readonly taint: string;
  readonly bug: string;
  readonly corrupted: string;
}

/** Of a crash with a reading: what signatures are made of besides its summary, see crash/report/signature.ts. */
export interface CrashStack {
  readonly guilty: number | null;
  readonly frames: readonly { readonly function: string; readonly reliable: boolean }[];
}

/** Null while nobody has read what the crash was. */
export function summaryOf(crash: StoredCrash): CrashSummary | null {
  const { reading } = readingIn(crash);
  if (!reading) return null;
  const { host_id, kind, kernel, hardware, records } = crash;
  const host = host_id || (records.find(({ sender }) => sender !== '')?.sender ?? '');
  const { title, type, taint, bug, corrupted } = reading;
  return {
    host,
    hostname: crash.hostname || host,
    ...{ kind, kernel, hardware, title, type, taint, bug, corrupted },
  };
}

/** Null while nobody has read what the crash was. */
export function stackOf(crash: StoredCrash): CrashStack | null {
  const { reading } = readingIn(crash);
  if (!reading) return null;
  const frames = reading.frames.map(({ function: name, reliable }) => ({ function: name, reliable }));
  return { guilty: reading.guilty, frames };
}

/** What found a crash, each name once. */
export function sourcesOf({ records }: StoredCrash): readonly string[] {
  return [...new Set(records.map(({ source }) => source))];
}

/** A log of a crash, with what it takes to read it again: by which parser it was read, and what is missing of it. */
export type CrashLogRow = Pick<CrashRecord, 'digest' | 'parser_version' | 'bytes' | 'holes' | 'wrap_at'>;

/** The logs of its records. */
export function logsOf({ records }: StoredCrash): readonly CrashLogRow[] {
  return records
    .filter(({ digest }) => digest !== '')
    .map(({ digest, parser_version, bytes, holes, wrap_at }) => {
      return { digest, parser_version, bytes, holes, wrap_at };
    });
}
