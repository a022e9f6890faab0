/** Holds the incidents that were found against the faults that were made. Pure: knows neither how they were made nor the log. */
import type { Incident } from '../../collector/fold/model.ts';

type Item = { readonly attribute: string; readonly value: string };

/** A fault as truth.json has it; times in µs of the log. */
export interface TrueFault {
  readonly id: string;
  readonly name: string;
  readonly kind: 'drop' | 'silence';
  /** Whether it was announced as a change, under its id. */
  readonly announced: boolean;
  readonly start: number;
  readonly end: number;
  readonly cause: readonly Item[];
  /** How many hosts have the cause; on which of them it shows, and from when on on each. */
  readonly extent: number;
  readonly hosts: readonly string[];
  readonly onsets: Readonly<Record<string, number>>;
}

/** What a recording's truth.json holds. */
export interface Truth {
  readonly scenario: 'recording';
  readonly seed: number;
  readonly minutes: number;
  readonly hosts: number;
  readonly cell: string;
  readonly start: number;
  readonly end: number;
  readonly incidents: readonly TrueFault[];
}

export interface Result {
  readonly faults: readonly FaultResult[];
  /** Incidents that are nobody's answer. */
  readonly others: readonly Other[];
}

export interface FaultResult {
  readonly id: string;
  readonly name: string;
  readonly cause: string;
  readonly announced: boolean;
  readonly hosts: number;
  /** The incident; empty when there is none. */
  readonly incident: string;
  /** Whether that one is of earlier trouble, which took this in. */
  readonly joined: boolean;
  /** From its beginning to the incident, ms; null without one. */
  readonly foundAfterMs: number | null;
  /** `exact`: the cause. `equivalent`: what the same hosts have. `other`: anything else. `none`: no explanation. */
  readonly explained: 'exact' | 'equivalent' | 'other' | 'none';
  /** What it says. */
  readonly explanation: string;
  /** Of the hosts on which it shows, those that the incident lists; and how many others it lists. */
  readonly covered: number;
  readonly beyond: number;
  /** Whether the incident names the change that was announced. */
  readonly change: boolean;
  readonly title: string;
}

export interface Other {
  readonly id: string;
  readonly title: string;
  /** When it was found, from the beginning of the recording, ms. */
  readonly atMs: number;
  /** The faults in whose time it was, on hosts of theirs; empty: it is false. */
  readonly during: readonly string[];
  /** It is told as a consequence of that incident. */
  readonly consequenceOf: string;
}

/** How long after a fault's end an incident may still be of it: reports come up to so much later. */
const AFTER_US = 45_000_000;

/**
 * @param incidents as the log was folded
 * @param attributes of each host, with the operator's labels
 */
export function compare(
  truth: Truth,
  incidents: readonly Incident[],
  attributes: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Result {
  const shown = incidents.filter(({ state, signal }) => {
    return state !== 'candidate' && state !== 'merged' && signal.kind !== 'backlog';
  });
  const extentOf = (items: readonly Item[]) => {
    const fit = [...attributes].filter(([host, values]) => {
      return items.every(
        ({ attribute, value }) => (attribute === 'host' ? host : values[attribute]) === value,
      );
    });
    return fit.map(([host]) => host).join();
  };
  const answers = new Set<Incident>();
  const faults = truth.incidents.map((fault): FaultResult => {
    const grade = (incident: Incident): FaultResult['explained'] => {
      const items = itemsOf(incident);
      if (!items) return 'none';
      if (nameOf(items) === nameOf(fault.cause)) return 'exact';
      return extentOf(items) === extentOf(fault.cause) ? 'equivalent' : 'other';
    };
    const mine = shown.filter((incident) => {
      return isKind(incident, fault.kind) && incident.cause === null && isDuring(incident, fault);
    });
    const best = mine.toSorted((a, b) => {
      return GRADES.indexOf(grade(a)) - GRADES.indexOf(grade(b)) || a.detected_us - b.detected_us;
    })[0];
    const { id, name, announced } = fault;
    const common = { id, name, cause: nameOf(fault.cause), announced, hosts: fault.hosts.length };
    if (!best) {
      const nothing = { incident: '', joined: false, explanation: '', covered: 0, beyond: 0, change: false };
      return { ...common, ...nothing, foundAfterMs: null, explained: 'none', title: '' };
    }
    answers.add(best);
    const joined = best.detected_us < fault.start;
    const at = joined ? (best.audit.find(({ at_us }) => at_us >= fault.start)?.at_us ?? 0) : best.detected_us;
    const listed = new Set(best.hosts.map(({ host_id }) => host_id));
    const covered = fault.hosts.filter((host) => listed.has(host)).length;
    return {
      ...common,
      ...{ incident: best.id, joined, foundAfterMs: Math.round((at - fault.start) / 1000) },
      ...{ explained: grade(best), explanation: explanationOf(best) },
      ...{ covered, beyond: listed.size - covered, title: best.title },
      change: best.changes.some((change) => change.id === id),
    };
  });
  const others = shown
    .filter((incident) => !answers.has(incident))
    .map(
      (incident): Other => ({
        id: incident.id,
        title: incident.title,
        atMs: Math.round((incident.detected_us - truth.start) / 1000),
        during: truth.incidents.filter((fault) => isDuring(incident, fault)).map(({ id }) => id),
        consequenceOf: incident.cause?.incident_id ?? '',
      }),
    );
  return { faults, others };
}

const GRADES = ['exact', 'equivalent', 'other', 'none'] as const;

/** In its time, at least half of the hosts of one of them are the other's. */
function isDuring({ started_us, last_us, hosts }: Incident, fault: TrueFault): boolean {
  if (last_us < fault.start || started_us > fault.end + AFTER_US) return false;
  const common = hosts.filter(({ host_id }) => fault.hosts.includes(host_id)).length;
  return common > 0 && common * 2 >= Math.min(hosts.length, fault.hosts.length);
}

function isKind({ signal, symptoms }: Incident, kind: TrueFault['kind']): boolean {
  // Hosts may drop packets before they are missed.
  const kinds = [signal, ...symptoms.map(({ signal }) => signal)].map(({ kind }) => kind);
  return kind === 'silence'
    ? kinds.includes('silence')
    : kinds.some((one) => one === 'drop' || one === 'counter');
}

/** What an incident says that its hosts have in common; of a single one, that it is that one. */
function itemsOf({ explanation, hosts }: Incident): readonly Item[] | null {
  if (explanation) return explanation.items;
  return hosts.length === 1 ? [{ attribute: 'host', value: hosts[0]?.host_id ?? '' }] : null;
}

function explanationOf(incident: Incident): string {
  const items = itemsOf(incident);
  return items ? nameOf(items) : '';
}

function nameOf(items: readonly Item[]): string {
  const names = items.map(({ attribute, value }) => `${attribute}=${value}`).sort();
  return names.length === 0 ? 'the whole fleet' : names.join(' + ');
}
