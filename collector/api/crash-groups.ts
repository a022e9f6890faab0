/**
 * Crashes by signature: what those that share one have in common, and what signatures of another version would make of them.
 * Pure; where crashes are kept is not known here.
 */

/** Something that crashes of a group have, and how many of them do. */
export interface CrashShare {
  readonly name: string;
  readonly crashes: number;
}

/** The crashes that share a signature. Lists have the most first, and are cut at {@link MOST_SHARED}. */
export interface CrashGroup {
  readonly signature: string;
  /** Of the newest crash whose report is not corrupted. */
  readonly title: string;
  readonly type: string;
  readonly bug: string;
  /** Whether no report of them is to be trusted. */
  readonly corrupted: boolean;
  readonly crashes: number;
  /** Names of hosts, or addresses where it is not known which host it was; and how many there are. */
  readonly hosts: readonly CrashShare[];
  readonly hosts_total: number;
  readonly kernels: readonly CrashShare[];
  /** Flags; that a kernel was not tainted is "". */
  readonly taints: readonly CrashShare[];
  readonly hardware: readonly CrashShare[];
  /** The moments of the first and the last one, and the last one's id. */
  readonly first_us: number;
  readonly last_us: number;
  readonly last_crash_id: string;
}

/** One side of a change of signatures. */
export interface SignatureCount {
  readonly signature: string;
  readonly title: string;
  readonly crashes: number;
}

/** Groups that would be other groups. */
export interface SignatureChange {
  readonly what: 'merge' | 'split' | 'regroup';
  readonly before: readonly SignatureCount[];
  readonly after: readonly SignatureCount[];
}

/** What signatures of another version would make of the crashes that are kept. */
export interface SignaturePreview {
  readonly version: number;
  readonly current_version: number;
  /** What crashes have in common that share a signature of that version. */
  readonly meaning: string;
  /** Crashes that have a signature. */
  readonly crashes: number;
  readonly groups_before: number;
  readonly groups_after: number;
  /** The most crashes first. */
  readonly changes: readonly SignatureChange[];
  /** Changes that had no room. */
  readonly unlisted_changes: number;
}

/** Names of each kind that a group tells of. */
export const MOST_SHARED = 16;
