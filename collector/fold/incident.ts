/**
 * The record of one incident, and the small steps that change it. Pure functions: when a step is due, and who hears of
 * it, is incidents.ts's business.
 */
import { type Active, classKey, type SignalClass } from './classes.ts';
import { plus } from './count.ts';
import type { Spell } from './detect.ts';
import { type HostRecord, hostname } from './host.ts';
import type { Moment } from './log-time.ts';
import type {
  AuditEntry,
  Incident,
  IncidentHost,
  IncidentSample,
  Severity,
  Signal,
  Symptom,
} from './model.ts';
import { titleOf } from './words.ts';

/** Steps of the audit trail that are kept. */
const MOST_AUDIT = 100;
/** Kinds of trouble that one incident lists. */
export const MOST_SYMPTOMS = 32;

/** The stored form: what is shown, and what the fold goes by. */
export interface IncidentRecord extends Incident {
  /** When the next step is due in live time; 0 when none is. */
  readonly due_us: number;
  /** Whether somebody was to be told that it fires. */
  readonly notified: boolean;
  /** Why somebody was told that it became worse, and why somebody still has to be. */
  readonly escalated: readonly string[];
  readonly owed: readonly string[];
  /** How often its trouble came back soon after it was over: each time it has to be over for twice as long. */
  readonly returns: number;
  /** By host, one of each. Not part of what notifications carry: addresses are for those who may ask. */
  readonly samples: readonly IncidentSample[];
  /** Crashes that it is of, the newest ones, by their time. */
  readonly crashes: readonly CrashRef[];
}

/** A crash as its incident knows it. */
export interface CrashRef {
  readonly id: string;
  /** Empty while it is not known. */
  readonly host_id: string;
  readonly at_us: number;
  /** Nobody has read its log yet: it is of this incident as far as its first line tells. */
  readonly provisional: boolean;
}

/** What an incident begins with. */
export interface Opening {
  readonly fingerprint: string;
  readonly signal: Signal;
  readonly severity: Severity;
  readonly fleet: number;
  readonly runbook: string;
}

/** An incident as it is told: without what is the fold's own, and without samples. */
export function shown(record: IncidentRecord): Incident {
  const {
    due_us: _due,
    notified: _notified,
    escalated: _escalated,
    owed: _owed,
    returns: _returns,
    samples: _samples,
    crashes: _crashes,
    ...incident
  } = record;
  return incident;
}

/** Whether its trouble may go on. */
export function isOpen({ state }: Incident): boolean {
  return state !== 'resolved' && state !== 'closed' && state !== 'merged';
}

/** The order in which incidents opened, or crashes were noticed: by sequence, then by turn. */
export function order(a: { readonly id: string }, b: { readonly id: string }): number {
  const [aSequence = 0, aTurn = 0] = a.id.slice(1).split('-').map(Number);
  const [bSequence = 0, bTurn = 0] = b.id.slice(1).split('-').map(Number);
  return aSequence - bSequence || aTurn - bTurn;
}

/** A new incident, a candidate without hosts. */
export function newIncident(id: string, opening: Opening, moment: Moment): IncidentRecord {
  const { fingerprint, signal, severity, fleet, runbook } = opening;
  return {
    ...{
      id,
      fingerprint,
      version: 1,
      state: 'candidate' as const,
      severity,
      title: '',
      signal,
      symptoms: [],
    },
    ...{ started_us: moment.nowUs, detected_us: 0, last_us: 0, resolved_us: 0 },
    ...{ hosts: [], hosts_total: 0, fleet, explanation: null, unexplained: { total: 0, hosts: [] } },
    ...{ changes: [], rollout: null, loops: [], cause: null, consequences: [] },
    ...{ acknowledged: null, suppressed: null, regression_of: '', merged_into: '' },
    ...{ late: { reports: 0, events: 0 }, runbook, audit: [] },
    ...{ due_us: 0, notified: false, escalated: [], owed: [], returns: 0, samples: [], crashes: [] },
  };
}

/** The incident with another title, where its title is another one by now. */
export function retitled(record: IncidentRecord): IncidentRecord {
  const title = titleOf(record);
  return title === record.title ? record : { ...record, title };
}

/** The incident with a host that becomes affected by a class of trouble, listed while there is room. */
export function withHost(
  record: IncidentRecord,
  of: SignalClass,
  active: Active,
  mostHosts: number,
): IncidentRecord {
  const { host, spell } = active;
  const known = record.hosts.find(({ host_id }) => host_id === host.id);
  let { hosts } = record;
  if (known) hosts = hosts.map((one) => (one === known ? joined(one, spell) : one));
  else if (hosts.length < mostHosts) hosts = insert(hosts, asHost(host, spell));
  const counts = known ? 0 : 1;
  return {
    ...record,
    hosts,
    hosts_total: record.hosts_total + counts,
    symptoms: withSymptom(record.symptoms, of, spell, counts),
    severity: graver(record.severity, of.severity),
    started_us: Math.min(record.started_us, spell.since_us),
    last_us: Math.max(record.last_us, spell.last_us),
  };
}

