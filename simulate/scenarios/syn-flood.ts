/** Somebody opens connections to a service faster than its listeners take them. */
import { LISTEN_OVERFLOW, SYN_QUEUE_FULL } from '../signals.ts';
import { faultWindow, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

/** Of hosts whose accept queues overflow, those whose SYN queues do, too. */
const SYN_QUEUES = 0.9;

export const synFlood: Scenario = {
  name: 'syn-flood',
  summary: "a flood of SYNs: a service's listeners overflow",
  plan(plan) {
    const span = { ...faultWindow(plan, 110), spreadS: 4 };
    const { cause, hosts } = groupBy(plan, ['pool']);
    const hit = plan.manifesting(hosts);
    const queues = plan.random.sample(hit, Math.ceil(SYN_QUEUES * hit.length));
    const shown = [...plan.suffer(LISTEN_OVERFLOW, hit, span), ...plan.suffer(SYN_QUEUE_FULL, queues, span)];
    plan.fault({ kind: 'drop', cause, shown, signals: [LISTEN_OVERFLOW, SYN_QUEUE_FULL] });
  },
};
