/**
 * The record of one incident, and the small steps that change it. Pure functions: when a step is due, and who hears of
 * it, is incidents.ts's business.
 */
import type { DropSample } from '@netfall/proto';
import { plus } from './count.ts';
import type { Moment } from './log-time.ts';
import type { AuditEntry, DropSignal, Incident, IncidentHost, IncidentSample, Severity } from './model.ts';

/** Steps of the audit trail that are kept. */
const MOST_AUDIT = 100;

/** The stored form: what is shown, and what the fold goes by. */
export interface IncidentRecord extends Incident {
  /** When the next step is due in live time; 0 when none is. */
  readonly due_us: number;
  /** Affected hosts beyond those that are listed. */
  readonly unlisted: number;
  /** By host, one of each. Not part of what notifications carry: addresses are for those who may ask. */
  readonly samples: readonly IncidentSample[];
}

/** What a signal did on a host. */
export interface HostSignal {
  readonly hostId: string;
  readonly hostname: string;
  readonly signal: DropSignal;
  readonly severity: Severity;
  readonly events: number;
  readonly peakRate: number;
  readonly baselineRate: number;
  /** When it began, and when there was trouble last, log time. */
  readonly sinceUs: number;
  readonly lastUs: number;
  /** One of the packets that were dropped, if the host sent one. */
  readonly sample: DropSample | null;
}

/** An incident as it is told: without what is the fold's own, and without samples. */
export function shown(record: IncidentRecord): Incident {
  const { due_us: _due, unlisted: _unlisted, samples: _samples, ...incident } = record;
  return incident;
}

/** Whether its trouble may go on. */
export function isOpen({ state }: Incident): boolean {
  return state !== 'resolved' && state !== 'closed';
}

/** The order in which incidents opened, or crashes were noticed: by sequence, then by turn. */
export function order(a: { readonly id: string }, b: { readonly id: string }): number {
  const [aSequence = 0, aTurn = 0] = a.id.slice(1).split('-').map(Number);
  const [bSequence = 0, bTurn = 0] = b.id.slice(1).split('-').map(Number);
  return aSequence - bSequence || aTurn - bTurn;
}

/** A host that becomes affected. */
export function asHost(from: HostSignal): IncidentHost {
  return {
    host_id: from.hostId,
    hostname: from.hostname,
    first_us: from.sinceUs,
    last_us: from.lastUs,
    active: true,
    events: from.events,
    peak_rate: from.peakRate,
    baseline_rate: from.baselineRate,
  };
}

/** A host whose trouble goes on. */
export function refreshed(host: IncidentHost, from: HostSignal): IncidentHost {
  return {
    ...host,
    last_us: from.lastUs,
    events: Math.max(host.events, from.events),
    peak_rate: Math.max(host.peak_rate, from.peakRate),
  };
}

/** A host whose trouble came back within the incident: the spells' events add up. */
export function rejoined(host: IncidentHost, from: HostSignal): IncidentHost {
  return {
    ...host,
    last_us: from.lastUs,
    active: true,
    events: plus(host.events, from.events),
    peak_rate: Math.max(host.peak_rate, from.peakRate),
  };
}

/** The audit trail with one step more; bounded. */
export function audited(
  incident: Incident,
  moment: Moment,
  event: string,
  detail: string,
): readonly AuditEntry[] {
  const audit = [...incident.audit, { at_us: moment.nowUs, event, detail }];
  // The beginning tells how it started; of the rest the newest matter.
  return audit.length > MOST_AUDIT ? [...audit.slice(0, 10), ...audit.slice(11)] : audit;
}

/** One sentence: what, where. `hostnames` are of the hosts that are listed. */
export function title(from: HostSignal, hostnames: readonly string[], total: number): string {
  const { reason, function: fn } = from.signal;
  const where = total === 1 ? hostnames[0] : `${total} hosts`;
  return `${where} ${total === 1 ? 'drops' : 'drop'} ${reason}${fn === '' ? '' : ` in ${fn}`}`;
}
