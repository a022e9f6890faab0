/**
 * What hosts send that could not send for long: history. It is added to the incidents of its own time and makes one digest,
 * which pages nobody. Must not know how lateness is told.
 */
import type { Envelope } from '@netfall/proto';
import { classKey } from './classes.ts';
import type { FoldConfig } from './config.ts';
import { plus } from './count.ts';
import { type HostRecord, hostname } from './host.ts';
import { type IncidentRecord, MOST_SYMPTOMS } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Moment } from './log-time.ts';
import type { DropSignal, IncidentHost, Symptom } from './model.ts';
import type { Rules } from './rules.ts';

/** A backlog is over when nothing of one came for this long. */
const OVER_US = 60_000_000;
const SIGNAL = { kind: 'backlog' } as const;

export interface BacklogOptions {
  readonly incidents: Incidents;
  readonly classify: Rules['classify'];
  /** Hosts in the fleet. */
  readonly fleet: () => number;
}

export class Backlog {
  readonly #options: BacklogOptions;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Takes a message that is late. */
  take(host: HostRecord, envelope: Envelope, moment: Moment, config: FoldConfig): void {
    const { incidents } = this.#options;
    const atUs = Math.max(0, Math.min(moment.nowUs, envelope.observed_us + host.state.offset_us));
    const record = incidents.openWith('backlog')[0] ?? this.#begin(atUs, moment, config);
    if (!record) return;
    let events = 0;
    let { symptoms } = record;
    for (const { drop_report } of envelope.items) {
      for (const drop of drop_report?.drops ?? []) {
        const { alarm, severity } = this.#options.classify(drop.reason, drop.function);
        const seconds = (drop_report?.window_us ?? 1) / 1_000_000;
        if (alarm === 'never' || drop.events < alarm * seconds) continue;
        events = plus(events, drop.events);
        const signal: DropSignal = { kind: 'drop', reason: drop.reason, function: drop.function };
        symptoms = withSymptom(symptoms, { signal, severity, first_us: atUs, hosts_total: 1 });
        this.#amend(signal, host.id, atUs, drop.events);
      }
    }
    const known = record.hosts.find(({ host_id }) => host_id === host.id);
    const isListed = known !== undefined || record.hosts.length < config.incident.max_hosts;
    const others = record.hosts.filter((one) => one !== known);
    const one = withMessage(known ?? newHost(host, atUs), atUs, events);
    incidents.change(record.id, {
      symptoms,
      hosts: isListed ? [...others, one].sort((a, b) => (a.host_id < b.host_id ? -1 : 1)) : record.hosts,
      hosts_total: record.hosts_total + (known ? 0 : 1),
      started_us: Math.min(record.started_us, atUs),
      last_us: Math.max(record.last_us, atUs),
      late: { reports: record.late.reports + 1, events: plus(record.late.events, events) },
      due_us: moment.liveUs + OVER_US,
    });
  }

  /** It is over as it begins: it only waits for the rest. */
  #begin(atUs: number, moment: Moment, config: FoldConfig): IncidentRecord | null {
    const { incidents, fleet } = this.#options;
    const opening = { fingerprint: 'backlog@', signal: SIGNAL, severity: 'info' as const, fleet: fleet() };
    const begun = incidents.begin(opening, moment, config);
    if (!begun) return null;
    const symptoms = [{ signal: SIGNAL, severity: 'info' as const, first_us: atUs, hosts_total: 0 }];
    incidents.note(
      begun.id,
      { state: 'resolving', detected_us: moment.nowUs, started_us: atUs, symptoms },
      moment,
      'backlog',
      'of reports that could not be sent in their time',
    );
    return incidents.records.get(begun.id) ?? null;
  }

  /** Adds to the incidents that the host was in then. */
  #amend(signal: DropSignal, hostId: string, atUs: number, events: number): void {
    const { incidents } = this.#options;
    const key = classKey(signal);
    for (const record of [...incidents.records.values()]) {
      if (record.state === 'candidate' || record.signal.kind === 'backlog') continue;
      if (atUs < record.started_us || atUs > record.last_us) continue;
      if (!record.hosts.some(({ host_id }) => host_id === hostId)) continue;
      if (!record.symptoms.some((symptom) => classKey(symptom.signal) === key)) continue;
      const { late } = record;
      incidents.change(record.id, { late: { reports: late.reports + 1, events: plus(late.events, events) } });
    }
  }
}

function newHost(host: HostRecord, atUs: number): IncidentHost {
  return {
    ...{ host_id: host.id, hostname: hostname(host), first_us: atUs, last_us: atUs, active: false },
    ...{ events: 0, peak_rate: 0, baseline_rate: 0, crashes: 0 },
  };
}

function withMessage(host: IncidentHost, atUs: number, events: number): IncidentHost {
  return {
    ...host,
    first_us: Math.min(host.first_us, atUs),
    last_us: Math.max(host.last_us, atUs),
    events: plus(host.events, events),
  };
}

function withSymptom(symptoms: readonly Symptom[], symptom: Symptom): readonly Symptom[] {
  const key = classKey(symptom.signal);
  const isKnown = symptoms.some(({ signal }) => classKey(signal) === key);
  return isKnown || symptoms.length >= MOST_SYMPTOMS ? symptoms : [...symptoms, symptom];
}
