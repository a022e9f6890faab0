/** For tests: a replica's database made with the real schema, records to put into it, and an API on top. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Blobs, type Clock, openEmbeddedLog } from '@netfall/log';
import type { CrashReading } from '@netfall/proto';
import pino, { type Logger } from 'pino';
import type { ChangeRecord } from '../fold/changes.ts';
import { crashOf, type Head, type StoredCrash, type StoredRecord } from '../fold/crash.ts';
import { type HostFacts, type HostRecord, type HostState, newHost } from '../fold/host.ts';
import type { IncidentRecord } from '../fold/incident.ts';
import type { IncidentSample, Notification } from '../fold/model.ts';
import type { ForgottenHosts, GlobalRecord, SwitchesRecord } from '../fold/rows.ts';
import type { SilenceRecord } from '../fold/silence.ts';
import { nextCheckOf, sentenceOf } from '../fold/words.ts';
import { catalogName, signalMeaning } from '../signal-meaning.ts';
import type { ReplicaStatus } from '../status.ts';
import { Store } from '../store/store.ts';
import { type Api, createApi } from './api.ts';
import { explanationLink } from './explanation.ts';
import type { StreamLimits } from './incident-stream.ts';
import type { IncidentView } from './incident-view.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Reader } from './reader.ts';
import type { AppendEntry, ChangeSwitches } from './server.ts';

/** 2026-03-01 10:00:00 UTC. */
export const T0 = 1_772_359_200_000_000;

export const silent: Logger = pino({ level: 'silent' });

/** A database on disk that a test writes as the replica would, and a reader of it. */
export class TestDatabase {
  readonly reader: Reader;
  readonly #directory = mkdtempSync(join(tmpdir(), 'netfall-api-'));
  readonly #store: Store;
  readonly #hosts = new Map<string, HostRecord>();
  readonly #incidents = new Map<string, IncidentRecord>();
  readonly #crashes = new Map<string, StoredCrash>();
  readonly #notifications = new Map<string, Notification>();
  readonly #changes = new Map<string, ChangeRecord>();
  readonly #silences = new Map<string, SilenceRecord>();
  #sequence = 0;
  #switches: SwitchesRecord = { sequence: 0, by: '', switches: [] };
  #forgotten: ForgottenHosts = { hosts: 0, messages_lost: 0, losses: [] };

  constructor() {
    const path = join(this.#directory, 'replica.db');
    this.#store = new Store(path);
    this.#write(0);
    this.reader = new Reader(path);
  }

  /** Adds or replaces rows and tells the reader, as the replica does. Returns the sequence. */
  commit(
    rows: {
      readonly hosts?: readonly HostRecord[];
      readonly incidents?: readonly TestIncident[];
      readonly crashes?: readonly StoredCrash[];
      readonly notifications?: readonly Notification[];
      readonly changes?: readonly ChangeRecord[];
      readonly silences?: readonly SilenceRecord[];
      readonly liveUs?: number;
      readonly forgotten?: ForgottenHosts;
      readonly switches?: SwitchesRecord;
    },
    sequence: number = this.#sequence + 1,
  ): number {
    const { hosts = [], incidents = [], crashes = [], notifications = [] } = rows;
    const { changes = [], silences = [], liveUs = 0, forgotten, switches } = rows;
    this.#forgotten = forgotten ?? this.#forgotten;
    this.#switches = switches ?? this.#switches;
    this.#sequence = sequence;
    for (const host of hosts) this.#hosts.set(host.id, host);
    for (const incident of incidents)
      this.#incidents.set(incident.id, {
        ...incident,
        due_us: 0,
        notified: true,
        escalated: [],
        owed: [],
        returns: 0,
        crashes: [],
      });
    for (const crash of crashes) this.#crashes.set(crash.id, crash);
    for (const notification of notifications) this.#notifications.set(notification.id, notification);
    for (const change of changes) this.#changes.set(change.id, change);
    for (const silence of silences) this.#silences.set(silence.id, silence);
    this.#write(liveUs);
    this.reader.changed({
      sequence,
      incidents: incidents.map(({ id }) => id),
      notifications: notifications.map(({ id }) => id),
    });
    return sequence;
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.#store.close();
    rmSync(this.#directory, { recursive: true });
  }

