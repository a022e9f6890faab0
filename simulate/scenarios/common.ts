/** What scenarios have in common: everyday life before and after, and whom a fault may befall. */
import type { Attribute, Host, Pair } from '../fleet.ts';
import type { Plan } from '../plan.ts';

/** Everyday life before anything happens, and after it, s. */
const WARM_UP_S = 80;
const RECOVERY_S = 70;

/** A fault's share of the fleet: neither a trifle nor more hosts than anybody would wait for. */
const LEAST_HOSTS = 4;
const MOST_HOSTS = 2000;

/** Everyday life, a fault for so long, and everyday life again. Returns when the fault begins and ends, µs. */
export function faultWindow(
  plan: Plan,
  seconds: number,
): { readonly fromUs: number; readonly untilUs: number } {
  plan.window('warm-up', WARM_UP_S);
  const fault = plan.window('fault', seconds);
  plan.window('recovery', RECOVERY_S);
  return fault;
}

export interface Group {
  readonly cause: readonly Pair[];
  readonly hosts: readonly Host[];
}

/** Which hosts may be picked. */
export interface Wanted {
  /** How many hosts there have to be. */
  readonly least?: number;
  /** Groups that are taken only where a small fleet has no others. */
  readonly unless?: (group: Group) => boolean;
}

/** Some hosts that share a value of an attribute, or of each of several. */
export function groupBy(
  plan: Plan,
  attributes: readonly Attribute[],
  { least = LEAST_HOSTS, unless = () => false }: Wanted = {},
): Group {
  const { fleet, random } = plan;
  const groups = Array.from(fleet.by(...attributes).values(), (hosts): Group => {
    const cause = attributes.map((attribute) => ({ attribute, value: hosts[0]!.values[attribute] }));
    return { cause, hosts };
  });
  const most = Math.min(MOST_HOSTS, fleet.hosts.length / 2);
  const fitting = groups.filter(({ hosts }) => hosts.length >= least);
  const small = fitting.filter(({ hosts }) => hosts.length <= most);
  const wanted = [small, fitting].map((some) => some.filter((group) => !unless(group)));
  return random.pick([...wanted, small, fitting, groups].find((some) => some.length > 0) ?? groups);
}
