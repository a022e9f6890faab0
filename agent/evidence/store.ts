/**
 * Where logs of crashes wait until they are in the log's evidence: a file each, named after its SHA-256, in the agent's
 * data folder, or in memory. It must not know how many may wait, nor how they are sent.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export interface KeptLog {
  /** SHA-256 in hex: its name. */
  readonly digest: string;
  readonly bytes: number;
}

export interface EvidenceStore {
  /** What is kept, the oldest first. To be called once, before anything else. @throws Error of fs */
  list(): readonly KeptLog[];
  /** Keeps a log as a whole, or not at all. @throws Error of fs */
  write(digest: string, log: Uint8Array): void;
  /** What is kept under that name, which may be damaged. @throws Error of fs, also when there is nothing */
  read(digest: string): Uint8Array;
  /** Harmless when there is nothing. @throws Error of fs */
  remove(digest: string): void;
}

const DIGEST = /^[0-9a-f]{64}$/;
const TEMPORARY = '.new';

/**
 * Keeps logs in `DATA/evidence`, which is made when it is needed, or in memory when `data` is ":memory:". One agent at a
 * time, which the spool in the same folder sees to.
 */
export function openEvidence(data: string): EvidenceStore {
  return data === ':memory:' ? memory() : folder(join(data, 'evidence'));
}

function folder(dir: string): EvidenceStore {
  return {
    list() {
      const logs: (KeptLog & { readonly writtenMs: number })[] = [];
      for (const file of filesIn(dir)) {
        const path = join(dir, file);
        // What a killed agent was writing.
        if (file.endsWith(TEMPORARY)) rmSync(path, { force: true });
        if (!DIGEST.test(file)) continue;
        const { size, mtimeMs } = statSync(path);
        logs.push({ digest: file, bytes: size, writtenMs: mtimeMs });
      }
      logs.sort((a, b) => a.writtenMs - b.writtenMs || (a.digest < b.digest ? -1 : 1));
      return logs.map(({ digest, bytes }) => ({ digest, bytes }));
    },
    write(digest, log) {
      mkdirSync(dir, { recursive: true });
      const next = join(dir, digest + TEMPORARY);
      try {
        const file = openSync(next, 'w', 0o600);
        try {
          writeFileSync(file, log);
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
        renameSync(next, join(dir, digest));
        syncFolder(dir);
      } catch (error) {
        rmSync(next, { force: true });
        throw error;
      }
    },
    read: (digest) => readFileSync(join(dir, digest)),
    remove: (digest) => rmSync(join(dir, digest), { force: true }),
  };
}

/** Makes a rename durable. */
function syncFolder(dir: string): void {
  const file = openSync(dir, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function filesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function memory(): EvidenceStore {
  const logs = new Map<string, Uint8Array>();
  return {
    list: () => Array.from(logs, ([digest, { length }]) => ({ digest, bytes: length })),
    write(digest, log) {
      // Not slice(), which of a Buffer makes a view.
      logs.set(digest, new Uint8Array(log));
    },
    read(digest) {
      const log = logs.get(digest);
      if (!log) throw new Error(`no log ${digest} is kept`);
      return log;
    },
    remove(digest) {
      logs.delete(digest);
    },
  };
}
