/**
 * All that makes incidents out of trouble, put together: whose trouble is of one incident, which crashes are, what comes of
 * what, and who is kept from hearing. What each of these does is its own to know; here is only when, and in which order.
 */
import type { Command, Envelope } from '@netfall/proto';
import { Backlog } from './backlog.ts';
import type { AnnouncedChanges } from './changes.ts';
import { Classes } from './classes.ts';
import type { FoldConfig } from './config.ts';
import { Correlator } from './correlate.ts';
import type { StoredCrash } from './crash.ts';
import { CrashIncidents } from './crash-incidents.ts';
import { Population } from './explain/population.ts';
import type { HostRecord } from './host.ts';
import type { IncidentRecord } from './incident.ts';
import { type IncidentEvents, Incidents } from './incidents.ts';
import { Links } from './links.ts';
import type { Moment } from './log-time.ts';
import { Operations } from './operations.ts';
import type { Rules } from './rules.ts';
import type { SilenceRecord } from './silence.ts';

export interface CorrelationOptions {
  readonly events: Omit<IncidentEvents, 'isDown'>;
  readonly classify: Rules['classify'];
  /** Where the fold stands, at any time. */
  readonly time: Moment;
  readonly changes: AnnouncedChanges;
  readonly silences: ReadonlyMap<string, SilenceRecord>;
}

/** What it looks up: there once hosts and crashes are. */
export interface Surroundings {
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly crashes: ReadonlyMap<string, StoredCrash>;
  readonly crashesOf: (hostId: string) => Iterable<string>;
  readonly endSilence: (host: HostRecord, why: string) => void;
}

export class Correlation {
  readonly classes: Classes = new Classes();
  readonly population: Population = new Population();
  readonly incidents: Incidents;
  readonly #options: CorrelationOptions;
  #config: FoldConfig;
  #parts: Parts | null = null;

  constructor(options: CorrelationOptions, config: FoldConfig, records: Iterable<IncidentRecord>) {
    this.#options = options;
    this.#config = config;
    const isDown = (hostId: string) => this.#found.hosts.get(hostId)?.state.status === 'silent';
    this.incidents = new Incidents({ ...options.events, isDown }, this.classes, records);
  }

  /** Begins, once hosts and crashes are restored. */
  begin(around: Surroundings): void {
    const { classes, population, incidents } = this;
    const { classify, changes, silences } = this.#options;
    const { hosts } = around;
    const isDown = (hostId: string) =>
      hosts.get(hostId)?.state.status === 'silent' || this.#found.crashIncidents.isDown(hostId);
    const correlator = new Correlator(
      { classes, population, hosts, incidents, changes, isDown },
      this.#config,
    );
    const crashIncidents = new CrashIncidents({
      ...around,
      incidents,
      fleet: () => population.size,
      explain: (id, moment) => correlator.crashed(id, moment),
    });
    incidents.restored();
    this.#parts = {
      hosts,
      correlator,
      crashIncidents,
      links: new Links({ classes, hosts, incidents }),
      backlog: new Backlog({ incidents, classify, fleet: () => population.size }),
      operations: new Operations({ incidents, silences, hosts }),
    };
  }

  /** Goes by another configuration from here on. */
  configure(config: FoldConfig): void {
    this.#config = config;
    this.#found.correlator.configure(config);
  }

  /** A live second is crossed. */
  pass(second: number): void {
    const { time } = this.#options;
    this.#found.correlator.pass(second, time);
    this.#settle();
    this.incidents.pass(second, time, this.#config);
  }

  /** Crashes are new, or more is known of them: that is told of at once. */
  crashed(crashes: readonly StoredCrash[]): void {
    for (const crash of crashes) this.#found.crashIncidents.take(crash, this.#options.time, this.#config);
    if (crashes.length > 0) this.#settle();
  }

  /** Whether a host's silence since it was heard of last is a crash. */
  hasCrashed(hostId: string, lastSeenUs: number): boolean {
    return this.#found.crashIncidents.hasCrashed(hostId, lastSeenUs);
  }

  /** A message is of a backlog. */
  late(host: HostRecord, envelope: Envelope): void {
    this.#found.backlog.take(host, envelope, this.#options.time, this.#config);
  }

  /** An operator's word about an incident. */
  operate(command: Command): void {
    this.#found.operations.operate(command, this.#options.time, this.#config);
  }

  #settle(): void {
    const { time } = this.#options;
    this.#found.links.pass(time);
    this.#found.operations.pass(time, this.#config);
  }

  get #found(): Parts {
    if (!this.#parts) throw new Error('correlation has not begun');
    return this.#parts;
  }
}

interface Parts {
  readonly hosts: ReadonlyMap<string, HostRecord>;
  readonly correlator: Correlator;
  readonly crashIncidents: CrashIncidents;
  readonly links: Links;
  readonly backlog: Backlog;
  readonly operations: Operations;
}
