/**
 * Hosts whose trouble belongs together: how such a group is named, numbered, and held against an incident. Pure functions; how
 * groups are found, and what becomes of them, is correlate.ts's business.
 */
import { type Active, classKey, type SignalClass } from './classes.ts';
import type { Found } from './explain/scan.ts';
import type { IncidentRecord } from './incident.ts';
import type { Moment } from './log-time.ts';
import type { AttributeValue, Explanation } from './model.ts';

/** Symptoms that begin within this time of each other, on the same hosts, are of one incident. */
export const NEAR_US = 300_000_000;
/** Hosts that two symptoms have in common, of all that have either, for that. */
const ALIKE = 0.6;
/** A host reports every ten seconds: what ends and what begins within this time may be one. */
export const HANDOVER_US = 15_000_000;

/** Hosts that belong together, and why. */
export interface Group {
  readonly hosts: readonly string[];
  /** Names it among the groups of its class. */
  readonly canonical: string;
  readonly explanation: Explanation | null;
}

export function hasClass({ signal, symptoms }: IncidentRecord, key: string): boolean {
  return classKey(signal) === key || symptoms.some((symptom) => classKey(symptom.signal) === key);
}

/** Whether other trouble, of these hosts and since then, belongs to an incident. */
export function isAlike(
  { state, signal, symptoms, explanation, hosts, last_us }: IncidentRecord,
  { ids, since, name }: { readonly ids: ReadonlySet<string>; readonly since: number; readonly name: string },
  { nowUs }: Moment,
): boolean {
  if (state === 'candidate' || signal.kind === 'backlog' || signal.kind === 'crash') return false;
  const begun = Math.max(...symptoms.map(({ first_us }) => first_us));
  if (nowUs - begun > NEAR_US) return false;
  // What is over has nothing to do with what begins later, unless the one ended in the other, as drops do in silence.
  if (state === 'resolving' && since > last_us + HANDOVER_US) return false;
  // That both are the whole fleet's says nothing.
  if (name !== '' && name !== FLEET && explanation && canonical(explanation.items) === name) return true;
  const common = hosts.filter(({ host_id }) => ids.has(host_id)).length;
  return common > 0 && common >= ALIKE * (hosts.length + ids.size - common);
}

/**
 * When the trouble of a group began: on the first of its hosts, but for those that chance would find in trouble among so many
 * at any moment. They may have been in it for long.
 */
export function sinceOf({ explanation }: Group, members: readonly Active[], chancePpm: number): number {
  const onsets = members.map(({ spell }) => spell.since_us).sort((a, b) => a - b);
  const byChance = Math.round(((explanation?.covered ?? 0) * chancePpm) / 1_000_000);
  return onsets[Math.min(byChance, Math.floor(onsets.length / 2))] as number;
}

/** What names the explanation without items. */
const FLEET = 'fleet';

/** What names an explanation: e.g. "firmware=mlx5_core 28.39,pool=api", or "fleet". */
export function canonical(items: readonly AttributeValue[]): string {
  return items.map(({ attribute, value }) => `${attribute}=${value}`).join(',') || FLEET;
}

export function fingerprintOf({ key }: Pick<SignalClass, 'key'>, name: string): string {
  return `${key}@${name}`;
}

/** More hosts than before by the same, or a likelier one. */
export function isStronger(one: Explanation, before: Explanation): boolean {
  if (canonical(one.items) === canonical(before.items)) return one.affected > before.affected;
  return one.likelihood_milli > before.likelihood_milli;
}

export function groupOf(found: Found, changedUs: number): Group {
  return { hosts: found.hosts, canonical: canonical(found.items), explanation: numbersOf(found, changedUs) };
}

/** The numbers of an explanation, as integers. */
function numbersOf(found: Found, changedUs: number): Explanation {
  const { items, equivalents, covered, affected, others, othersAffected, nats, rivals } = found;
  const all = affected + othersAffected;
  const rate = affected / covered;
  const control = (othersAffected + 0.5) / (others + 1);
  return {
    items,
    equivalents,
    covered,
    affected,
    others,
    others_affected: othersAffected,
    support_ppm: Math.round((affected / all) * 1_000_000),
    lift_milli: Math.round((rate / (all / (covered + others))) * 1000),
    risk_ratio_milli: Math.round(((affected + 0.5) / (covered + 1) / control) * 1000),
    likelihood_milli: Math.round(nats * 1000),
    changed_us: changedUs,
    rivals,
  };
}
