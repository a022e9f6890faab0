/** A host crashes again each time it has booted. */
import { BUGS } from '../crash.ts';
import { ofHost, SECOND } from '../plan.ts';
import { faultWindow } from './common.ts';
import type { Scenario } from './scenario.ts';

const TIMES = 4;
const EVERY_S = 45;
const OFF_S = 20;

export const crashLoop: Scenario = {
  name: 'crash-loop',
  summary: 'one host crashes again and again',
  plan(plan) {
    const { fleet, random } = plan;
    const { fromUs } = faultWindow(plan, TIMES * EVERY_S);
    const host = random.pick(plan.ordinary(fleet.hosts));
    const bug = random.pick(BUGS);
    const shown = Array.from({ length: TIMES }, (_, i) => {
      return plan.crash(
        host,
        fromUs + Math.round((i * EVERY_S + random.between(0, 10)) * SECOND),
        bug,
        OFF_S,
      );
    });
    plan.fault({ kind: 'crash', cause: ofHost(host), shown, signals: [bug] });
  },
};
