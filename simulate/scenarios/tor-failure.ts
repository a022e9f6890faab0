/** A top-of-rack switch fails: its hosts do not find their neighbours any more, and some cannot be heard. */
import type { Plan } from '../plan.ts';
import { SECOND } from '../plan.ts';
import { NEIGH_FAILED, NEIGH_QUEUEFULL } from '../signals.ts';
import { faultWindow, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

/** Of the hosts in trouble, at most so many fall silent. */
const MOST_SILENT = 0.15;
/** They get this far before. */
const LAST_WORDS_S = 8;

export const torFailure: Scenario = {
  name: 'tor-failure',
  summary: 'a switch fails: hosts lose their neighbours or all contact',
  plan: (plan) => failSwitch(plan, faultWindow(plan, Math.max(110, plan.silenceS))),
};

/** Lets a switch fail for a time. */
export function failSwitch(plan: Plan, { fromUs, untilUs }: { fromUs: number; untilUs: number }): void {
  const { random } = plan;
  const { cause, hosts } = groupBy(plan, ['gateway_mac']);
  const hit = plan.manifesting(hosts);
  const towards = () => random.sample(plan.fleet.hosts, 6).map(({ address }) => address);
  const shown = plan.suffer(NEIGH_FAILED, hit, { fromUs: fromUs + SECOND, untilUs, spreadS: 4 }, towards);
  const queues = plan.manifesting(hit);
  const more = plan.suffer(NEIGH_QUEUEFULL, queues, { fromUs: fromUs + 2 * SECOND, untilUs, spreadS: 4 });
  const signals = [NEIGH_FAILED, NEIGH_QUEUEFULL];
  const id = plan.fault({ kind: 'drop', cause, shown: [...shown, ...more], signals });
  const silent = random.sample(hit, Math.floor(hit.length * random.between(0, MOST_SILENT)));
  if (silent.length === 0) return;
  const cut = plan.cut(silent, fromUs + LAST_WORDS_S * SECOND, untilUs);
  plan.fault({ kind: 'silence', cause, shown: cut, signals: ['silence'], consequenceOf: id });
}
