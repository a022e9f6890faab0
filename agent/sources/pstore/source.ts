/**
 * The source `pstore`: what firmware or memory kept of this host's crashes over the reboot, where the kernel shows it and
 * where systemd-pstore moves it. docs/sources/pstore.md says what is reported. Nothing is deleted.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Beginning,
  CONSOLE,
  endsInTrouble,
  groupPstore,
  HEAD_BYTES,
  joinPstore,
  lastBeginning,
  type PstoreDump,
  type PstoreFile,
  readPstoreName,
} from '@netfall/crash';
import type { Collector, Probe, Source } from '../../source.ts';
import { type FoundFile, findFiles, identityOf, readBytes } from '../crash-files.ts';
import { findingsOf } from '../findings.ts';
import { Seen } from '../seen.ts';
import { ARCHIVE, MOUNT, probePstore } from './probe.ts';

export interface PstoreOptions {
  /** Replaces `/`. */
  readonly root: string;
  readonly nowUs: () => number;
  /** The agent's folder. */
  readonly data: string | undefined;
}

const NAME = 'pstore';
const SEARCH_EVERY_US = 60_000_000;
/** Folders below systemd's: by time, and by the dump's count. */
const ARCHIVE_DEPTH = 3;
/** Files that are looked at; those beyond are counted as `files_full`. */
const MOST_FILES = 1024;
/** A larger file is counted as `too_large`, and a hole. */
const MOST_FILE_BYTES = 4 * 1024 * 1024;
/** Bytes that are read in a collection, so that it does not take long. */
const MOST_BYTES_AT_ONCE = 1024 * 1024;
const MOST_SEEN = 4096;
/** Why the kernel dumps its log when it crashes; it can be told to do so at a shutdown as well. */
const CRASHES: Readonly<Record<string, string>> = { Panic: 'panic', Oops: 'oops' };

type Dump = PstoreDump<FoundFile & PstoreFile>;

export class PstoreSource implements Source {
  readonly name = NAME;
  readonly #options: PstoreOptions;
  #seen: Seen | undefined;
  #searchedUs = Number.NEGATIVE_INFINITY;
  /** Files that were there at the last search, as they were. */
  #known: ReadonlySet<string> = new Set();
  /** Dumps that were not told, newest first. */
  #waiting: Dump[] = [];
  /** What dumps began with, so that a console does not tell it again. */
  readonly #begun = new Set<string>();

  constructor(options: PstoreOptions) {
    this.#options = options;
  }

  probe(): Probe {
    return probePstore(this.#options.root);
  }

  /** @throws Error of fs when what was told before cannot be read */
  start(): void {
    const { data } = this.#options;
    this.#seen ??= new Seen(data === undefined ? undefined : join(data, `${NAME}.seen`), MOST_SEEN);
    this.#searchedUs = Number.NEGATIVE_INFINITY;
    this.#known = new Set();
    this.#waiting = [];
  }

  collect(into: Collector): void {
    // What was handed over the last time stands in a message by now.
    this.#seen?.save();
    const nowUs = this.#options.nowUs();
    if (this.#waiting.length === 0 && Math.abs(nowUs - this.#searchedUs) >= SEARCH_EVERY_US) {
      this.#searchedUs = nowUs;
      this.#search(into);
    }
    let bytes = 0;
    while (this.#waiting[0] && bytes < MOST_BYTES_AT_ONCE) {
      const read = this.#tell(this.#waiting[0], into);
      if (read === null) return;
      bytes += read;
      this.#waiting.shift();
    }
  }

  remark(): string {
    return this.#seen?.remark ?? '';
  }

  stop(): void {
    this.#seen?.save();
  }

  /** Looks for records, and lets those wait that were not there the last time, newest first. */
  #search(into: Collector): void {
    const { root } = this.#options;
    const wanted = (name: string) => readPstoreName(name) !== null;
    // In this order, so that a file is not missed that is moved meanwhile.
    const shown = findFiles(join(root, MOUNT), 0, wanted, MOST_FILES);
    const archived = findFiles(join(root, ARCHIVE), ARCHIVE_DEPTH, wanted, MOST_FILES - shown.files.length);
    const files = [...shown.files, ...archived.files];
    const known = this.#known;
    this.#known = new Set(files.map(identityOf));
    const isNew = (file: FoundFile) => !known.has(identityOf(file));
    if (!files.some(isNew)) return;
    const left = shown.left + archived.left;
    if (left > 0) into.loss('files_full', left);
    const records = files.flatMap((file) => {
      const head = this.#read(file, HEAD_BYTES, into);
      return head ? [{ ...file, head }] : [];
    });
    const dumps = groupPstore(records).filter(({ parts }) => parts.some(({ file }) => isNew(file)));
    // A console may tell what a dump does: the dump comes first.
    const rank = ({ reason }: Dump) => (reason === CONSOLE ? 1 : 0);
    this.#waiting = dumps.sort((a, b) => rank(a) - rank(b) || b.firstUs - a.firstUs);
  }

  /** Tells of a dump, if it is of a crash and was not told before. Returns bytes read; null when there is no room. */
  #tell(dump: Dump, into: Collector): number | null {
    const contents = dump.parts.map(({ file }) => this.#read(file, MOST_FILE_BYTES, into));
    // Moved since it was found: the next search finds it where it is now.
    if (dump.parts.some(({ file }) => !existsSync(file.path))) return 0;
    const { damaged, ...log } = joinPstore(
      dump.parts.map(({ number, readable }, i) => ({ number, bytes: (readable && contents[i]) || null })),
    );
    const record = nameOf(contents[0] ?? new Uint8Array());
    const text = Buffer.from(log.bytes.buffer, log.bytes.byteOffset, log.bytes.length).toString();
    const beginning = lastBeginning(text);
    if (this.#isCrash(dump, text, beginning) && !this.#seen?.has(record)) {
      const { firstUs, lastUs, duplicates, parts } = dump;
      const known = { record, source: NAME, firstUs, lastUs, duplicates, damaged, parts: parts.length };
      const findings = findingsOf({ ...known, kind: CRASHES[dump.reason] ?? '' }, log);
      if (into.crash?.(findings, log.bytes) === false) return null;
      this.#seen?.add(record);
    }
    return contents.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0);
  }

  #isCrash({ reason }: Dump, text: string, beginning: Beginning | null): boolean {
    const key = beginning && `${beginning.uptimeUs} ${beginning.text}`;
    // There after every reboot.
    if (reason === CONSOLE) return key !== null && !this.#begun.has(key) && endsInTrouble(text);
    if (key !== null && this.#begun.size < MOST_FILES) this.#begun.add(key);
    return CRASHES[reason] !== undefined || reason === '' || endsInTrouble(text);
  }

  /** Null for what cannot be read or is too large, which is counted. */
  #read(file: FoundFile, most: number, into: Collector): Uint8Array | null {
    if (file.size > MOST_FILE_BYTES) {
      into.loss('too_large', 1);
      return null;
    }
    try {
      return readBytes(file.path, most);
    } catch {
      if (existsSync(file.path)) into.loss('unreadable', 1);
      return null;
    }
  }
}

/** The same for the same record, wherever it lies: made of what its newest part holds. */
function nameOf(bytes: Uint8Array): string {
  return `${NAME}-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}
