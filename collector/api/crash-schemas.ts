/** Crashes as schemas: the same as fold/model.ts and crash-log.ts say; schemas.test.ts holds them together. */
import type { LogHole } from '@netfall/proto';
import Type, { type TSchema } from 'typebox';
import { MOST_RECORDS } from '../fold/crash.ts';
import type { Crash, CrashMismatch, CrashRecord } from '../fold/model.ts';
import { count, micros, oneOf, ref, text } from './schema-parts.ts';

const MISMATCHES = ['kernel', 'hardware', 'address'] as const satisfies readonly CrashMismatch['what'][];
const CRASH_STATES = ['witnessed', 'reported'] as const satisfies readonly Crash['state'][];

const LogHoleSchema = Type.Object(
  {
    at: count('How many bytes of the log stand before it.'),
    bytes: count('How many bytes are missing: exactly, or at most; 0 when nobody knows.'),
    exact: Type.Boolean({ description: 'Whether it is that many exactly.' }),
  },
  { $id: 'LogHole', description: "Something that is missing in a crash's log." },
);
const holes = Type.Array(ref<LogHole>('LogHole'), { description: 'What is missing, in order of place.' });
const wrap_at = count(
  'Bytes of the log before the place where the ring buffer wrapped; 0 when that is not known.',
);

export const CrashRecordSchema = Type.Object(
  {
    host_id: text('The agent that has it.'),
    hostname: text("Its host's name."),
    record: text('Names the record within that agent.'),
    source: text('What found it: netoops, netconsole, pstore, kmsg, vmcore-dmesg.'),
    sender: text("The address that it was heard from; empty when the crash is of the agent's own host."),
    known_us: micros('Log time at which its first sign came.'),
    reported_us: micros('Log time at which its newest report came; 0 until one has.'),
    first_us: micros('When the crash was first heard of, or written down.'),
    last_us: micros('When the last part of it came.'),
    kernel: text("The kernel's release by the crash's own word; empty when it did not say."),
    boot_id: text("The boot by the crash's own word; empty when it did not say."),
    hardware: text("The machine by the crash's own word; empty when it did not say."),
    kind: text('What kind of trouble the line tells of, e.g. panic; empty while it was not seen.'),
    line: text('The line that began it; empty while it was not seen.'),
    uptime_us: count("The kernel's own clock at that line, microseconds; 0 when it is not known."),
    last_uptime_us: count("The kernel's own clock at the last line, microseconds; 0 when it is not known."),
    revision: count('Grows with every report of the record; 0 until one has come.'),
    digest: text("The log's SHA-256 in hex; empty until a report has come."),
    bytes: count("The log's length, without what is missing."),
    complete: Type.Boolean({ description: 'Nothing is known to be missing.' }),
    holes,
    unlisted_holes: count('Holes that had no room.'),
    wrap_at,
    parts: count('Datagrams or files that the log was put together from.'),
    duplicates: count('Repetitions of them.'),
    lost_messages: count('Messages that the network lost, where the sender numbers them.'),
  },
  { $id: 'CrashRecord', description: 'What one source of one agent has of a crash.' },
);

export const CrashMismatchSchema = Type.Object(
  {
    what: oneOf(MISMATCHES, '`address`: heard from an address of other hosts than the one that crashed.'),
    said: text("By the crash's own word."),
    known: text('By the inventory.'),
  },
  { $id: 'CrashMismatch', description: "Where a crash's own word and the inventories disagree." },
);

export const CrashSchema = Type.Object(
  {
    id: text('Stable, and the same on every replica.'),
    version: count('Grows with every change of this crash: of two copies the higher one is newer.'),
    host_id: text('The host that crashed; empty while no inventory tells which: see the records’ senders.'),
    hostname: text('Its name.'),
    at_us: micros('When it was, by the earliest of its records.'),
    detected_us: micros('Log time at which its first sign came.'),
    kind: text('What kind of trouble the line tells of, e.g. panic; empty while it was not seen.'),
    line: text('The line that began it; empty while it was not seen.'),
    uptime_us: count("The kernel's own clock at that line, microseconds; 0 when it is not known."),
    kernel: text("The kernel's release by the crash's own word."),
    boot_id: text("The boot by the crash's own word."),
    hardware: text("The machine by the crash's own word."),
    state: oneOf(CRASH_STATES, '`witnessed`: only first signs so far.'),
    complete: Type.Boolean({
      description: "Whether some record's log lacks nothing, for all that is known.",
    }),
    records: Type.Array(ref<CrashRecord>('CrashRecord'), {
      description: `In the order in which they came, at most ${MOST_RECORDS}.`,
    }),
    unlisted_records: count('How often there was no room for a further record.'),
    best: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'The record whose log to read first, counted from 0; null until there is a log.',
    }),
    mismatches: Type.Array(ref<CrashMismatch>('CrashMismatch')),
    merged: Type.Array(Type.String(), {
      description: 'Ids of crashes that turned out to be this one; it answers to them as well.',
    }),
  },
  { $id: 'Crash', description: 'A kernel that died or was in trouble, and all that is known of it.' },
);

export const CrashLogSchema = Type.Object(
  {
    crash_id: text('The crash.'),
    record: count('Which of its records, counted from 0.'),
    source: text("That record's source."),
    digest: text("The log's SHA-256 in hex."),
    bytes: count("The log's length, without what is missing."),
    holes,
    unlisted_holes: count('Holes of which it is not known where they are.'),
    wrap_at,
    text: text(
      'The log as text: a line for each hole and for the wrap, and a dot for what would act on a terminal.',
    ),
    marks: Type.Array(Type.Integer({ minimum: 0 }), {
      description: 'Which lines of the text are such marks and not of the log, counted from 0.',
    }),
  },
  { $id: 'CrashLog', description: 'What a record has of the log of a dying kernel.' },
);

/** In the order in which they refer to one another. */
export const CRASH_SCHEMAS: readonly TSchema[] = [
  LogHoleSchema,
  CrashRecordSchema,
  CrashMismatchSchema,
  CrashSchema,
  CrashLogSchema,
];
