/**
 * What the collector says of itself to Prometheus. Gauges are read when they are asked for; what happens between is
 * counted where it happens, through the methods here. Series whose labels are known beforehand are there from the start,
 * at zero: an alert on growth sees the first event too. Knows nothing of HTTP.
 */
import { readFileSync } from 'node:fs';
import { crashTypes } from '@netfall/crash';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RejectReason } from '../fold/rows.ts';
import type { NotifierMetrics } from '../notify/lane.ts';
import type { SendResult } from '../notify/sink.ts';
import type { ReplicaStatus } from '../status.ts';
import { INCIDENT_STATES } from './incident-schemas.ts';
import type { Reader } from './reader.ts';
import { HOST_STATUSES } from './schemas.ts';

/** Why a stream of events was ended or refused. */
export type StreamEnd = 'slow' | 'refused';

const STREAM_ENDS: readonly StreamEnd[] = ['slow', 'refused'];
const OUTCOMES: readonly SendResult['outcome'][] = ['delivered', 'retry', 'rejected'];
const SETTLED = ['delivered', 'failed'] as const;
const NO_REJECTIONS: Readonly<Record<RejectReason, number>> = {
  too_large: 0,
  undecodable: 0,
  invalid: 0,
  other_cell: 0,
  too_many_hosts: 0,
  too_many_signals: 0,
  too_many_incidents: 0,
  too_many_crash_records: 0,
  too_many_silences: 0,
};

const NO_CRASHES: Readonly<Record<string, number>> = {
  netoops: 0,
  netconsole: 0,
  pstore: 0,
  kmsg: 0,
  'vmcore-dmesg': 0,
  other: 0,
};

/** Of crashes by type. */
const NO_CRASH_TYPES: Readonly<Record<string, number>> = Object.fromEntries(
  Object.keys(crashTypes).map((type) => [type, 0]),
);

const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

export interface Metrics {
  readonly registry: Registry;
  /** An answered request; `route` is the route's pattern, never the path that was asked for. */
  requestAnswered(method: string, route: string, status: number, seconds: number): void;
  streamsOpen(count: number): void;
  streamEnded(why: StreamEnd): void;
  /** A transaction of the replica's writer. */
  committed(seconds: number): void;
  readonly notifier: NotifierMetrics;
}

export interface MetricsSources {
  readonly reader: Reader;
  /** The names of those who are told. */
  readonly sinks: readonly string[];
  status(): ReplicaStatus;
}

