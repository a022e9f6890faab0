/**
 * The source `vmcore-dmesg`: the log of a kernel that crashed, which kdump saved while it dumped that one's memory.
 * docs/sources/vmcore-dmesg.md says what is reported. Nothing is deleted.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CrashLog } from '@netfall/crash';
import type { Collector, Probe, Source } from '../../source.ts';
import { type FoundFile, findFiles, readBytes } from '../crash-files.ts';
import { findingsOf } from '../findings.ts';
import { Seen } from '../seen.ts';

export interface VmcoreDmesgOptions {
  /** Replaces `/`. */
  readonly root: string;
  /** Where kdump saves to, under the root. */
  readonly folder: string;
  readonly nowUs: () => number;
  /** The agent's folder. */
  readonly data: string | undefined;
}

const NAME = 'vmcore-dmesg';
const SEARCH_EVERY_US = 60_000_000;
/** A file that was written to so lately may not be complete. */
const SETTLED_US = 10_000_000;
/** Files that are looked at; those beyond are counted as `files_full`. */
const MOST_FILES = 1024;
/** Of a log that is longer the end is reported: there is the crash. */
const MOST_LOG_BYTES = 1024 * 1024;
const MOST_SEEN = 4096;
/** kexec-tools' (RHEL), kdump-tools' (Debian, Ubuntu) and kdump's (SUSE). While it is written it has another name. */
const FILE = /^(?:vmcore-dmesg\.txt|dmesg\.\d{8,14}|dmesg\.txt)$/;

export class VmcoreDmesgSource implements Source {
  readonly name = NAME;
  readonly #options: VmcoreDmesgOptions;
  #seen: Seen | undefined;
  #searchedUs = Number.NEGATIVE_INFINITY;
  /** Newest first. */
  #waiting: FoundFile[] = [];
  /** Files that did not fit at the last search. */
  #left = 0;

  constructor(options: VmcoreDmesgOptions) {
    this.#options = options;
  }

  probe(): Probe {
    const folder = this.#folder;
    try {
      readdirSync(folder);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT')
        return { state: 'off', detail: `kdump saves nothing here: there is no ${folder}` };
      return {
        state: 'unavailable',
        detail: 'reads no logs that kdump saved',
        missing: `${folder} cannot be read (${error instanceof Error ? error.message : error})`,
        mend: 'run as root, or AmbientCapabilities=CAP_DAC_READ_SEARCH in the systemd unit',
      };
    }
    const loaded = isKdumpLoaded(this.#options.root) ? '' : '; no kdump kernel is loaded now';
    return { state: 'ok', detail: `reads the logs that kdump saved in ${folder}${loaded}` };
  }

  /** @throws Error of fs when what was told before cannot be read */
  start(): void {
    const { data } = this.#options;
    this.#seen ??= new Seen(data === undefined ? undefined : join(data, `${NAME}.seen`), MOST_SEEN);
    this.#searchedUs = Number.NEGATIVE_INFINITY;
    this.#waiting = [];
  }

  /** One log at a time: each may be a mebibyte. */
  collect(into: Collector): void {
    // What was handed over the last time stands in a message by now.
    this.#seen?.save();
    const nowUs = this.#options.nowUs();
    if (this.#waiting.length === 0 && Math.abs(nowUs - this.#searchedUs) >= SEARCH_EVERY_US) {
      this.#searchedUs = nowUs;
      this.#search(into);
    }
    const [next] = this.#waiting;
    if (next && this.#tell(next, into)) this.#waiting.shift();
  }

  remark(): string {
    return this.#seen?.remark ?? '';
  }

  stop(): void {
    this.#seen?.save();
  }

  get #folder(): string {
    return join(this.#options.root, this.#options.folder);
  }

  #search(into: Collector): void {
    const { files, left } = findFiles(this.#folder, 1, (name) => FILE.test(name), MOST_FILES);
    if (left > this.#left) into.loss('files_full', left - this.#left);
    this.#left = left;
    const nowUs = this.#options.nowUs();
    this.#waiting = files
      .filter((file) => Math.abs(nowUs - file.mtimeUs) >= SETTLED_US && !this.#seen?.has(this.#nameOf(file)))
      .sort((a, b) => b.mtimeUs - a.mtimeUs);
  }

  /** Whether it is told, or cannot be. */
  #tell(file: FoundFile, into: Collector): boolean {
    const record = this.#nameOf(file);
    let log: CrashLog;
    try {
      log = readLog(file);
    } catch {
      into.loss('unreadable', 1);
      return true;
    }
    const times = { firstUs: file.mtimeUs, lastUs: file.mtimeUs };
    const findings = findingsOf({ record, source: NAME, ...times, kind: 'panic' }, log);
    if (into.crash?.(findings, log.bytes) === false) return false;
    this.#seen?.add(record);
    return true;
  }

  /** kdump's folders have the crash's time in their names. */
  #nameOf({ path }: FoundFile): string {
    const digest = createHash('sha256').update(relative(this.#folder, path)).digest('hex');
    return `${NAME}-${digest.slice(0, 16)}`;
  }
}

/** A log, or its end from a whole line on. @throws Error of fs */
function readLog({ path, size }: FoundFile): CrashLog {
  const end = readBytes(path, MOST_LOG_BYTES, 'end');
  if (size <= end.length) return { bytes: end, holes: [], wrapAt: 0 };
  const bytes = end.subarray(end.indexOf(0x0a) + 1);
  return { bytes, holes: [{ at: 0, bytes: size - bytes.length, exact: true }], wrapAt: 0 };
}

function isKdumpLoaded(root: string): boolean {
  try {
    return readFileSync(join(root, 'sys/kernel/kexec_crash_loaded'), 'latin1').trim() === '1';
  } catch {
    return false;
  }
}
