/**
 * What pstore keeps of a kernel's log: files of which several may be parts of one dump. Their names and headers, which of
 * them belong together, and how they are joined. Pure; where the files lie is not known here. Formats: pstore_dump() in
 * fs/pstore/platform.c, pstore_mkfile() in fs/pstore/inode.c, drivers/firmware/efi/efi-pstore.c, fs/pstore/ram_core.c.
 */
import type { CrashLog, Hole } from './log.ts';

/** What a file's name says. */
export interface PstoreName {
  /** `dmesg`: what was kept of the log when the kernel crashed. `console`: all that went to the console. */
  readonly type: 'dmesg' | 'console';
  /** "efi_pstore", "erst", "ramoops", … */
  readonly backend: string;
  /** The backend's number of the record. */
  readonly id: bigint;
  /** The kernel could not decompress it. */
  readonly compressed: boolean;
}

/** A record as it was found. */
export interface PstoreFile {
  readonly name: string;
  /** When it was written, microseconds since the Unix epoch; by systemd, when that moved it. */
  readonly mtimeUs: number;
  /** Its beginning: {@link HEAD_BYTES}, or all of it. */
  readonly head: Uint8Array;
  /** Bytes of all of it. */
  readonly size: number;
}

/** What of a file tells where it belongs, bytes; and two that begin alike and are as long are one. */
export const HEAD_BYTES = 256;

/** A dump of the log, of which some parts may be missing. */
export interface PstoreDump<F> {
  readonly backend: string;
  /** Why the kernel dumped it: "Panic", "Oops", …; '' where no part says so. Of a console {@link CONSOLE}. */
  readonly reason: string;
  /** When the first of its files was written, and the last, microseconds since the Unix epoch. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** In order of their numbers. Part 1 is the end of the log. */
  readonly parts: readonly PstorePart<F>[];
  /** Files that were there before under the same name. */
  readonly duplicates: number;
}

export interface PstorePart<F> {
  /** From 1. */
  readonly number: number;
  readonly file: F;
  /** False for what the kernel could not decompress. */
  readonly readable: boolean;
}

/** The reason of what is no dump, but all that went to the console up to the reset. */
export const CONSOLE = 'Console';

/** Parts of a dump are written within this time of the one before, microseconds. */
const PART_GAP_US = 30_000_000;
/** Numbers of records of a dump follow one another, but for records of other kinds. */
const ID_GAP = 1024n;
const EFI = /^efi(?:_pstore)?$/;

/** Takes a file's name apart. Null when it is none of the two types. */
export function readPstoreName(name: string): PstoreName | null {
  const [, type, backend = '', id = '0', suffix] =
    /^(dmesg|console)-([a-z0-9_-]{1,64}?)(?:-(\d{1,20}))?(\.enc\.z)?$/.exec(name) ?? [];
  if (type !== 'dmesg' && type !== 'console') return null;
  return { type, backend, id: BigInt(id), compressed: suffix !== undefined };
}

/** What a record of type dmesg says of itself in its first line. */
interface Header {
  readonly reason: string;
  /** Numbers the dumps of a boot. */
  readonly count: number;
  readonly part: number;
  /** Bytes of it. */
  readonly length: number;
}

/** "Panic#2 Part1", behind a line that pstore_blk adds to it. */
function readHeader(head: Uint8Array): Header | null {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString(
    'latin1',
  );
  const [all, reason, count, part] =
    /^(?:[A-Z][a-z]{1,15}: Total \d{1,10} times\n)?([A-Z][a-z]{1,15})#(\d{1,9}) Part(\d{1,6})\n/.exec(text) ??
    [];
  if (all === undefined || reason === undefined) return null;
  return { reason, count: Number(count), part: Number(part), length: all.length };
}

interface Placed<F> extends PstorePart<F> {
  readonly backend: string;
  readonly id: bigint;
  readonly reason: string;
  readonly count: number;
  readonly timeUs: number;
  /** Whether it cannot belong to others, because nobody knows what it is a part of. */
  readonly alone: boolean;
}

/**
 * Groups records into dumps, in order of their numbers; files of other names are passed over. A dump is of one backend, one
 * reason and one count of its boot, each part once: the same number again, or another time, is another boot's.
 */
export function groupPstore<F extends PstoreFile>(files: readonly F[]): PstoreDump<F>[] {
  const { placed, repetitions } = withoutRepetitions(files);
  const dumps: Placed<F>[][] = [];
  /** The dump that a part may go on with, by backend and count. */
  const open = new Map<string, Placed<F>[]>();
  for (const part of placed) {
    const key = `${part.backend} ${part.count}`;
    const dump = part.alone ? undefined : open.get(key);
    if (dump && goesOn(dump, part)) {
      dump.push(part);
      continue;
    }
    const begun = [part];
    dumps.push(begun);
    if (!part.alone) open.set(key, begun);
  }
  return dumps.map((parts) => ({
    backend: parts[0]!.backend,
    reason: reasonOf(parts),
    firstUs: Math.min(...parts.map(({ timeUs }) => timeUs)),
    lastUs: Math.max(...parts.map(({ timeUs }) => timeUs)),
    parts: parts.map(({ number, file, readable }) => ({ number, file, readable })),
    duplicates: parts.reduce((sum, { file }) => sum + (repetitions.get(file) ?? 0), 0),
  }));
}