export function createMetrics({ reader, sinks, status }: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const gauge = (name: string, help: string, read: () => number) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const total = (name: string, help: string, read: () => number) => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };

  new Gauge({
    name: 'netfall_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  gauge('netfall_ready', 'Whether this replica has caught up with the log.', () => Number(status().ready));
  gauge('netfall_leader', 'Whether this replica delivers notifications.', () => Number(status().leader));
  gauge(
    'netfall_config_differs',
    'Whether another collector of the cell has another configuration, which is in force.',
    () => Number(status().configDiffers),
  );
  gauge(
    'netfall_fold_sequence',
    'The last entry of the log that is folded and committed.',
    () => status().sequence,
  );
  gauge(
    'netfall_log_last_sequence',
    'The last entry that the log is known to hold.',
    () => status().lastSequence,
  );
  gauge(
    'netfall_log_time_seconds',
    'Log time, seconds since the Unix epoch.',
    () => status().logTimeUs / 1e6,
  );
  gauge(
    'netfall_fold_lag_seconds',
    'How far log time is behind the wall clock.',
    () => status().lagMs / 1000,
  );
  total('netfall_fold_entries_total', 'Entries folded since the log began.', () => status().entries);
  total('netfall_commits_total', "Transactions of the replica's writer.", () => status().commits);
  gauge('netfall_notifications_pending', 'Notifications that a sink has yet to take.', () =>
    reader.countPendingNotifications(),
  );

  new Counter({
    name: 'netfall_fold_rejected_total',
    help: 'Entries of the log, and parts of them, that were not folded, by why.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const counts = { ...NO_REJECTIONS, ...status().rejected };
      for (const [reason, count] of Object.entries(counts)) this.inc({ reason }, count);
    },
  });
  new Gauge({
    name: 'netfall_incidents',
    help: 'Incidents by state.',
    labelNames: ['state'],
    registers,
    collect() {
      const counts = reader.countIncidents();
      for (const state of INCIDENT_STATES) this.set({ state }, counts[state] ?? 0);
    },
  });
  new Gauge({
    name: 'netfall_crashes',
    help: 'Crashes that are kept, by the sources that have something of them: one may count for several.',
    labelNames: ['source'],
    registers,
    collect() {
      const counts: Record<string, number> = { ...NO_CRASHES };
      for (const [source, count] of Object.entries(reader.crashes.countSources())) {
        // Agents name sources themselves.
        const name = Object.hasOwn(NO_CRASHES, source) ? source : 'other';
        counts[name] = (counts[name] ?? 0) + count;
      }
      for (const [source, count] of Object.entries(counts)) this.set({ source }, count);
    },
  });
  new Gauge({
    name: 'netfall_crashes_read',
    help: 'Crashes that are kept and whose log was read, by type.',
    labelNames: ['type'],
    registers,
    collect() {
      const counts: Record<string, number> = { ...NO_CRASH_TYPES };
      for (const [type, count] of Object.entries(reader.crashes.countTypes())) {
        // Of a later release's parser, or an agent's invention.
        const name = Object.hasOwn(NO_CRASH_TYPES, type) ? type : 'other';
        counts[name] = (counts[name] ?? 0) + count;
      }
      for (const [type, count] of Object.entries(counts)) this.set({ type }, count);
    },
  });
  new Gauge({
    name: 'netfall_hosts',
    help: 'Hosts by status.',
    labelNames: ['status'],
    registers,
    async collect() {
      const { hosts } = await reader.fleetTotals();
      for (const state of HOST_STATUSES) this.set({ status: state }, hosts[state]);
    },
  });
  new Counter({
    name: 'netfall_losses_total',
    help: 'What the hosts know they lost, by source and hop.',
    labelNames: ['source', 'hop'],
    registers,
    async collect() {
      const { losses } = await reader.fleetTotals();
      this.reset();
      // Hosts name the other labels themselves. This one is always there, so that the sum is.
      this.inc({ source: 'other', hop: 'other' }, 0);
      for (const { source, hop, count } of losses) this.inc({ source, hop }, count);
    },
  });
  new Counter({
    name: 'netfall_messages_lost_total',
    help: 'Messages that hosts numbered and that never came.',
    registers,
    async collect() {
      const { messagesLost } = await reader.fleetTotals();
      this.reset();
      this.inc(messagesLost);
    },
  });

  const requests = new Histogram({
    name: 'netfall_api_request_seconds',
    help: 'Time to answer a request, by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const streams = new Gauge({ name: 'netfall_api_streams', help: 'Open event streams.', registers });
  const streamEnds = new Counter({
    name: 'netfall_api_streams_ended_total',
    help: 'Event streams that the server ended because the client was slow, or refused because there were too many.',
    labelNames: ['why'],
    registers,
  });
  const commits = new Histogram({
    name: 'netfall_commit_seconds',
    help: "Time that a transaction of the replica's writer took.",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const attempts = new Histogram({
    name: 'netfall_notification_attempt_seconds',
    help: 'Time that a sink took to answer, by sink and what it answered.',
    labelNames: ['sink', 'outcome'],
    buckets: [0.05, 0.2, 0.5, 1, 2, 5, 10],
    registers,
  });
  const settled = new Counter({
    name: 'netfall_notifications_total',
    help: 'Notifications that this replica delivered or gave up, by sink.',
    labelNames: ['sink', 'state'],
    registers,
  });

  for (const why of STREAM_ENDS) streamEnds.inc({ why }, 0);
  for (const sink of sinks) {
    for (const outcome of OUTCOMES) attempts.zero({ sink, outcome });
    for (const state of SETTLED) settled.inc({ sink, state }, 0);
  }

  return {
    registry,
    requestAnswered: (method, route, code, seconds) => {
      requests.observe({ method, route, status: code }, seconds);
    },
    streamsOpen: (count) => streams.set(count),
    streamEnded: (why) => streamEnds.inc({ why }),
    committed: (seconds) => commits.observe(seconds),
    notifier: {
      attempted: (sink, outcome, seconds) => attempts.observe({ sink, outcome }, seconds),
      settled: (sink, state) => settled.inc({ sink, state }),
    },
  };
}
