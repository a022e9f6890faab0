/**
 * Readings of crash logs as the fold keeps them: what a parser made of a record's log. Pure functions over plain data; which
 * records there are is told by crash.ts, and how logs are read is not known here.
 */
import { SIGNATURE_VERSION, signatureOf } from '@netfall/crash';
import type { CrashReading } from '@netfall/proto';
import { bounded } from './text.ts';

/** Characters of names; titles are as long as an entry permits. KSYM_NAME_LEN was 128 before there was Rust. */
const MOST_NAME = 128;
const MOST_WORD = 32;

/** What is known of a log by a parser. */
export interface Read {
  readonly parser_version: number;
  /** Null when the log tells of no crash. */
  readonly reading: CrashReading | null;
}

/** Of a log that no parser has read. */
export const UNREAD: Read = { parser_version: 0, reading: null };

/** What an entry says of a reading, as it is kept. */
export function readingOf({ parser_version, reading }: Read): Read {
  return { parser_version, reading: reading ? kept(reading) : null };
}

/** Of two readings of one log the one of the newer parser; the first where there is none newer. */
export function newerOf(known: Read, other: Read): Read {
  const { parser_version, reading } = other.parser_version > known.parser_version ? other : known;
  return { parser_version, reading };
}

/** By what the reading says, where it is of the version that crashes are grouped by: a group is of one bug, whatever an agent claims. */
function signed(reading: CrashReading): string {
  const version = Number.parseInt(reading.signature, 10);
  return version === SIGNATURE_VERSION ? signatureOf(reading, version) : reading.signature;
}

function kept(reading: CrashReading): CrashReading {
  const { title, alternates, bug, corrupted, unlisted_frames, guilty, pid, cpu } = reading;
  return {
    title,
    alternates: [...alternates],
    type: bounded(reading.type, MOST_NAME),
    bug,
    corrupted,
    signature: signed(reading),
    place: bounded(reading.place, MOST_NAME),
    frames: reading.frames.map((frame) => ({
      function: bounded(frame.function, MOST_NAME),
      offset: frame.offset,
      module: frame.module,
      reliable: frame.reliable,
      inline: frame.inline,
      passed: bounded(frame.passed, MOST_WORD),
    })),
    unlisted_frames,
    guilty,
    process: bounded(reading.process, MOST_WORD),
    pid,
    cpu,
    taint: bounded(reading.taint, MOST_WORD),
    modules: [...reading.modules],
    unlisted_modules: reading.unlisted_modules,
  };
}
