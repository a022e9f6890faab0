/** For tests: a replica's database made with the real schema, records to put into it, and an API on top. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pino, { type Logger } from 'pino';
import type { GlobalRecord } from '../fold/fold.ts';
import { type Host, newHost, toRecord } from '../fold/host.ts';
import type { Incident, Notification } from '../fold/model.ts';
import type { ReplicaStatus } from '../status.ts';
import { type Api, createApi } from './api.ts';
import type { StreamLimits } from './incident-stream.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Reader } from './reader.ts';

/** 2026-03-01 10:00:00 UTC. */
export const T0 = 1_772_359_200_000_000;

export const silent: Logger = pino({ level: 'silent' });

/** A database on disk that a test writes as the replica would, and a reader of it. */
export class TestDatabase {
  readonly reader: Reader;
  readonly #directory = mkdtempSync(join(tmpdir(), 'netfall-api-'));
  readonly #database: DatabaseSync;
  #sequence = 0;

  constructor() {
    const path = join(this.#directory, 'replica.db');
    this.#database = new DatabaseSync(path);
    this.#database.exec('PRAGMA journal_mode = WAL');
    const migrations = join(import.meta.dirname, '../store/migrations');
    for (const file of readdirSync(migrations).sort()) {
      this.#database.exec(readFileSync(join(migrations, file), 'utf8'));
    }
    this.#writeCheckpoint(0);
    this.reader = new Reader(path);
  }

  /** Writes rows in one transaction and tells the reader, as the replica does. Returns the sequence. */
  commit(
    rows: {
      readonly hosts?: readonly Host[];
      readonly incidents?: readonly Incident[];
      readonly notifications?: readonly Notification[];
      readonly liveUs?: number;
    },
    sequence: number = this.#sequence + 1,
  ): number {
    const { hosts = [], incidents = [], notifications = [], liveUs = 0 } = rows;
    this.#sequence = sequence;
    this.#database.exec('BEGIN');
    const host = this.#database.prepare('INSERT OR REPLACE INTO host (id, value) VALUES (?, ?)');
    for (const record of hosts) host.run(record.id, JSON.stringify(toRecord(record)));
    const incident = this.#database.prepare(
      'INSERT OR REPLACE INTO incident (id, state, detected_us, value) VALUES (?, ?, ?, ?)',
    );
    for (const record of incidents) {
      const value = JSON.stringify({ ...record, due_us: 0 });
      incident.run(record.id, record.state, record.detected_us, value);
    }
    const notification = this.#database.prepare(
      'INSERT OR REPLACE INTO notification (id, pending, created_us, value) VALUES (?, ?, ?, ?)',
    );
    for (const record of notifications) {
      const pending = record.deliveries.some(({ state }) => state === 'pending');
      notification.run(record.id, Number(pending), record.created_us, JSON.stringify(record));
    }
    this.#writeCheckpoint(liveUs);
    this.#database.exec('COMMIT');
    this.reader.changed({
      sequence,
      incidents: incidents.map(({ id }) => id),
      notifications: notifications.map(({ id }) => id),
    });
    return sequence;
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.#database.close();
    rmSync(this.#directory, { recursive: true });
  }

  #writeCheckpoint(liveUs: number): void {
    const value: GlobalRecord = {
      fold_version: 1,
      sequence: this.#sequence,
      now_us: T0,
      live_us: liveUs,
      outages_us: 0,
      epoch: null,
      claim: { holder: '', until_us: 0 },
      entries: this.#sequence,
      rejected: {},
    };
    this.#database
      .prepare('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, 1, ?)')
      .run('test', this.#sequence, '', JSON.stringify(value));
  }
}

export function anIncident(part: Partial<Incident> = {}): Incident {
  return {
    id: 'i100-0',
    fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv',
    version: 1,
    state: 'firing',
    severity: 'warning',
    title: 'web-1 drops NO_SOCKET in __udp4_lib_rcv',
    signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
    started_us: T0,
    detected_us: T0 + 4_000_000,
    resolved_us: 0,
    hosts: [
      {
        host_id: 'web-1',
        hostname: 'web-1',
        first_us: T0,
        last_us: T0 + 4_000_000,
        active: true,
        events: 3600,
        peak_rate: 900,
        baseline_rate: 2,
      },
    ],
    hosts_total: 1,
    regression_of: '',
    audit: [{ at_us: T0 + 4_000_000, event: 'fired', detail: 'by web-1' }],
    ...part,
  };
}

export function aNotification(part: Partial<Notification> = {}): Notification {
  const incident = part.incident ?? anIncident();
  const kind = part.kind ?? 'firing';
  return {
    id: `${incident.id}/${kind}`,
    incident_id: incident.id,
    kind,
    created_us: incident.detected_us,
    incident,
    deliveries: [{ sink: 'ops', state: 'pending', attempts: 0, at_us: 0, error: '' }],
    ...part,
  };
}

export function aHost(id: string, part: Partial<Host> = {}): Host {
  return { ...newHost(id, T0), ...part };
}

export const aStatus: ReplicaStatus = {
  replica: 'c1',
  cell: 'default',
  ready: true,
  why: '',
  sequence: 120,
  lastSequence: 120,
  logTimeUs: T0,
  lagMs: 40,
  entries: 118,
  rejected: { invalid: 2 },
  epoch: { fold_version: 1, config_digest: 'c', catalog_digest: 'd' },
  leader: true,
  claimHolder: 'c1-a',
  commits: 30,
};

export interface TestApi {
  readonly api: Api;
  readonly database: TestDatabase;
  readonly metrics: Metrics;
  /** Replaces parts of the replica's status. */
  setStatus(part: Partial<ReplicaStatus>): void;
  /** The body of a GET, as JSON. */
  get(
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown; headers: Headers }>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real server on a free port of the loopback interface. */
export async function startApi(streamLimits?: StreamLimits): Promise<TestApi> {
  const database = new TestDatabase();
  let status = aStatus;
  const metrics = createMetrics({ reader: database.reader, status: () => status });
  const api = await createApi({
    reader: database.reader,
    metrics,
    status: () => status,
    logger: silent,
    listen: '127.0.0.1:0',
    ...(streamLimits && { streamLimits }),
  });
  return {
    api,
    database,
    metrics,
    setStatus: (part) => {
      status = { ...status, ...part };
    },
    get: async (path, headers = {}) => {
      const response = await fetch(api.url + path, { headers });
      const text = await response.text();
      const json = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
    },
    [Symbol.asyncDispose]: async () => {
      await api.close();
      database[Symbol.dispose]();
    },
  };
}
