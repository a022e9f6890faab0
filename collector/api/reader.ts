/**
 * The replica's database as the API and the notifier see it: one read-only connection, prepared statements, bounded
 * pages. Knows the rows' shapes (store/migrations) and the records in them; never writes, and knows nothing of HTTP.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { HostRecord } from '../fold/host.ts';
import { hostView } from '../fold/host-view.ts';
import { type IncidentRecord, isOpen } from '../fold/incident.ts';
import type { HostView, IncidentState, Notification } from '../fold/model.ts';
import type { ForgottenHosts, GlobalRecord, SwitchesRecord } from '../fold/rows.ts';
import { unpackHost } from '../store/host-row.ts';
import { CrashReader } from './crash-reader.ts';
import { Fleet, type FleetTotals } from './fleet.ts';
import { type IncidentView, incidentView } from './incident-view.ts';
import { RegisterReader } from './register-reader.ts';
import { type Page, takePage } from './rows-page.ts';

/** What one commit of the replica changed: the ids of the rows that it wrote. */
export interface Commit {
  /** The log sequence that the database is current as of. */
  readonly sequence: number;
  readonly incidents: readonly string[];
  readonly notifications: readonly string[];
  /** The rows are those of another state altogether: what was known of them before says nothing. */
  readonly replaced?: true;
}

/** A place in the list of incidents: open ones first, each by time of detection, newest first, then by id. */
export interface IncidentPosition {
  readonly isOpen: boolean;
  readonly detectedUs: number;
  readonly id: string;
}

export interface IncidentQuery {
  /** Only these states; all when absent. */
  readonly states?: readonly IncidentState[];
  /** Only incidents that list this host. */
  readonly host?: string;
  /** Only incidents detected at or after this log time. */
  readonly sinceUs?: number;
  readonly limit: number;
  readonly after?: IncidentPosition;
}

export interface HostQuery {
  readonly status?: HostView['status'];
  readonly limit: number;
  /** The id of the last host of the page before. */
  readonly after?: string;
}

/** What the notifier goes by; the whole notification is read when its turn comes. */
export interface PendingNotification {
  readonly id: string;
  readonly incidentId: string;
  readonly createdUs: number;
  /** The sinks that have not taken it yet. */
  readonly sinks: readonly string[];
}

export class Reader {
  readonly crashes: CrashReader;
  readonly registers: RegisterReader;
  readonly #database: DatabaseSync;
  readonly #listeners = new Set<(commit: Commit) => void>();
  readonly #fleet = new Fleet(this);
  readonly #checkpoint: StatementSync;
  readonly #incident: StatementSync;
  readonly #incidents: StatementSync;
  readonly #incidentStates: StatementSync;
  readonly #host: StatementSync;
  readonly #hosts: StatementSync;
  readonly #notification: StatementSync;
  readonly #pending: StatementSync;
  readonly #pendingCount: StatementSync;

