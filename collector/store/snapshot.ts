/**
 * Snapshots: a replica's whole database as a blob, from which another one goes on. Gzipped lines of JSON: the
 * checkpoint, one line a row, and a closing line that counts them, so that a cut snapshot is noticed.
 */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { Blobs } from '@netfall/log';
import type { ChangeRecord } from '../fold/changes.ts';
import type { StoredCrash } from '../fold/crash.ts';
import type { HostRecord } from '../fold/host.ts';
import type { IncidentRecord } from '../fold/incident.ts';
import type { Notification } from '../fold/model.ts';
import type { GlobalRecord, Rows } from '../fold/rows.ts';
import type { SilenceRecord } from '../fold/silence.ts';
import { unpackHost } from './host-row.ts';
import type { Checkpoint, Loaded } from './store.ts';

const PREFIX = 'snapshot/';
const tables = ['host', 'incident', 'crash', 'notification', 'change', 'silence'] as const;

export interface SnapshotRef {
  readonly name: string;
  readonly sequence: number;
  readonly foldVersion: number;
  /** Which log it is of: the digest of its identity. */
  readonly log: string;
}

/** A log's identity as it stands in the names of its snapshots: blobs may outlive the log that they were made of. */
export function logDigest(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 12);
}

/** A snapshot's name: its place in the log, padded so that names sort by it, the fold's version, and which log. */
export function snapshotName(sequence: number, foldVersion: number, identity: string): string {
  return `${PREFIX}${String(sequence).padStart(16, '0')}-v${foldVersion}-${logDigest(identity)}`;
}

/** The snapshots that there are, of whatever log, newest first. */
export async function listSnapshots(blobs: Blobs): Promise<readonly SnapshotRef[]> {
  const refs = (await blobs.list(PREFIX)).flatMap((name): SnapshotRef[] => {
    const [, sequence, foldVersion, log] = /^snapshot\/(\d{16})-v(\d+)-([0-9a-f]{12})$/.exec(name) ?? [];
    return log ? [{ name, sequence: Number(sequence), foldVersion: Number(foldVersion), log }] : [];
  });
  return refs.sort((a, b) => b.sequence - a.sequence || b.foldVersion - a.foldVersion);
}

/** Stores a snapshot of the database at `path` as it is committed now; the fold's thread may go on writing. */
export async function writeSnapshot(path: string, blobs: Blobs): Promise<SnapshotRef | null> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('BEGIN');
    const row = database.prepare('SELECT * FROM checkpoint').get();
    const sequence = Number(row?.['sequence'] ?? 0);
    // The state before the first entry is nothing to keep.
    if (!row || sequence === 0) return null;
    const foldVersion = Number(row['fold_version']);
    const identity = String(row['identity']);
    const name = snapshotName(sequence, foldVersion, identity);
    await blobs.put(name, piped(Readable.from(lines(database, row)), createGzip({ level: 1 })));
    return { name, sequence, foldVersion, log: logDigest(identity) };
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
    for (const row of database.prepare(`SELECT * FROM ${table} ORDER BY id`).iterate()) {
      const record = table === 'host' ? JSON.stringify(unpackHost(row)) : row['value'];
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
  let checkpoint: Checkpoint | undefined;
  let global: GlobalRecord | undefined;
  const rows: {
    host: HostRecord[];
    incident: IncidentRecord[];
    crash: StoredCrash[];
    notification: Notification[];
    change: ChangeRecord[];
    silence: SilenceRecord[];
  } = { host: [], incident: [], crash: [], notification: [], change: [], silence: [] };
  let count = 0;
  let whole = false;
  try {
    for await (const line of textLines(piped(Readable.from(chunks), createGunzip()))) {
      if (whole) throw new Error('it goes on after its end');
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
  const all: Rows = {
    global,
    hosts: rows.host,
    incidents: rows.incident,
    crashes: rows.crash,
    notifications: rows.notification,
    changes: rows.change,
    silences: rows.silence,
  };
  return { checkpoint, rows: all };
}

function readCheckpoint(line: string): Checkpoint {
  const { identity, sequence, entry_digest: entryDigest, fold_version: foldVersion } = JSON.parse(line);
  return { identity, sequence, entryDigest, foldVersion };
}

/** Pipes so that the end is destroyed, and whoever reads it told, when the source fails, and the other way round. */
function piped<T extends Transform>(source: Readable, end: T): T {
  pipeline(source, end, () => {});
  return end;
}

/** Lines by newline alone: JSON holds U+2028 and U+2029 as they are, which node:readline takes for ends of lines. */
async function* textLines(stream: Transform): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