  #write(liveUs: number): void {
    const global: GlobalRecord = {
      fold_version: 1,
      sequence: this.#sequence,
      now_us: T0,
      live_us: liveUs,
      outages_us: 0,
      stamp_us: T0,
      epoch: null,
      claim: { holder: '', until_us: 0 },
      switches: this.#switches,
      entries: this.#sequence,
      rejected: {},
      forgotten: this.#forgotten,
    };
    const rows = {
      global,
      hosts: this.#hosts.values(),
      incidents: this.#incidents.values(),
      crashes: this.#crashes.values(),
      notifications: this.#notifications.values(),
      changes: this.#changes.values(),
      silences: this.#silences.values(),
    };
    const checkpoint = { identity: 'test', sequence: this.#sequence, entryDigest: '', foldVersion: 1 };
    this.#store.replace(rows, checkpoint);
  }
}

type TestIncident = Omit<IncidentView, 'meaning' | 'explain' | 'sentence' | 'next_check'>;

export function anIncident(part: Partial<TestIncident> = {}): TestIncident {
  return {
    id: 'i100-0',
    fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv',
    version: 1,
    state: 'firing',
    severity: 'warning',
    title: 'web-1 drops NO_SOCKET in __udp4_lib_rcv',
    signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
    symptoms: [],
    started_us: T0,
    detected_us: T0 + 4_000_000,
    last_us: T0 + 4_000_000,
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
        crashes: 0,
      },
    ],
    hosts_total: 1,
    fleet: 1,
    explanation: null,
    unexplained: { total: 0, hosts: [] },
    changes: [],
    rollout: null,
    loops: [],
    cause: null,
    consequences: [],
    acknowledged: null,
    suppressed: null,
    regression_of: '',
    merged_into: '',
    late: { reports: 0, events: 0 },
    runbook: '',
    samples: [],
    audit: [{ at_us: T0 + 4_000_000, event: 'fired', by: '', detail: 'by web-1' }],
    ...part,
  };
}

