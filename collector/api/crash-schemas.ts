/** Crashes as schemas: the same as fold/model.ts and crash-log.ts say; schemas.test.ts holds them together. */
import { type CrashFrame, type CrashReading, LIMITS, type LogHole } from '@netfall/proto';
import Type, { type TSchema } from 'typebox';
import { MOST_RECORDS } from '../fold/crash.ts';
import type { Crash, CrashMismatch, CrashRecord, RecordReading } from '../fold/model.ts';
import { type CrashShare, MOST_SHARED, type SignatureChange, type SignatureCount } from './crash-groups.ts';
import type { LogReport } from './crash-log.ts';
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

const orNull = (description: string) =>
  Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description });
const parser_version = count('The parser of crash reports that read it; 0 while none has.');

export const CrashFrameSchema = Type.Object(
  {
    function: text('The function, as the log names it.'),
    offset: orNull('Bytes into the function; null where the log does not say, as of what was inlined.'),
    module: text('The module that the function is of; empty for the kernel proper.'),
    reliable: Type.Boolean({
      description: 'The unwinder found it to be called: its address did not just stand on the stack.',
    }),
    inline: Type.Boolean({ description: 'It was inlined into the frame that follows.' }),
    passed: text('Why it is not blamed although it comes before the frame that is; empty for all others.'),
  },
  { $id: 'CrashFrame', description: 'A line of a stack trace.' },
);

const readingParts = {
  title: text('What happened and where.'),
  alternates: Type.Array(Type.String(), {
    description: `Other titles of the same trouble, at most ${LIMITS.alternates}.`,
  }),
  type: text('The type, e.g. null-pointer-dereference; docs/crash-reports.md lists them.'),
  bug: text('What the signature goes by: what happened, by its class, and where.'),
  corrupted: text('Why it is not to be trusted; empty when nothing is wrong with it.'),
  signature: text('The same for all crashes of one bug: the version of signatures, ":" and 16 hex digits.'),
  place: text('What the title names as the place; empty when it names none.'),
  frames: Type.Array(ref<CrashFrame>('CrashFrame'), {
    description: `The stack that tells where it happened, innermost first, at most ${LIMITS.frames}.`,
  }),
  unlisted_frames: count('Frames that had no room.'),
  guilty: orNull('Which frame is blamed, counted from 0; null when none is.'),
  process: text('The process that was at it; empty when the log does not say.'),
  pid: orNull('Its number; null when the log does not say.'),
  cpu: orNull('The processor; null when the log does not say.'),
  taint: text("The kernel's taint flags, e.g. GWOE; empty when it is not tainted, or the log does not say."),
};

export const RecordReadingSchema = Type.Object(readingParts, {
  $id: 'RecordReading',
  description: "What a parser reads off one record's log.",
});

export const CrashReadingSchema = Type.Object(
  {
    ...readingParts,
    modules: Type.Array(Type.String(), {
      description: `The modules that were loaded, in the log's order, at most ${LIMITS.modules}.`,
    }),
    unlisted_modules: count('Modules that had no room.'),
  },
  { $id: 'CrashReading', description: "What a parser reads off a crash's log." },
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
    parser_version,
    reading: Type.Union([ref<RecordReading>('RecordReading'), Type.Null()], {
      description: 'What it read; null when the log tells of no crash.',
    }),
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
    read: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description:
        'The record that `reading` is of, counted from 0: the best log whose report is not corrupted; null without one.',
    }),
    reading: Type.Union([ref<CrashReading>('CrashReading'), Type.Null()], {
      description: 'What the logs tell; null without a reading.',
    }),
    parser_version,
    mismatches: Type.Array(ref<CrashMismatch>('CrashMismatch')),
    merged: Type.Array(Type.String(), {
      description: 'Ids of crashes that turned out to be this one; it answers to them as well.',
    }),
  },
  { $id: 'Crash', description: 'A kernel that died or was in trouble, and all that is known of it.' },
);

