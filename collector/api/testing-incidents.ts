/** For tests: incidents with all that there may be to tell of them. */
import type { AttributeValue, Incident, IncidentHost, Signal } from '../fold/model.ts';
import { titleOf } from '../fold/words.ts';
import { anIncident, anIncidentSample, signatureFor, T0 } from './testing.ts';

const second = 1_000_000;
const minute = 60 * second;

export const attribute = (name: string, value: string): AttributeValue => ({ attribute: name, value });

/** A host of a rack that drops packets. */
export function anAffectedHost(n: number, part: Partial<IncidentHost> = {}): IncidentHost {
  const name = `edge-${String(n).padStart(2, '0')}`;
  return {
    ...{ host_id: name, hostname: `${name}.fra1.example.net`, active: true, crashes: 0 },
    ...{ first_us: T0 + (n % 7) * second, last_us: T0 + 4 * minute },
    ...{ events: 184_000 - n * 3100, peak_rate: 1400 - n * 31, baseline_rate: n % 4 },
    ...part,
  };
}

/** Most hosts of a rack drop packets since its switch was changed; another set of hosts explains it nearly as well. */
export function anExplainedIncident(part: Partial<ReturnType<typeof anIncident>> = {}) {
  const signal: Signal = { kind: 'drop', reason: 'NEIGH_FAILED', function: 'neigh_timer_handler' };
  const incident = anIncident({
    ...{ id: 'i4102-0', version: 9, severity: 'critical', signal },
    fingerprint: 'drop/NEIGH_FAILED/neigh_timer_handler@rack=r12',
    symptoms: [
      { signal, severity: 'warning', first_us: T0, hosts_total: 38 },
      {
        signal: { kind: 'counter', counter: 'rx_missed_errors' },
        ...{ severity: 'info', first_us: T0 + 20 * second, hosts_total: 31 },
      },
    ],
    last_us: T0 + 4 * minute,
    hosts: Array.from({ length: 38 }, (_, n) => anAffectedHost(n, n === 36 ? { active: false } : {})),
    ...{ hosts_total: 38, fleet: 4000 },
    explanation: {
      items: [attribute('rack', 'r12')],
      equivalents: [[attribute('gateway_mac', '02:00:00:00:00:0c')], [attribute('subnet', '10.12.0.0/24')]],
      ...{ covered: 40, affected: 38, others: 3960, others_affected: 1, support_ppm: 974_359 },
      ...{ lift_milli: 97_436, risk_ratio_milli: 2_479_000, likelihood_milli: 190_000, changed_us: 0 },
      rivals: [
        {
          items: [attribute('nic', 'mlx5_core'), attribute('kernel', '6.12.9')],
          ...{ covered: 52, affected: 37, without: ['edge-07', 'edge-19'], beyond: ['db-1', 'db-2'] },
        },
      ],
    },
    unexplained: { total: 1, hosts: ['db-7'] },
    changes: [{ id: 'g77-0', summary: 'switch tor-12 to firmware 4.2', at_us: T0 - 11 * minute }],
    consequences: ['i4110-0'],
    acknowledged: { by: 'alice', at_us: T0 + 3 * minute, comment: 'on my way to the rack' },
    ...{ state: 'acknowledged', runbook: 'https://wiki.example.net/runbooks/neigh-failed' },
    samples: [anIncidentSample({ hostname: 'edge-00.fra1.example.net' })],
    audit: [
      {
        ...{ at_us: T0 + 4 * second, event: 'fired', by: '' },
        detail: 'by edge-00.fra1.example.net, edge-01.fra1.example.net, edge-02.fra1.example.net and 30 more',
      },
      { at_us: T0 + 9 * second, event: 'joined', by: '', detail: 'edge-33.fra1.example.net' },
      { at_us: T0 + 3 * minute, event: 'acknowledged', by: 'alice', detail: 'on my way to the rack' },
    ],
    ...part,
  });
  return { ...incident, title: part.title ?? titleOf(incident) };
}

/** A kernel that is new crashes two hosts, one of them again and again. */
export function aCrashIncident(part: Partial<ReturnType<typeof anIncident>> = {}) {
  const title = 'BUG: unable to handle kernel NULL pointer dereference in mlx5e_poll_rx_cq';
  const signal: Signal = { kind: 'crash', signature: signatureFor(1), title };
  const host: IncidentHost = {
    ...{ host_id: 'web-1', hostname: 'web-1.fra1.example.net', active: true, crashes: 4 },
    ...{ first_us: T0, last_us: T0 + 30 * minute, events: 0, peak_rate: 0, baseline_rate: 0 },
  };
  const incident = anIncident({
    ...{ id: 'i4200-0', severity: 'critical', signal, fingerprint: `crash/${signal.signature}` },
    symptoms: [{ signal, severity: 'critical', first_us: T0, hosts_total: 2 }],
    last_us: T0 + 30 * minute,
    hosts: [host, { ...host, host_id: '', hostname: '192.0.2.7', crashes: 1, last_us: T0 }],
    ...{ hosts_total: 2, fleet: 4000, loops: ['web-1'], regression_of: 'i2100-0' },
    rollout: { ...attribute('kernel', '6.12.9'), since_us: T0 - 25 * minute },
    suppressed: { by: 'maintenance', id: 's77-0' },
    late: { reports: 2, events: 0 },
    audit: [{ at_us: T0 + 4 * second, event: 'fired', by: '', detail: 'by web-1.fra1.example.net' }],
    ...part,
  });
  return { ...incident, title: part.title ?? titleOf(incident) };
}

/** Hosts that drop what was for a host that crashed. */
export function aConsequence(order: NonNullable<Incident['cause']>['order'] = 'before') {
  const signal: Signal = { kind: 'drop', reason: 'NEIGH_FAILED', function: 'neigh_timer_handler' };
  return anIncident({
    ...{ id: 'i4210-0', signal, title: '3 hosts drop NEIGH_FAILED in neigh_timer_handler' },
    fingerprint: 'drop/NEIGH_FAILED/neigh_timer_handler@towards=web-1',
    hosts: [1, 2, 3].map((n) => anAffectedHost(n)),
    ...{ hosts_total: 3, fleet: 4000 },
    cause: {
      ...{ incident_id: 'i4200-0', host_id: 'web-1', hostname: 'web-1.fra1.example.net', order },
      ...{ gap_us: order === 'before' ? 12 * second : -1_300_000, error_us: 2_400_000 },
    },
    suppressed: { by: 'incident', id: 'i4200-0' },
  });
}
