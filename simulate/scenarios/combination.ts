/** Two things that are harmless alone: a firmware spoils packets only with one kernel, or only those of one service. */
import type { Attribute } from '../fleet.ts';
import { BAD_CHECKSUM } from '../signals.ts';
import { faultWindow, type Group, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

const COMBINATIONS: readonly (readonly Attribute[])[] = [
  ['firmware', 'kernel'],
  ['pool', 'firmware'],
];
/** Of fewer, some of which show it, nobody can tell whether it takes both. */
const LEAST_HOSTS = 40;
/** Of the hosts that have one of the two, those that have both are at most this share. */
const SHARED = 0.5;

export const combination: Scenario = {
  name: 'combination',
  summary: 'a firmware spoils packets only with one kernel or pool',
  plan(plan) {
    const { fleet, random } = plan;
    const span = { ...faultWindow(plan, 110), spreadS: 8 };
    const having = new Map(COMBINATIONS.flat().map((attribute) => [`${attribute}`, fleet.by(attribute)]));
    const isAlmostOne = ({ cause, hosts }: Group) => {
      return cause.some(({ attribute, value }) => {
        return hosts.length > SHARED * (having.get(attribute)?.get(value)?.length ?? 0);
      });
    };
    const groups = random.shuffle(COMBINATIONS).map((attributes) => {
      return groupBy(plan, attributes, { least: LEAST_HOSTS, unless: isAlmostOne });
    });
    const { cause, hosts } = groups.find((group) => !isAlmostOne(group)) ?? groups[0]!;
    const shown = plan.suffer(BAD_CHECKSUM, plan.manifesting(hosts), span);
    plan.fault({ kind: 'drop', cause, shown, signals: [BAD_CHECKSUM] });
  },
};