  /** Opens the database, which must exist. Throws an Error that names the path. */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path, { readOnly: true, timeout: 1000 });
      const prepare = (sql: string) => this.#database.prepare(sql);
      this.#checkpoint = prepare('SELECT sequence, value FROM checkpoint WHERE only = 1');
      this.#incident = prepare('SELECT value FROM incident WHERE id = ?');
      this.#incidents = prepare(
        `SELECT id, detected_us, value FROM incident
         WHERE detected_us >= :since AND detected_us <= :detected AND (detected_us < :detected OR id > :id)
           AND (state NOT IN ('resolved', 'closed', 'merged')) = :open
           AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
         ORDER BY detected_us DESC, id`,
      );
      this.#incidentStates = prepare('SELECT state, count(*) AS count FROM incident GROUP BY state');
      this.crashes = new CrashReader(this.#database);
      this.registers = new RegisterReader(this.#database, () => this.#global()?.now_us ?? 0);
      this.#host = prepare('SELECT * FROM host WHERE id = ?');
      this.#hosts = prepare('SELECT * FROM host WHERE id > ? ORDER BY id');
      this.#notification = prepare('SELECT value FROM notification WHERE id = ?');
      this.#pending = prepare(
        `SELECT id, created_us, json_extract(value, '$.incident_id') AS incident_id,
           json_extract(value, '$.deliveries') AS deliveries
         FROM notification WHERE pending = 1 ORDER BY created_us, id`,
      );
      this.#pendingCount = prepare('SELECT count(*) AS count FROM notification WHERE pending = 1');
    } catch (error) {
      throw new Error(
        `cannot read the database ${path} (${(error as Error).message}): the replica must have created it first`,
        { cause: error },
      );
    }
  }

  /** The log sequence that the database is current as of; 0 before the first commit. */
  sequence(): number {
    return Number(this.#checkpoint.get()?.['sequence'] ?? 0);
  }

  listIncidents(query: IncidentQuery): Page<IncidentView, IncidentPosition> {
    const { host } = query;
    return takePage(this.#incidentRows(query), query.limit, (text, row) => {
      const incident = incidentView(JSON.parse(text) as IncidentRecord);
      const position = {
        isOpen: isOpen(incident),
        detectedUs: Number(row['detected_us']),
        id: String(row['id']),
      };
      const wanted = host === undefined || incident.hosts.some(({ host_id }) => host_id === host);
      return { position, item: wanted ? incident : null };
    });
  }

  *#incidentRows({ sinceUs = 0, states, after }: IncidentQuery): Iterable<Record<string, unknown>> {
    const query = { since: sinceUs, states: states ? JSON.stringify(states) : null };
    const from = { detected: after?.detectedUs ?? Number.MAX_SAFE_INTEGER, id: after?.id ?? '' };
    const start = { detected: Number.MAX_SAFE_INTEGER, id: '' };
    if (after?.isOpen !== false) yield* this.#incidents.iterate({ ...query, ...from, open: 1 });
    yield* this.#incidents.iterate({ ...query, ...(after?.isOpen === false ? from : start), open: 0 });
  }

  getIncident(id: string): IncidentView | null {
    const value = this.#incident.get(id)?.['value'];
    return typeof value === 'string' ? incidentView(JSON.parse(value) as IncidentRecord) : null;
  }

  /** How many incidents there are in each state. */
  countIncidents(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#incidentStates.all().map(({ state, count }) => [String(state), Number(count)]),
    );
  }

  /** Hosts by id. */
  listHosts(query: HostQuery): Page<HostView, string> {
    const liveUs = this.#liveUs();
    return takePage(this.#hosts.iterate(query.after ?? ''), query.limit, (_, row) => {
      const host = hostView(unpackHost(row), liveUs);
      const wanted = query.status === undefined || host.status === query.status;
      return { position: host.host_id, item: wanted ? host : null };
    });
  }

  /** The same as the fold has them. */
  listHostRecords(query: { readonly limit: number; readonly after?: string }): Page<HostRecord, string> {
    return takePage(this.#hosts.iterate(query.after ?? ''), query.limit, (_, row) => {
      const record = unpackHost(row);
      return { position: record.id, item: record };
    });
  }

  getHost(id: string): HostView | null {
    const row = this.#host.get(id);
    return row ? hostView(unpackHost(row), this.#liveUs()) : null;
  }

  /** What hosts that are listed no more had lost. */
  forgottenHosts(): ForgottenHosts {
    return this.#global()?.forgotten ?? { hosts: 0, messages_lost: 0, losses: [] };
  }

  /** What operators have switched off. */
  switches(): SwitchesRecord {
    return this.#global()?.switches ?? { sequence: 0, by: '', switches: [] };
  }

  /** What waits to be delivered, oldest first. */
  pendingNotifications(): PendingNotification[] {
    return this.#pending.all().map((row) => ({
      id: String(row['id']),
      incidentId: String(row['incident_id']),
      createdUs: Number(row['created_us']),
      sinks: (JSON.parse(String(row['deliveries'])) as Notification['deliveries'])
        .filter(({ state }) => state === 'pending')
        .map(({ sink }) => sink),
    }));
  }

  /** Totals over all hosts, up to a few seconds old in a large fleet. */
  fleetTotals(): Promise<FleetTotals> {
    return this.#fleet.totals();
  }

  countPendingNotifications(): number {
    return Number(this.#pendingCount.get()?.['count'] ?? 0);
  }

  getNotification(id: string): Notification | null {
    const value = this.#notification.get(id)?.['value'];
    return typeof value === 'string' ? (JSON.parse(value) as Notification) : null;
  }

  /** The replica calls this after each commit that others can see. */
  changed(commit: Commit): void {
    for (const listener of this.#listeners) listener(commit);
  }

  /** The replica calls this when it went over to other rows than it had: a snapshot, or an empty state. */
  replaced(): void {
    const commit = { sequence: this.sequence(), incidents: [], notifications: [], replaced: true } as const;
    for (const listener of this.#listeners) listener(commit);
  }

  /** Calls `listener` after each commit; returns what ends it. */
  onChange(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /** The fold's live time, by which it tells a conflict that goes on from one that is over. */
  #liveUs(): number {
    return this.#global()?.live_us ?? 0;
  }

  #global(): GlobalRecord | null {
    const value = this.#checkpoint.get()?.['value'];
    return typeof value === 'string' ? (JSON.parse(value) as GlobalRecord) : null;
  }
}
