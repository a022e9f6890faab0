/**
 * What must be remembered to leave the drop monitor as it was found: kept in a small file, because the monitor outlives
 * the process that changed it. It must not know how the monitor is commanded.
 */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { MonitorConfig } from './requests.ts';

/** All of the monitor's state that commands can change. */
export interface MonitorState extends MonitorConfig {
  readonly software: boolean;
  readonly hardware: boolean;
}

/** What was found and what was made of it. */
export interface MonitorRecord {
  /** How the monitor shall be in the end: as it was found, but for what others changed since. */
  readonly found: MonitorState;
  /** How it was left, or would have been. */
  readonly left: MonitorState;
  /** While it is being looked at or changed: how it was set up before. It may be stopped or started for that. */
  readonly before?: MonitorConfig;
}

/** Where the record outlives the process. */
export interface RecordFile {
  /** The record that was written last, in this boot of the machine; undefined when there is none. */
  read(): MonitorRecord | undefined;
  write(record: MonitorRecord): void;
  remove(): void;
}

/**
 * How the monitor shall be in the end, given how it is now: what is as it was left, or was in the middle of a change,
 * shall be as found; what is neither was changed by somebody else and shall stay.
 */
export function asFound({ found, left, before }: MonitorRecord, now: MonitorState): MonitorState {
  const ours = (key: keyof MonitorConfig) => now[key] === left[key] || now[key] === before?.[key];
  const oursOn = (drops: 'software' | 'hardware') => now[drops] === left[drops] || before !== undefined;
  return {
    mode: ours('mode') ? found.mode : now.mode,
    truncationBytes: ours('truncationBytes') ? found.truncationBytes : now.truncationBytes,
    queueLength: ours('queueLength') ? found.queueLength : now.queueLength,
    software: oursOn('software') ? found.software : now.software,
    hardware: oursOn('hardware') ? found.hardware : now.hardware,
  };
}

export function sameConfig(a: MonitorConfig, b: MonitorConfig): boolean {
  return a.mode === b.mode && a.truncationBytes === b.truncationBytes && a.queueLength === b.queueLength;
}

/** The record as a file of JSON. */
export class JsonRecordFile implements RecordFile {
  readonly #path: string;
  readonly #bootId: string;

  /** @param bootId of this boot of the machine: the monitor forgets everything in between. */
  constructor(path: string, bootId: string) {
    this.#path = path;
    this.#bootId = bootId;
  }

  /** A file that is malformed is as good as none. @throws Error of fs when it cannot be read. */
  read(): MonitorRecord | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    return parseRecord(text, this.#bootId);
  }

  /** Replaces it as a whole, so that it is never half written. @throws Error of fs */
  write(record: MonitorRecord): void {
    const next = `${this.#path}.new`;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(next, `${JSON.stringify({ boot_id: this.#bootId, ...record })}\n`);
    renameSync(next, this.#path);
  }

  /** @throws Error of fs */
  remove(): void {
    rmSync(this.#path, { force: true });
  }
}

/** Reads a record out of a file's text; undefined when it is malformed, or of another boot. */
export function parseRecord(text: string, bootId: string): MonitorRecord | undefined {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(file) || file['boot_id'] !== bootId) return undefined;
  const { found, left, before } = file;
  if (!isState(found) || !isState(left)) return undefined;
  if (before === undefined) return { found, left };
  return isConfig(before) ? { found, left, before } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isState(value: unknown): value is MonitorState {
  if (!isObject(value) || !isConfig(value)) return false;
  const { software, hardware }: Record<string, unknown> = { ...value };
  return typeof software === 'boolean' && typeof hardware === 'boolean';
}

function isConfig(value: unknown): value is MonitorConfig {
  if (!isObject(value)) return false;
  const { mode, truncationBytes, queueLength } = value;
  return (mode === 'summary' || mode === 'packet') && isU32(truncationBytes) && isU32(queueLength);
}

function isU32(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
