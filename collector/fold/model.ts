/**
 * What the fold says: the records that it keeps, stores as rows and shows. Every number is an integer, every list has a
 * canonical order, so that two replicas that have read as far hold the same bytes. Times are microseconds since the
 * Unix epoch. This is the JSON that the API serves.
 */
import type { CrashReading, Flow, LogHole } from '@netfall/proto';

export type IncidentState =
  | 'candidate'
  | 'firing'
  | 'acknowledged'
  | 'resolving'
  | 'resolved'
  | 'closed'
  | 'merged';

export type Severity = 'info' | 'warning' | 'critical';

/** A class of trouble on one host. */
export type Signal = DropSignal | CounterSignal | CrashSignal | SilenceSignal | BacklogSignal;

/** The kernel drops packets. */
export interface DropSignal {
  readonly kind: 'drop';
  /** E.g. "NO_SOCKET". */
  readonly reason: string;
  /** E.g. "__udp4_lib_rcv"; empty when it could not be resolved. */
  readonly function: string;
}

/** A counter of losses grows that no drop event shows, such as a NIC's own. */
export interface CounterSignal {
  readonly kind: 'counter';
  /** E.g. "rx_missed_errors". */
  readonly counter: string;
}

/** Kernels die or are in trouble. */
export interface CrashSignal {
  readonly kind: 'crash';
  /** Of the bug; empty while no log was read. */
  readonly signature: string;
  /** What happened, and where; the line that began it while no log was read. */
  readonly title: string;
}

/** Hosts say nothing any more, and said no goodbye. */
export interface SilenceSignal {
  readonly kind: 'silence';
}

/** Hosts send what they could not send for long: history, which pages nobody. */
export interface BacklogSignal {
  readonly kind: 'backlog';
}

/** One of the kinds of trouble that an incident consists of. */
export interface Symptom {
  readonly signal: Signal;
  readonly severity: Severity;
  /** When it was noticed in this incident first, log time. */
  readonly first_us: number;
  /** Hosts that had it, each time that they became affected beyond those that are listed. */
  readonly hosts_total: number;
}

export interface IncidentHost {
  readonly host_id: string;
  readonly hostname: string;
  /** Log time at which the host became affected, and at which it was last seen so. */
  readonly first_us: number;
  readonly last_us: number;
  /** Whether it is affected now. */
  readonly active: boolean;
  /** Events while affected, and the highest rate, events a second, of the symptom that has most. */
  readonly events: number;
  readonly peak_rate: number;
  /** What the host's own baseline expected when it became affected, events a second. */
  readonly baseline_rate: number;
  /** How often its kernel crashed, in this incident. */
  readonly crashes: number;
}

/** An attribute and the value that hosts have of it. */
export interface AttributeValue {
  readonly attribute: string;
  readonly value: string;
}

/** What hosts in trouble have in common, and how well that explains which hosts are in trouble. */
export interface Explanation {
  /** All of them, in canonical order; none: it is the whole fleet. */
  readonly items: readonly AttributeValue[];
  /** Other sets of values that exactly the same hosts have. */
  readonly equivalents: readonly (readonly AttributeValue[])[];
  /** Hosts that have all of the items, and how many of these were affected at most at once. */
  readonly covered: number;
  readonly affected: number;
  /** All other hosts, the control group, and how many of these were affected then. */
  readonly others: number;
  readonly others_affected: number;
  /** Of all affected hosts, those that it covers: millionths. */
  readonly support_ppm: number;
  /** How many times likelier trouble is among its hosts than in the fleet, and than among all others: thousandths. */
  readonly lift_milli: number;
  readonly risk_ratio_milli: number;
  /** By how much the explanation is likelier than chance, thousandths of a nat. */
  readonly likelihood_milli: number;
  /** When the last of its hosts came to have the items, as far as that was seen; 0 otherwise. Log time. */
  readonly changed_us: number;
  /** Sets of values that explain it nearly as well. */
  readonly rivals: readonly Rival[];
}

/** What would explain it nearly as well, and hosts that tell the two apart: up to three of each. */
export interface Rival {
  readonly items: readonly AttributeValue[];
  readonly covered: number;
  readonly affected: number;
  /** Hosts of the explanation that lack the rival's items, and hosts of the rival that lack the explanation's. */
  readonly without: readonly string[];
  readonly beyond: readonly string[];
}

/** Another incident that this one comes of. */
export interface Cause {
  readonly incident_id: string;
  /** The host, dead or silent, that this incident's packets were for. */
  readonly host_id: string;
  readonly hostname: string;
  /** Whether its beginning was before this one's, beyond what clocks and reports may err; "concurrent" when that is not known. */
  readonly order: 'before' | 'concurrent';
  /** How much later this one began, and how far off that may be, µs. */
  readonly gap_us: number;
  readonly error_us: number;
}

/** An announced change that fits an incident: its hosts, and its time. */
export interface ChangeRef {
  readonly id: string;
  readonly summary: string;
  readonly at_us: number;
}