/** In order of their numbers, which is the order in which they were written. Of those that are the same, the oldest. */
function withoutRepetitions<F extends PstoreFile>(files: readonly F[]) {
  const kept = new Map<string, F>();
  const repeated = new Map<string, number>();
  for (const file of files) {
    // Records that reach back to the boot all begin the same.
    const key = `${file.name} ${file.size}\n${Buffer.from(file.head).toString('latin1')}`;
    const before = kept.get(key);
    if (before) repeated.set(key, (repeated.get(key) ?? 0) + 1);
    if (!before || file.mtimeUs < before.mtimeUs) kept.set(key, file);
  }
  const placed: Placed<F>[] = [];
  const repetitions = new Map<F, number>();
  for (const [key, file] of kept) {
    const part = place(file);
    if (part) placed.push(part);
    repetitions.set(file, repeated.get(key) ?? 0);
  }
  placed.sort((a, b) => compare(a.backend, b.backend) || compare(a.id, b.id) || a.timeUs - b.timeUs);
  return { placed, repetitions };
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function place<F extends PstoreFile>(file: F): Placed<F> | null {
  const name = readPstoreName(file.name);
  if (!name) return null;
  const { type, backend, id, compressed } = name;
  const efi = EFI.test(backend) ? readEfiId(id) : null;
  const timeUs = efi ? efi.timeUs : file.mtimeUs;
  const header = compressed ? null : readHeader(file.head);
  const rest = { file, backend, id, timeUs, readable: !compressed };
  if (type === 'console') return { ...rest, number: 1, reason: CONSOLE, count: 0, alone: true };
  if (header)
    return { ...rest, number: header.part, reason: header.reason, count: header.count, alone: false };
  if (efi && compressed) return { ...rest, number: efi.part, reason: '', count: efi.count, alone: false };
  return { ...rest, number: 1, reason: '', count: 0, alone: true };
}

/** efi_pstore's numbers are (seconds * 100 + part) * 1000 + count. Null when it is none, as of another release. */
function readEfiId(id: bigint): { timeUs: number; part: number; count: number } | null {
  const seconds = Number(id / 100_000n);
  // Between 2001 and 2100.
  if (seconds < 1_000_000_000 || seconds > 4_102_444_800) return null;
  return { timeUs: seconds * 1_000_000, part: Number((id / 1000n) % 100n), count: Number(id % 1000n) };
}

function goesOn<F>(dump: readonly Placed<F>[], part: Placed<F>): boolean {
  const last = dump.at(-1)!;
  const reason = reasonOf(dump);
  return (
    part.number > last.number &&
    Math.abs(part.timeUs - last.timeUs) <= PART_GAP_US &&
    (EFI.test(part.backend) || part.id - last.id <= ID_GAP) &&
    (part.reason === reason || part.reason === '' || reason === '')
  );
}

function reasonOf<F>(parts: readonly Placed<F>[]): string {
  return parts.find(({ reason }) => reason !== '')?.reason ?? '';
}

/** A dump's log. */
export interface JoinedDump extends CrashLog {
  /** The backend's error correction says that some of it could not be corrected. */
  readonly damaged: boolean;
}

/**
 * Joins the parts of a dump, highest number first, without what is not of the log. A part that is missing between part 1 and
 * the highest is a hole, and so is one without bytes: of how many nobody knows.
 * @param parts in order of their numbers, each number once
 */
export function joinPstore(
  parts: readonly { readonly number: number; readonly bytes: Uint8Array | null }[],
): JoinedDump {
  const bodies: Uint8Array[] = [];
  const holes: Hole[] = [];
  let length = 0;
  let damaged = false;
  const hole = () => {
    if (holes.at(-1)?.at !== length) holes.push({ at: length, bytes: 0, exact: false });
  };
  let expected = parts.at(-1)?.number ?? 0;
  for (const { number, bytes } of parts.toReversed()) {
    if (number < expected) hole();
    expected = number - 1;
    if (!bytes) {
      hole();
      continue;
    }
    const body = bodyOf(bytes);
    damaged ||= body.damaged;
    bodies.push(body.bytes);
    length += body.bytes.length;
  }
  if (expected > 0) hole();
  return { bytes: Buffer.concat(bodies), holes, wrapAt: 0, damaged };
}

/** What persistent_ram_ecc_string() adds. */
const CORRECTION =
  /\n(?:ECC: )?(?:No errors detected|\d{1,10} Corrected bytes, (\d{1,10}) unrecoverable blocks)\n$/;
const MOST_CORRECTION = 96;

/** A record without its header and without what the backend says of its error correction. */
function bodyOf(record: Uint8Array): { bytes: Uint8Array; damaged: boolean } {
  const bytes = record.subarray(readHeader(record)?.length ?? 0);
  const tail = bytes.subarray(-MOST_CORRECTION);
  const match = CORRECTION.exec(Buffer.from(tail.buffer, tail.byteOffset, tail.length).toString('latin1'));
  if (!match) return { bytes, damaged: false };
  return { bytes: bytes.subarray(0, bytes.length - match[0].length), damaged: Number(match[1] ?? 0) > 0 };
}
