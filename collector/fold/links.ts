/**
 * Which incidents come of others: drops of packets for a host that is dead or silent are that host's. Order is claimed only
 * where it is beyond what the hosts' clocks and their reports may err. Must not know how either incident came about.
 */
import type { Classes } from './classes.ts';
import { type HostRecord, hostname } from './host.ts';
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
    const { targets, all } = this.#towards(record);
    if (targets.length < KNOWN * all) return null;
    const isOf = (parent: IncidentRecord) => {
      const ids = new Set(parent.hosts.map(({ host_id }) => host_id));
      return targets.filter(({ id }) => ids.has(id));
    };
    const parent = down.find((one) => {
      const mine = isOf(one);
      return one.id !== record.id && mine.length > 0 && mine.length >= SHARE * targets.length;
    });
    if (!parent) return null;
    const mine = isOf(parent);
    const target = mine[0]?.id ?? '';
    const host = hosts.get(target);
    if (!host) return null;
    const sinceUs = Math.min(...mine.map((one) => one.sinceUs));
    const jitterUs = Math.max(...mine.map((one) => one.jitterUs));
    const isCrash = parent.signal.kind === 'crash';
    const crashes = parent.crashes.filter(({ host_id }) => host_id === target);
    const beganUs = isCrash
      ? Math.max(...crashes.map(({ at_us }) => at_us))
      : (host.state.silence?.since_us ?? parent.started_us);
    const gap_us = sinceUs - beganUs;
    const error_us = REPORT_US + 2 * (jitterUs + host.state.jitter_us) + (isCrash ? 0 : SILENCE_US);
    // What was there before is not of it, nor what began when the host was back.
    if (gap_us < -error_us) return null;
    if (host.state.back_us > beganUs && sinceUs > host.state.back_us + error_us) return null;
    const order = gap_us > error_us ? 'before' : 'concurrent';
    return { incident_id: parent.id, host_id: target, hostname: hostname(host), order, gap_us, error_us };
  }

  /** Whom the packets of an incident's hosts were for, by the host that dropped them; and how many hosts there are. */
  #towards({ id }: IncidentRecord): { readonly all: number; readonly targets: readonly Towards[] } {
    const targets: Towards[] = [];
    let all = 0;
    for (const { active } of this.#options.classes.all()) {
      for (const { host, spell } of active.values()) {
        if (spell.incident !== id) continue;
        all++;
        const [target] = spell.towards;
        if (target) {
          targets.push({ id: target.host_id, sinceUs: spell.since_us, jitterUs: host.state.jitter_us });
        }
      }
    }
    return { all, targets: targets.sort((a, b) => (a.id < b.id ? -1 : 1)) };
  }
}

/** A host that dropped packets were for, since when, and how unsteadily whoever says so reports. */
interface Towards {
  readonly id: string;
  readonly sinceUs: number;
  readonly jitterUs: number;
}
