/**
 * Rows of the version before this one, as this version has them. Pure; the same on every replica. Rows that are older are
 * migrated by the releases between, one after the other.
 */
import { canonicalJson, INITIAL_CONFIG } from './config.ts';
import type { SignalRecord, Spell } from './detect.ts';
import type { HostRecord } from './host.ts';
import { type IncidentRecord, newIncident, shown } from './incident.ts';
import type { AuditEntry, DropSignal, Incident, IncidentHost, Notification } from './model.ts';
import type { EpochRecord, Rows } from './rows.ts';
import { FOLD_VERSION } from './rules.ts';

/** An incident of version 4: one a signal of drops, whatever its hosts have in common. */
type Incident4 = Pick<
  Incident,
  | 'id'
  | 'version'
  | 'state'
  | 'severity'
  | 'title'
  | 'started_us'
  | 'detected_us'
  | 'last_us'
  | 'resolved_us'
  | 'hosts_total'
  | 'regression_of'
> & {
  readonly fingerprint: string;
  readonly signal: DropSignal;
  readonly hosts: readonly Omit<IncidentHost, 'crashes'>[];
  readonly audit: readonly Omit<AuditEntry, 'by'>[];
};
type Record4 = Incident4 & Pick<IncidentRecord, 'due_us' | 'samples'>;
type Host4 = Omit<HostRecord, 'facts' | 'state'> & {
  readonly facts: Omit<HostRecord['facts'], 'changed'>;
  readonly state: Omit<
    HostRecord['state'],
    'inventory_seq' | 'jitter_us' | 'back_us' | 'silence' | 'signals'
  > & {
    readonly signals: readonly Signal4[];
  };
};
type Signal4 = Omit<SignalRecord, 'kind' | 'habit_us' | 'spell'> & {
  readonly spell: Omit<Spell, 'incident' | 'towards' | 'sample'> | null;
};

/** The rows that version `from` left, or null when this release does not know them. */
export function migrateRows(rows: Rows, from: number): Rows | null {
  if (from !== 4) return null;
  const old = Array.from(rows.incidents, (record) => record as unknown as Record4);
  const open = new Map(
    old
      .filter(({ state }) => state !== 'resolved' && state !== 'closed')
      .map(({ fingerprint, id }) => [fingerprint, id]),
  );
  return {
    global: {
      ...rows.global,
      fold_version: FOLD_VERSION,
      epoch: rows.global.epoch && withCorrelation(rows.global.epoch),
    },
    hosts: Array.from(rows.hosts, (host) => hostOf(host as unknown as Host4, open)),
    incidents: old.map(recordOf),
    crashes: rows.crashes,
    notifications: Array.from(rows.notifications, (notification): Notification => {
      return { ...notification, incident: incidentOf(notification.incident as unknown as Incident4) };
    }),
    changes: [],
    silences: [],
  };
}

function incidentOf(incident: Incident4): Incident {
  return shown(recordOf({ ...incident, due_us: 0, samples: [] }));
}

function recordOf({ hosts, audit, due_us, samples, ...incident }: Record4): IncidentRecord {
  const { id, signal, severity, started_us, hosts_total, fingerprint } = incident;
  const moment = { sequence: 0, nowUs: started_us, liveUs: 0, stampUs: 0 };
  const opening = {
    fingerprint: `${fingerprint}@scattered`,
    state: 'firing',
    signal,
    severity,
    fleet: 0,
    runbook: '',
  } as const;
  return {
    ...newIncident(id, opening, moment),
    ...incident,
    fingerprint: opening.fingerprint,
    symptoms: [{ signal, severity, first_us: started_us, hosts_total }],
    hosts: hosts.map((host) => ({ ...host, crashes: 0 })),
    audit: audit.map(({ at_us, event, detail }) => ({ at_us, event, by: '', detail })),
    due_us,
    notified: true,
    samples,
  };
}

/** @param open the incidents that go on, by fingerprint */
function hostOf({ id, facts, state }: Host4, open: ReadonlyMap<string, string>): HostRecord {
  const signals = state.signals.map(({ spell, ...signal }): SignalRecord => {
    const incident = spell?.affected ? open.get(`drop/${signal.reason}/${signal.function}`) : undefined;
    return {
      kind: 'drop',
      ...signal,
      habit_us: 0,
      spell: spell && { ...spell, incident: incident ?? '', towards: [], sample: null },
    };
  });
  return {
    id,
    facts: { ...facts, changed: {} },
    state: { ...state, inventory_seq: 0, jitter_us: 0, back_us: 0, silence: null, signals },
  };
}

/** An epoch's configuration is complete, and theirs said nothing of correlation. */
function withCorrelation(epoch: EpochRecord): EpochRecord {
  const { correlate, incident } = INITIAL_CONFIG;
  const config = JSON.parse(epoch.config);
  const { crash_quiet_s, runbook } = incident;
  return {
    ...epoch,
    config: canonicalJson({ ...config, correlate, incident: { ...config.incident, crash_quiet_s, runbook } }),
  };
}
