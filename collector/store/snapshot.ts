/**
 * Snapshots: a replica's whole database as a blob, from which another one goes on. Gzipped lines of JSON: the
 * checkpoint, one line a row, and a closing line that counts them, so that a cut snapshot is noticed.
 */
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { Blobs } from '@netfall/log';
import type { GlobalRecord, Rows } from '../fold/fold.ts';
import type { HostRecord } from '../fold/host.ts';
import type { IncidentRecord } from '../fold/incidents.ts';
import type { Notification } from '../fold/model.ts';
import type { Checkpoint, Loaded } from './store.ts';

const PREFIX = 'snapshot/';
const tables = ['host', 'incident', 'notification'] as const;

/** A snapshot's name holds its place in the log, padded so that names sort by it, and the fold's version. */
export function snapshotName(sequence: number, foldVersion: number): string {
  return `${PREFIX}${String(sequence).padStart(16, '0')}-v${foldVersion}`;
}

export interface SnapshotRef {
  readonly name: string;
  readonly sequence: number;
  readonly foldVersion: number;
}

/** The snapshots that there are, newest first. */
export async function listSnapshots(blobs: Blobs): Promise<readonly SnapshotRef[]> {
  const refs = (await blobs.list(PREFIX)).flatMap((name): SnapshotRef[] => {
    const match = /^snapshot\/(\d{16})-v(\d+)$/.exec(name);
    return match ? [{ name, sequence: Number(match[1]), foldVersion: Number(match[2]) }] : [];
  });
  return refs.sort((a, b) => b.sequence - a.sequence || b.foldVersion - a.foldVersion);
}

/** Stores a snapshot of the database at `path` as it is committed now; the fold's thread may go on writing. */
export async function writeSnapshot(path: string, blobs: Blobs): Promise<SnapshotRef | null> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('BEGIN');
    const row = database.prepare('SELECT * FROM checkpoint').get();
    if (!row) return null;
    const sequence = Number(row['sequence']);
    const foldVersion = Number(row['fold_version']);
    const name = snapshotName(sequence, foldVersion);
    await blobs.put(name, Readable.from(lines(database, row)).pipe(createGzip({ level: 1 })));
    return { name, sequence, foldVersion };
  } finally {
    database.close();
  }
}

function* lines(database: DatabaseSync, checkpoint: Record<string, unknown>): Generator<string> {
  const { identity, sequence, entry_digest, fold_version, value } = checkpoint;
  yield `${JSON.stringify({ identity, sequence, entry_digest, fold_version })}\n${value}\n`;
  let count = 0;
  let chunk = '';
  for (const table of tables) {
    for (const { value: record } of database.prepare(`SELECT value FROM ${table} ORDER BY id`).iterate()) {
      // Values are JSON without newlines already.
      chunk += `${table} ${record}\n`;
      count++;
      if (chunk.length < 65_536) continue;
      yield chunk;
      chunk = '';
    }
  }
  yield `${chunk}end ${count}\n`;
}

/** Reads a snapshot whole. Throws an Error that names it when it is cut or garbled; null when there is none. */
export async function readSnapshot(name: string, blobs: Blobs): Promise<Loaded | null> {
  const chunks = await blobs.get(name);
  if (!chunks) return null;
  const source = Readable.from(chunks);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  const reader = createInterface({ input: source.pipe(gunzip), crlfDelay: Number.POSITIVE_INFINITY });
  let checkpoint: Checkpoint | undefined;
  let global: GlobalRecord | undefined;
  const rows: { host: HostRecord[]; incident: IncidentRecord[]; notification: Notification[] } = {
    host: [],
    incident: [],
    notification: [],
  };
  let count = 0;
  let whole = false;
  try {
    for await (const line of reader) {
      if (!checkpoint) checkpoint = readCheckpoint(line);
      else if (!global) global = JSON.parse(line) as GlobalRecord;
      else if (line.startsWith('end ')) whole = Number(line.slice(4)) === count;
      else {
        const space = line.indexOf(' ');
        const table = tables.find((known) => known === line.slice(0, space));
        if (!table) throw new Error(`unknown table in line ${count + 3}`);
        rows[table].push(JSON.parse(line.slice(space + 1)));
        count++;
      }
    }
    if (!checkpoint || !global || !whole) throw new Error('it is cut short');
  } catch (error) {
    throw new Error(`snapshot ${name} is unusable: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  const { host: hosts, incident: incidents, notification: notifications } = rows;
  return { checkpoint, rows: { global, hosts, incidents, notifications } satisfies Rows };
}

function readCheckpoint(line: string): Checkpoint {
  const { identity, sequence, entry_digest: entryDigest, fold_version: foldVersion } = JSON.parse(line);
  return { identity, sequence, entryDigest, foldVersion };
}