/** Why nobody is told of an incident. */
export interface Suppression {
  readonly by: 'silence' | 'maintenance' | 'incident';
  /** The silence's, or the incident's. */
  readonly id: string;
}

/** That somebody takes care of it. */
export interface Acknowledgement {
  readonly by: string;
  readonly at_us: number;
  readonly comment: string;
}

/** A value that hosts came to shortly before a crash that was never seen without it. */
export interface Rollout extends AttributeValue {
  /** When the host that crashed first came to it, log time. */
  readonly since_us: number;
}

/** What came of it later: reports over ten minutes old by their own stamps. */
export interface LateEvidence {
  readonly reports: number;
  readonly events: number;
}

/** A packet that a host dropped in an incident: a specimen, and no more typical than others. */
export interface IncidentSample {
  readonly host_id: string;
  readonly hostname: string;
  /** Log time of the report that it came in. */
  readonly at_us: number;
  /** The interface that it came by, or was to leave by; empty when that is not known. */
  readonly interface: string;
  /** Whose network it was in: empty for the host's own, else a container's or a namespace's name. */
  readonly namespace: string;
  /** How long it was, bytes. */
  readonly length: number;
  /** Who talked to whom, the outermost first: one, and one more for each tunnel. */
  readonly flows: readonly Flow[];
}

export interface AuditEntry {
  readonly at_us: number;
  /** E.g. "fired", "joined", "acknowledged", "resolved". */
  readonly event: string;
  /** Who did it; empty for what happened by itself. */
  readonly by: string;
  readonly detail: string;
}

export interface Incident {
  /** Deterministic: the log sequence at which it was noticed, and its turn among those of that place, e.g. "i1042-0". */
  readonly id: string;
  /** The first signal's class and what its hosts have in common; one that fires after this one is resolved is a regression. */
  readonly fingerprint: string;
  /** Grows with every change that is shown. */
  readonly version: number;
  readonly state: IncidentState;
  readonly severity: Severity;
  /** One sentence: what, where. */
  readonly title: string;
  /** The trouble by which it was noticed. */
  readonly signal: Signal;
  /** That and all that came with it, in the order in which they were noticed. */
  readonly symptoms: readonly Symptom[];
  /** When the trouble began by the hosts' reports, and when it fired, in log time; 0 while it is a candidate. */
  readonly started_us: number;
  readonly detected_us: number;
  /** When there was trouble last, in log time: its end, once no host is affected. */
  readonly last_us: number;
  /** When it was resolved, which takes some quiet and the hold-down; 0 until then. */
  readonly resolved_us: number;
  /** At most `incident.max_hosts`, by id. `hosts_total` counts those beyond it too, each time that they become affected. */
  readonly hosts: readonly IncidentHost[];
  readonly hosts_total: number;
  /** The most hosts there were in the fleet while it went on: what to measure it against. */
  readonly fleet: number;
  /** What its hosts have in common; null while nothing is known that they do. */
  readonly explanation: Explanation | null;
  /** Hosts with the first signal that it does not explain and no other incident holds: how many, and some of them by id. */
  readonly unexplained: { readonly total: number; readonly hosts: readonly string[] };
  /** Announced changes that fit, the newest first. */
  readonly changes: readonly ChangeRef[];
  /** Of crashes that were first seen on a new kernel or image, that; else null. */
  readonly rollout: Rollout | null;
  /** Hosts that crash again and again, by id. */
  readonly loops: readonly string[];
  /** What it comes of; null when nothing is known that it does. */
  readonly cause: Cause | null;
  /** Incidents that come of this one, by id. */
  readonly consequences: readonly string[];
  readonly acknowledged: Acknowledgement | null;
  readonly suppressed: Suppression | null;
  /** The resolved incident that this one repeats; empty when it is the first of its fingerprint. */
  readonly regression_of: string;
  /** The incident that this one turned out to be; empty unless it is merged. */
  readonly merged_into: string;
  readonly late: LateEvidence;
  /** Where to read what to do; empty when nowhere. */
  readonly runbook: string;
  readonly audit: readonly AuditEntry[];
}

/** Something that somebody is to be told; one a state change worth telling. */
export interface Notification {
  /** Stable: the incident's id, the kind, and of what became worse why. Sinks receive it to recognise a repetition. */
  readonly id: string;
  readonly incident_id: string;
  readonly kind: 'firing' | 'escalated' | 'resolved';
  readonly created_us: number;
  /** The incident as it stood. */
  readonly incident: Incident;
  /** One a configured sink, by name. */
  readonly deliveries: readonly Delivery[];
}

export interface Delivery {
  readonly sink: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Log time of the outcome; 0 while pending. */
  readonly at_us: number;
  readonly error: string;
}

/** What a parser reads off one record's log: as much of it as may differ from record to record. */
export type RecordReading = Omit<CrashReading, 'modules' | 'unlisted_modules'>;

