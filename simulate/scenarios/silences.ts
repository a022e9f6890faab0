/** Many hosts fall silent at once: those behind a switch, which live on, and those of a service, which hang. */
import { SECOND } from '../plan.ts';
import { faultWindow, groupBy } from './common.ts';
import type { Scenario } from './scenario.ts';

/** How far apart hosts of a service hang, and are booted again, s. */
const SPREAD_S = 3;
const BOOTED_S = 10;

export const switchSilence: Scenario = {
  name: 'switch-silence',
  summary: 'hosts behind a switch are cut off together, and return',
  plan(plan) {
    const { fromUs, untilUs } = faultWindow(plan, plan.silenceS);
    const { cause, hosts } = groupBy(plan, ['gateway_mac']);
    const shown = plan.cut(plan.manifesting(hosts), fromUs, untilUs);
    plan.fault({ kind: 'silence', cause, shown, signals: ['silence'] });
  },
};

export const poolSilence: Scenario = {
  name: 'pool-silence',
  summary: 'hosts of one service hang together, until they are booted',
  plan(plan) {
    const { random } = plan;
    const { fromUs, untilUs } = faultWindow(plan, plan.silenceS);
    const { cause, hosts } = groupBy(plan, ['pool']);
    const within = (atUs: number, seconds: number) => atUs + Math.round(random.next() * seconds * SECOND);
    const shown = plan
      .manifesting(hosts)
      .map((host) => plan.down(host, within(fromUs, SPREAD_S), within(untilUs, BOOTED_S)));
    plan.fault({ kind: 'silence', cause, shown, signals: ['silence'] });
  },
};
