/** Hosts are cut off for longer than what they say stays news, have trouble meanwhile, and then send all of it. */
import { SECOND } from '../plan.ts';
import { NETFILTER_DROP } from '../signals.ts';
import { faultWindow, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

/** What is older than ten minutes is history: with trouble in its first minutes, the partition has to last longer. */
const PARTITION_S = 720;
const TROUBLE = { fromS: 15, untilS: 75 };

export const backlogReplay: Scenario = {
  name: 'backlog-replay',
  summary: 'hosts are cut off for 12 minutes, then send what they kept',
  plan(plan) {
    const { fromUs, untilUs } = faultWindow(plan, PARTITION_S);
    const { cause, hosts } = groupBy(plan, ['gateway_mac']);
    const cut = plan.cut(hosts, fromUs, untilUs);
    const id = plan.fault({ kind: 'silence', cause, shown: cut, signals: ['silence'] });
    const shown = plan.suffer(NETFILTER_DROP, plan.manifesting(hosts), {
      ...{ fromUs: fromUs + TROUBLE.fromS * SECOND, untilUs: fromUs + TROUBLE.untilS * SECOND, spreadS: 4 },
    });
    plan.fault({ kind: 'drop', cause, shown, signals: [NETFILTER_DROP], consequenceOf: id, late: true });
  },
};
