/** A switch fails, and the collector that would tell of it is killed while it does. */
import { SECOND } from '../plan.ts';
import { faultWindow } from './common.ts';
import type { Scenario } from './scenario.ts';
import { failSwitch } from './tor-failure.ts';

/** As collectors claim: for so long, and again so often; and another one notices when nobody does. */
const LEASE_S = 15;
const RENEWED_S = 10;
const NOTICED_S = 1;
/** When it is killed, from the beginning of the fault. */
const KILLED_S = 20;

export const leaderKilled: Scenario = {
  name: 'leader-killed',
  summary: 'as tor-failure; the collector that notifies is killed',
  plan(plan) {
    const window = faultWindow(plan, Math.max(110, plan.silenceS));
    failSwitch(plan, window);
    const claim = (atUs: number, holder: string) =>
      plan.say(atUs, 'claim', { claim: { holder, lease_us: LEASE_S * SECOND } });
    let atUs = 0;
    for (; atUs < window.fromUs + KILLED_S * SECOND; atUs += RENEWED_S * SECOND) claim(atUs, 'replica-a');
    atUs += (LEASE_S - RENEWED_S + NOTICED_S) * SECOND;
    for (; atUs < plan.endUs; atUs += RENEWED_S * SECOND) claim(atUs, 'replica-b');
  },
};
