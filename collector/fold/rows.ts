/**
 * The fold's state as rows: what is stored, digested and carried in snapshots. Types alone; where rows go is not known
 * here.
 */
import type { SourceSwitch } from '@netfall/proto';
import type { ChangeRecord } from './changes.ts';
import type { StoredCrash } from './crash.ts';
import type { HostRecord } from './host.ts';
import type { IncidentRecord } from './incident.ts';
import type { LossView, Notification } from './model.ts';
import type { SilenceRecord } from './silence.ts';

/** The fold's own record. */
export interface GlobalRecord {
  readonly fold_version: number;
  readonly sequence: number;
  readonly now_us: number;
  readonly live_us: number;
  readonly outages_us: number;
  /** The last entry's, which log time may be ahead of. */
  readonly stamp_us: number;
  readonly epoch: EpochRecord | null;
  readonly claim: ClaimRecord;
  readonly switches: SwitchesRecord;
  readonly entries: number;
  /** What was refused, by why: entries, and incidents, signals, silences and records of crashes for which there was no room. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly forgotten: ForgottenHosts;
}

/** What hosts that were forgotten had lost, so that totals never shrink. */
export interface ForgottenHosts {
  hosts: number;
  messages_lost: number;
  /** By source and hop, as many rows as one host may have. */
  readonly losses: LossView[];
}

export interface EpochRecord {
  readonly sequence: number;
  readonly fold_version: number;
  readonly config_digest: string;
  readonly catalog_digest: string;
  readonly config: string;
}

/** The sources that operators have switched off. */
export interface SwitchesRecord {
  /** The entry that says so; 0 before the first. */
  readonly sequence: number;
  /** Who changed them. */
  readonly by: string;
  /** Those that have not ended, by log time. */
  readonly switches: readonly SourceSwitch[];
}

export interface ClaimRecord {
  readonly holder: string;
  /** Log time. */
  readonly until_us: number;
}

/** The fold's state as rows; within a kind keyed by id. What is stored, digested and carried in snapshots. */
export interface Rows {
  readonly global: GlobalRecord;
  readonly hosts: Iterable<HostRecord>;
  readonly incidents: Iterable<IncidentRecord>;
  readonly crashes: Iterable<StoredCrash>;
  readonly notifications: Iterable<Notification>;
  /** Changes in the fleet that were announced. */
  readonly changes: Iterable<ChangeRecord>;
  readonly silences: Iterable<SilenceRecord>;
}

/** The rows that changed since the last look, and those that are gone. */
export interface Changes extends Rows {
  /** Those of the hosts whose facts, or kinds of signals, changed too. */
  readonly hostFacts: ReadonlySet<string>;
  /** A host may be gone and then be among those that changed, as a new one. */
  readonly removedHosts: readonly string[];
  readonly removedIncidents: readonly string[];
  readonly removedCrashes: readonly string[];
  readonly removedNotifications: readonly string[];
  readonly removedChanges: readonly string[];
  readonly removedSilences: readonly string[];
}

export type RejectReason =
  | 'too_large'
  | 'undecodable'
  | 'invalid'
  | 'other_cell'
  | 'too_many_hosts'
  | 'too_many_signals'
  | 'too_many_incidents'
  | 'too_many_crash_records'
  | 'too_many_silences';