/**
 * A candidate, which is of one class, without some hosts: as if it had never had them, since what is made of it later began
 * with those that are left.
 * @param total how many are left, listed or not
 */
export function withoutHosts(
  record: IncidentRecord,
  isGone: (hostId: string) => boolean,
  total: number,
): IncidentRecord {
  const hosts = record.hosts.filter(({ host_id }) => !isGone(host_id));
  const samples = record.samples.filter(({ host_id }) => !isGone(host_id));
  const started_us = hosts.reduce(
    (first, { first_us }) => Math.min(first, first_us),
    Number.MAX_SAFE_INTEGER,
  );
  const [signal] = record.symptoms;
  if (hosts.length === 0 || !signal) return { ...record, hosts, hosts_total: total, samples };
  const symptoms = [{ ...signal, first_us: started_us, hosts_total: total }];
  return { ...record, hosts, hosts_total: total, samples, symptoms, started_us };
}

/**
 * An incident that hosts joined for trouble of a class which began then, however early a few of them had it.
 * @param before as it was without them; null where it had no trouble yet
 */
export function begun(
  record: IncidentRecord,
  before: IncidentRecord | null,
  key: string,
  sinceUs: number,
): IncidentRecord {
  const ofClass = ({ signal }: Symptom) => classKey(signal) === key;
  const known = before?.symptoms.find(ofClass)?.first_us ?? sinceUs;
  const symptoms = record.symptoms.map((symptom) => {
    return ofClass(symptom) ? { ...symptom, first_us: Math.min(known, sinceUs) } : symptom;
  });
  return { ...record, symptoms, started_us: Math.min(before?.started_us ?? sinceUs, sinceUs) };
}

function insert(hosts: readonly IncidentHost[], host: IncidentHost): readonly IncidentHost[] {
  return [...hosts, host].sort((a, b) => (a.host_id < b.host_id ? -1 : 1));
}

function withSymptom(
  symptoms: readonly Symptom[],
  { signal, severity, key }: SignalClass,
  spell: Spell,
  counts: number,
): readonly Symptom[] {
  if (symptoms.some((symptom) => classKey(symptom.signal) === key)) {
    return symptoms.map((symptom) => {
      if (classKey(symptom.signal) !== key) return symptom;
      const first_us = Math.min(symptom.first_us, spell.since_us);
      return { ...symptom, first_us, hosts_total: symptom.hosts_total + counts };
    });
  }
  if (symptoms.length >= MOST_SYMPTOMS) return symptoms;
  return [...symptoms, { signal, severity, first_us: spell.since_us, hosts_total: 1 }];
}

function graver(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) < SEVERITIES.indexOf(b) ? b : a;
}

const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical'];

/** A host that becomes affected. */
function asHost(host: HostRecord, spell: Spell): IncidentHost {
  return {
    host_id: host.id,
    hostname: hostname(host),
    first_us: spell.since_us,
    last_us: spell.last_us,
    active: true,
    events: spell.events,
    peak_rate: spell.peak_rate,
    baseline_rate: spell.baseline_rate,
    crashes: 0,
  };
}

/** A host that becomes affected by another symptom, or again: the spells' events add up. */
function joined(host: IncidentHost, spell: Spell): IncidentHost {
  if (host.active) return refreshed(host, spell);
  return { ...refreshed(host, spell), active: true, events: plus(host.events, spell.events) };
}

/** A host whose trouble goes on: the numbers are of the symptom that has most. */
export function refreshed(host: IncidentHost, spell: Spell): IncidentHost {
  return {
    ...host,
    last_us: Math.max(host.last_us, spell.last_us),
    events: Math.max(host.events, spell.events),
    peak_rate: Math.max(host.peak_rate, spell.peak_rate),
  };
}

/** The audit trail with one step more; bounded. `by` is whoever did it; empty for what happened by itself. */
export function audited(
  { audit: before }: Incident,
  { nowUs }: Moment,
  event: string,
  detail = '',
  by = '',
): readonly AuditEntry[] {
  const audit = [...before, { at_us: nowUs, event, by, detail }];
  // The beginning tells how it started; of the rest the newest matter.
  return audit.length > MOST_AUDIT ? [...audit.slice(0, 10), ...audit.slice(11)] : audit;
}
