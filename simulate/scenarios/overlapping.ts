/** Two causes at once: a switch and a firmware, which show in the same way or in two ways. */
import { SECOND } from '../plan.ts';
import { BAD_CHECKSUM, NEIGH_FAILED } from '../signals.ts';
import { faultWindow, type Group, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

/** The second begins so long after the first. */
const APART_S = [5, 35] as const;
/** Of two groups, the hosts that are of both are at most this share of the smaller one, if that can be had. */
const SHARED = 0.2;

export const overlapping: Scenario = {
  name: 'overlapping',
  summary: 'a switch and a firmware make trouble at the same time',
  plan(plan) {
    const { random } = plan;
    const { fromUs, untilUs } = faultWindow(plan, 130);
    const first = groupBy(plan, ['gateway_mac']);
    const ofFirst = new Set(first.hosts);
    const isAlike = ({ hosts }: Group) => {
      const shared = hosts.filter((host) => ofFirst.has(host)).length;
      return shared > SHARED * Math.min(hosts.length, first.hosts.length);
    };
    const second = groupBy(plan, ['firmware'], { unless: isAlike });
    const signal = random.chance(0.5) ? NEIGH_FAILED : BAD_CHECKSUM;
    const begin = { fromUs, untilUs, spreadS: 4 };
    const later = { ...begin, fromUs: fromUs + Math.round(random.between(...APART_S) * SECOND) };
    const ofSwitch = plan.suffer(signal, plan.manifesting(first.hosts), begin);
    plan.fault({ kind: 'drop', cause: first.cause, shown: ofSwitch, signals: [signal] });
    const ofFirmware = plan.suffer(BAD_CHECKSUM, plan.manifesting(second.hosts), later);
    plan.fault({ kind: 'drop', cause: second.cause, shown: ofFirmware, signals: [BAD_CHECKSUM] });
  },
};
