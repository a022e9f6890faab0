/** New firmware comes to network cards of one kind, and spoils what they receive. */
import { type Manifestation, SECOND } from '../plan.ts';
import { BAD_CHECKSUM, RX_MISSED } from '../signals.ts';
import { faultWindow, groupBy } from './common.ts';
import { chosen, ROLLOUT_S, rollOut } from './rollout.ts';
import type { Scenario } from './scenario.ts';

/** An agent looks once a minute what its host is made of, and when there is trouble. */
const LOOKS_S = 60;
/** It takes some traffic until it shows. */
const SHOWS_S = [2, 20] as const;
/** How long it goes on once all hosts have it. */
const AFTER_S = 90;
const ANNOUNCED_BEFORE_S = 5;

export const firmwareRollout: Scenario = {
  name: 'firmware-rollout',
  summary: 'NIC firmware comes in waves, and spoils packets',
  plan(plan) {
    const { random } = plan;
    const { fromUs, untilUs } = faultWindow(plan, ROLLOUT_S + AFTER_S);
    const { cause: old, hosts } = groupBy(plan, ['firmware']);
    const [card = ''] = (old[0]?.value ?? '').split(' ');
    const version = `31.${random.below(100)}.${1000 + random.below(9000)}`;
    const firmware = `${card} ${version}`;
    plan.announce(fromUs - ANNOUNCED_BEFORE_S * SECOND, {
      id: 'firmware-rollout',
      kind: 'firmware',
      summary: `firmware ${version} for ${card}`,
      attributes: [{ key: 'firmware', value: firmware }],
    });
    const taken = chosen(plan, hosts);
    const hit = new Set(plan.manifesting(taken));
    const shown: Manifestation[] = [];
    for (const { host, atUs } of rollOut(plan, taken, fromUs)) {
      plan.become(host, atUs, { firmware }, atUs + Math.round(random.next() * LOOKS_S * SECOND));
      if (!hit.has(host)) continue;
      const span = { fromUs: atUs + Math.round(random.between(...SHOWS_S) * SECOND), untilUs, spreadS: 0 };
      shown.push(...plan.suffer(BAD_CHECKSUM, [host], span));
      if (random.chance(0.8)) shown.push(...plan.suffer(RX_MISSED, [host], span));
    }
    const cause = [{ attribute: 'firmware', value: firmware }];
    plan.fault({ kind: 'drop', cause, shown, signals: [BAD_CHECKSUM, RX_MISSED] });
  },
};