const LogReportSchema = Type.Object(
  {
    first: count('The first line of the report.'),
    last: count('The last line of it.'),
    guilty: orNull('The line of the frame that is blamed; null when none is.'),
    frames: Type.Array(Type.Integer({ minimum: 0 }), { description: 'The lines of the frames, in order.' }),
  },
  { $id: 'LogReport', description: "Where in a log's text its report is: lines, counted from 0." },
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
    report: Type.Union([ref<LogReport>('LogReport'), Type.Null()], {
      description: "Where in the text its last report is, by this release's parser; null when there is none.",
    }),
  },
  { $id: 'CrashLog', description: 'What a record has of the log of a dying kernel.' },
);

const CrashShareSchema = Type.Object(
  { name: text('What it is.'), crashes: count('How many crashes have it.') },
  { $id: 'CrashShare', description: 'Something that crashes have in common.' },
);
const shared = (what: string) =>
  Type.Array(ref<CrashShare>('CrashShare'), {
    description: `${what} The most first, at most ${MOST_SHARED}.`,
  });

export const CrashGroupSchema = Type.Object(
  {
    signature: text('What they share.'),
    title: text('Of the newest one whose report is not corrupted.'),
    type: text('The type of that one.'),
    bug: text('What the signature goes by.'),
    corrupted: Type.Boolean({ description: 'Whether no report of them is to be trusted.' }),
    crashes: count('How many there are among those that are kept.'),
    fatal: count('Of how many of them the host did not live on, by their kind.'),
    hosts: shared('Names of hosts, or addresses where it is not known which host it was.'),
    hosts_total: count('How many hosts there are.'),
    kernels: shared('Releases.'),
    taints: shared('Taint flags; empty for kernels that were not tainted.'),
    hardware: shared('Machines.'),
    first_us: micros('The moment of the first one.'),
    last_us: micros('The moment of the last one.'),
    last_crash_id: text('The last one.'),
  },
  { $id: 'CrashGroup', description: 'The crashes that share a signature.' },
);

const SignatureCountSchema = Type.Object(
  {
    signature: text('The signature.'),
    title: text('Of the newest crash that has it.'),
    crashes: count('How many have it, of those that the change is about.'),
  },
  { $id: 'SignatureCount', description: 'A signature, and how many crashes have it.' },
);

const CHANGES = ['merge', 'split', 'regroup'] as const satisfies readonly SignatureChange['what'][];
const counts = (description: string) =>
  Type.Array(ref<SignatureCount>('SignatureCount'), {
    description: `${description} The most crashes first.`,
  });

const SignatureChangeSchema = Type.Object(
  {
    what: oneOf(CHANGES, '`regroup`: both at once.'),
    before: counts('Signatures as they are.'),
    after: counts('Signatures as they would be.'),
  },
  { $id: 'SignatureChange', description: 'Groups of crashes that would be other groups.' },
);

export const SignaturePreviewSchema = Type.Object(
  {
    version: count('The version of signatures that this is a preview of.'),
    current_version: count('The version by which crashes are grouped.'),
    meaning: text('What crashes have in common that share a signature of that version.'),
    crashes: count('Crashes that have a signature.'),
    groups_before: count('Groups as they are.'),
    groups_after: count('Groups as they would be.'),
    changes: Type.Array(ref<SignatureChange>('SignatureChange'), { description: 'The most crashes first.' }),
    unlisted_changes: count('Changes that had no room.'),
  },
  { $id: 'SignaturePreview', description: 'What other signatures would make of the crashes that are kept.' },
);

/** In the order in which they refer to one another. */
export const CRASH_SCHEMAS: readonly TSchema[] = [
  LogHoleSchema,
  CrashFrameSchema,
  CrashReadingSchema,
  RecordReadingSchema,
  CrashRecordSchema,
  CrashMismatchSchema,
  CrashSchema,
  LogReportSchema,
  CrashLogSchema,
  CrashShareSchema,
  CrashGroupSchema,
  SignatureCountSchema,
  SignatureChangeSchema,
  SignaturePreviewSchema,
];
