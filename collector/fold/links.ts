/**
 * Which incidents come of others: drops of packets for a host that is dead or silent are that host's. Order is claimed only
 * where it is beyond what the hosts' clocks and their reports may err. Must not know how either incident came about.
 */
import type { Classes } from './classes.ts';
import type { HostRecord } from './host.ts';
import { hostname } from './host.ts';
import type { IncidentRecord } from './incident.ts';
import type { Incidents } from './incidents.ts';
import type { Moment } from './log-time.ts';
import type { Cause } from './model.ts';

/** Of the hosts of an incident whose packets are known to be for somebody, those for which they are for one host. */
const SHARE = 0.6;
/** Of all its hosts, those of which that has to be known. */
const KNOWN = 0.3;
/** How finely reports tell when something began, and how much later than it happens a silence is dated, µs. */
const REPORT_US = 1_000_000;
const SILENCE_US = 10_000_000;

export interface LinksOptions {
  readonly classes: Classes;
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly incidents: Incidents;
}

export class Links {
  readonly #options: LinksOptions;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Looks at all that is open and of which no cause is known. */
  pass(moment: Moment): void {
    const { incidents } = this.#options;
    const open = incidents.open().filter(({ state }) => state !== 'candidate');
    const down = open.filter(({ signal }) => signal.kind === 'crash' || signal.kind === 'silence');
    if (down.length === 0) return;
    for (const record of open) {
      if (record.cause || record.signal.kind !== 'drop') continue;
      const cause = this.#causeOf(record, down);
      if (cause) incidents.causedBy(record.id, cause, moment);
    }
  }

  #causeOf(record: IncidentRecord, down: readonly IncidentRecord[]): Cause | null {
    const { hosts } = this.#options;
    const [target, sinceUs, jitterUs] = this.#targetOf(record);
    const host = hosts.get(target);
    if (!host) return null;
    const parent = down.find(
      (one) => one.id !== record.id && one.hosts.some(({ host_id }) => host_id === target),
    );
    if (!parent) return null;
    const isCrash = parent.signal.kind === 'crash';
    const crashes = parent.crashes.filter(({ host_id }) => host_id === target);
    const beganUs = isCrash
      ? Math.max(...crashes.map(({ at_us }) => at_us))
      : (host.state.silence?.since_us ?? parent.started_us);
    const gap_us = sinceUs - beganUs;
    const error_us = REPORT_US + 2 * (jitterUs + host.state.jitter_us) + (isCrash ? 0 : SILENCE_US);
    // What was there before is not of it.
    if (gap_us < -error_us) return null;
    const order = gap_us > error_us ? 'before' : 'concurrent';
    return { incident_id: parent.id, host_id: target, hostname: hostname(host), order, gap_us, error_us };
  }

  /** The host that an incident's packets are for, if most are for one; since when, and by how unsteady a clock. */
  #targetOf(record: IncidentRecord): [hostId: string, sinceUs: number, jitterUs: number] {
    const counts = new Map<string, { hosts: number; sinceUs: number; jitterUs: number }>();
    let known = 0;
    let all = 0;
    for (const { active } of this.#options.classes.all()) {
      for (const { host, spell } of active.values()) {
        const [target] = spell.towards;
        if (spell.incident !== record.id) continue;
        all++;
        if (!target) continue;
        known++;
        const before = counts.get(target.host_id);
        counts.set(target.host_id, {
          hosts: (before?.hosts ?? 0) + 1,
          sinceUs: Math.min(before?.sinceUs ?? spell.since_us, spell.since_us),
          jitterUs: Math.max(before?.jitterUs ?? 0, host.state.jitter_us),
        });
      }
    }
    const [best] = [...counts].sort(([a, x], [b, y]) => y.hosts - x.hosts || (a < b ? -1 : 1));
    if (!best || best[1].hosts < SHARE * known || known < KNOWN * all) return ['', 0, 0];
    return [best[0], best[1].sinceUs, best[1].jitterUs];
  }
}