/** What one source of one agent has of a crash: its own host's, or one that it heard. */
export interface CrashRecord {
  /** The agent that has it, and its host's name. */
  readonly host_id: string;
  readonly hostname: string;
  /** Unique within that agent. */
  readonly record: string;
  /** E.g. "netoops", "netconsole", "pstore", "kmsg", "vmcore-dmesg". */
  readonly source: string;
  /** The address that it was heard from; empty when the crash is of the agent's own host. */
  readonly sender: string;
  /** Log time at which its first sign came, and its newest report; 0 until one has. */
  readonly known_us: number;
  readonly reported_us: number;
  /** When the crash was first and last heard of, or written down: by the agent's clock, set right to log time. */
  readonly first_us: number;
  readonly last_us: number;
  /** By the crash's own word; empty when it did not say. */
  readonly kernel: string;
  readonly boot_id: string;
  readonly hardware: string;
  /** The line that began it, what kind of trouble it tells of, and the kernel's own clock there; empty and 0 if unseen. */
  readonly kind: string;
  readonly line: string;
  readonly uptime_us: number;
  /** The kernel's own clock at the last line; 0 when it is not known. */
  readonly last_uptime_us: number;
  /** Of the newest report; 0 until one has come. What follows is empty until then. */
  readonly revision: number;
  /** The log: its SHA-256 in hex and its length without what is missing. */
  readonly digest: string;
  readonly bytes: number;
  /** Nothing is known to be missing. */
  readonly complete: boolean;
  /** What is missing, in order of place, and how many holes had no room. */
  readonly holes: readonly LogHole[];
  readonly unlisted_holes: number;
  /** Bytes of the log before the place at which the ring buffer wrapped; 0 when that is not known. */
  readonly wrap_at: number;
  /** Datagrams or files that the log was put together from, repetitions of them, and messages that the network lost. */
  readonly parts: number;
  readonly duplicates: number;
  readonly lost_messages: number;
  /** The parser that read the log; 0 until one has. */
  readonly parser_version: number;
  /** What it read; null when the log tells of no crash. */
  readonly reading: RecordReading | null;
}

/** Where a crash's own word and the inventories disagree. */
export interface CrashMismatch {
  /** "address": it was heard from an address of other hosts than the one that crashed. */
  readonly what: 'kernel' | 'hardware' | 'address';
  /** By the crash's own word. */
  readonly said: string;
  /** By the inventory. */
  readonly known: string;
}

/** A kernel that died or was in trouble, and all that is known of it. */
export interface Crash {
  /** Deterministic, as an incident's, e.g. "c1042-0". */
  readonly id: string;
  /** Grows with every change that is shown. */
  readonly version: number;
  /** Which host it was, and its name; empty while no inventory tells. */
  readonly host_id: string;
  readonly hostname: string;
  /** The earliest moment by its records, and when its first sign came, in log time. */
  readonly at_us: number;
  readonly detected_us: number;
  /** The line that began it, as far as it is known; see CrashRecord. */
  readonly kind: string;
  readonly line: string;
  readonly uptime_us: number;
  readonly kernel: string;
  readonly boot_id: string;
  readonly hardware: string;
  /** Whether there is more than first signs. */
  readonly state: 'witnessed' | 'reported';
  /** Whether some record's log is whole, as far as that can be known. */
  readonly complete: boolean;
  /** In the order in which they came, up to MOST_RECORDS. */
  readonly records: readonly CrashRecord[];
  /** How often there was no room for a further record. */
  readonly unlisted_records: number;
  /** Which record's log to read first; null until there is a report. */
  readonly best: number | null;
  /** Which record's reading is the crash's; null without one. */
  readonly read: number | null;
  /** What the logs tell: that record's reading, with the modules; null without one. */
  readonly reading: CrashReading | null;
  /** The parser that read it, or else the best log; 0 while none has. */
  readonly parser_version: number;
  readonly mismatches: readonly CrashMismatch[];
  /** Ids of crashes that turned out to be this one, the newest ones. */
  readonly merged: readonly string[];
}

export interface SourceView {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'unavailable' | 'off' | 'unknown';
  readonly detail: string;
  readonly mend: string;
}

export interface LossView {
  readonly source: string;
  readonly hop: string;
  readonly count: number;
}

export interface HostView {
  readonly host_id: string;
  readonly hostname: string;
  /** "silent": no message for three intervals and no Goodbye. "conflict": two agents claim this host. */
  readonly status: 'live' | 'silent' | 'stopped' | 'conflict';
  readonly first_seen_us: number;
  readonly last_seen_us: number;
  readonly agent_version: string;
  readonly boot_id: string;
  readonly incarnation: string;
  /** What explanations are made of, by key: kernel, image, driver, rack, … */
  readonly attributes: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly sources: readonly SourceView[];
  /** Totals since the host was first seen, by source and hop. */
  readonly losses: readonly LossView[];
  readonly spool_messages: number;
  /** Messages that the host numbered and that never came. */
  readonly messages_lost: number;
}
