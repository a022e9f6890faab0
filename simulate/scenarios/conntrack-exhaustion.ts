/** The connection tables of a service's hosts are full, so that netfilter drops what would need an entry. */
import { NETFILTER_DROP } from '../signals.ts';
import { faultWindow, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

export const conntrackExhaustion: Scenario = {
  name: 'conntrack-exhaustion',
  summary: "the connection tables of a service's hosts are full",
  plan(plan) {
    const span = { ...faultWindow(plan, 110), spreadS: 8 };
    const { cause, hosts } = groupBy(plan, ['pool']);
    const shown = plan.suffer(NETFILTER_DROP, plan.manifesting(hosts), span);
    plan.fault({ kind: 'drop', cause, shown, signals: [NETFILTER_DROP] });
  },
};