/** A datagram over IPv4 that web-1 dropped. */
export function anIncidentSample(part: Partial<IncidentSample> = {}): IncidentSample {
  const ends = { source: '10.1.2.3', source_port: 51_514, destination: '10.9.0.4', destination_port: 8125 };
  return {
    host_id: 'web-1',
    hostname: 'web-1',
    at_us: T0 + 4_000_000,
    interface: 'eth0',
    namespace: 'pod shop/web-1',
    length: 70,
    flows: [{ ...ends, protocol: 'UDP', detail: '', vlans: [], tunnel_id: 0 }],
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

/** A panic that a relay heard by netconsole, and of which it has reported. */
export function aCrash(head: Partial<Head> = {}, ...records: Partial<StoredRecord>[]): StoredCrash {
  const crashed = {
    host_id: 'web-1',
    hostname: 'web-1',
    kernel: '6.1.0-18-amd64',
    hardware: 'QEMU Standard PC',
  };
  const heard: StoredRecord = {
    host_id: 'relay',
    hostname: 'relay',
    record: 'netconsole-1',
    source: 'netconsole',
    sender: '10.0.0.7',
    known_us: T0 + 1_000_000,
    reported_us: T0 + 30_000_000,
    first_us: T0,
    last_us: T0 + 2_000_000,
    kernel: '6.1.0-18-amd64',
    boot_id: '',
    hardware: 'QEMU Standard PC, BIOS 1.16',
    kind: 'panic',
    line: 'Kernel panic - not syncing: sysrq triggered crash',
    uptime_us: 100_000_000,
    last_uptime_us: 101_000_000,
    revision: 1,
    digest: 'a'.repeat(64),
    bytes: 4000,
    complete: false,
    holes: [{ at: 1024, bytes: 300, exact: true }],
    unlisted_holes: 0,
    wrap_at: 0,
    parts: 40,
    duplicates: 2,
    lost_messages: 3,
    parser_version: 0,
    reading: null,
    crashed,
    holders: ['web-1'],
  };
  const all = records.length === 0 ? [{}] : records;
  return crashOf(
    { id: 'c100-0', version: 1, merged: [], unlisted_records: 0, ...head },
    all.map((part) => ({ ...heard, ...part })),
  );
}

/** What a parser read off the log of aCrash(), of the bug that the nth signature names. */
export function aReading(n: number, part: Partial<CrashReading> = {}): CrashReading {
  const frame = { offset: 16, module: '', reliable: true, inline: false, passed: '' };
  return {
    ...{ title: `kernel BUG in f${n}`, alternates: [], type: 'bug', bug: `bug in f${n}`, corrupted: '' },
    ...{ signature: signatureFor(n), place: `f${n}` },
    frames: ['reported', `f${n}`, 'caller', 'main'].map((name) => ({ ...frame, function: name })),
    ...{ unlisted_frames: 0, guilty: 1, process: 'sh', pid: 77, cpu: 0, taint: 'GW' },
    ...{ modules: ['nvme'], unlisted_modules: 0 },
    ...part,
  };
}

export const signatureFor = (n: number): string => `1:${String(n).padStart(16, '0')}`;

/** The same as the API shows it. */
export function aShownIncident(part: Partial<TestIncident> = {}): IncidentView {
  const incident = anIncident(part);
  return {
    ...incident,
    meaning: signalMeaning(incident.signal),
    explain: explanationLink(catalogName(incident.signal)),
    sentence: sentenceOf(incident),
    next_check: nextCheckOf(incident),
  };
}

export function aHost(id: string, part: Partial<HostFacts & HostState> = {}): HostRecord {
  const { facts, state } = newHost(id, T0);
  const pick = <T extends object>(from: T): T =>
    Object.fromEntries(
      Object.entries(from).map(([key, value]) => [key, Reflect.get(part, key) ?? value]),
    ) as T;
  return { id, facts: pick(facts), state: pick(state) };
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
  configDiffers: false,
  leader: true,
  claimHolder: 'c1-a',
  commits: 30,
};

export interface TestApi {
  readonly api: Api;
  readonly database: TestDatabase;
  readonly metrics: Metrics;
  /** Of a real log. */
  readonly evidence: Blobs;
  /** Replaces parts of the replica's status. */
  setStatus(part: Partial<ReplicaStatus>): void;
  /** The body of a GET, as JSON. */
  get(
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown; headers: Headers }>;
  /** The body of the answer to a PUT. */
  put(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown; headers: Headers }>;
  /** The same of another method; without a body where it is undefined. */
  send(
    method: 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown; headers: Headers }>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestApiOptions {
  readonly streamLimits?: StreamLimits;
  readonly changeSwitches?: ChangeSwitches;
  readonly append?: AppendEntry;
  readonly operatorToken?: string;
  /** Instead of what the log has. */
  readonly evidence?: Pick<Blobs, 'get'>;
  readonly clock?: Clock;
}

/** A real server on a free port of the loopback interface. */
export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const database = new TestDatabase();
  const log = openEmbeddedLog({ dir: ':memory:' });
  let status = aStatus;
  const metrics = createMetrics({ reader: database.reader, sinks: ['ops'], status: () => status });
  const api = await createApi({
    reader: database.reader,
    evidence: log.evidence,
    metrics,
    status: () => status,
    logger: silent,
    listen: '127.0.0.1:0',
    changeSwitches: async () => true,
    append: async () => 1,
    ...options,
  });
  return {
    api,
    database,
    metrics,
    evidence: log.evidence,
    setStatus: (part) => {
      status = { ...status, ...part };
    },
    get: (path, headers = {}) => ask(api.url + path, { headers }),
    put: (path, body, headers = {}) =>
      ask(api.url + path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    send: (method, path, body, headers = {}) =>
      ask(api.url + path, {
        method,
        ...(body === undefined
          ? { headers }
          : {
              headers: { 'content-type': 'application/json', ...headers },
              body: JSON.stringify(body),
            }),
      }),
    [Symbol.asyncDispose]: async () => {
      await api.close();
      await log.close();
      database[Symbol.dispose]();
    },
  };
}

async function ask(url: string, init: RequestInit) {
  const response = await fetch(url, init);
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    body: json ? (JSON.parse(text) as unknown) : text,
  };
}
