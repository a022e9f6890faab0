/** An image with a new kernel is rolled out, and hosts that have it die of one bug. */
import { BUGS } from '../crash.ts';
import { type Manifestation, SECOND } from '../plan.ts';
import { faultWindow, groupBy } from './common.ts';
import { chosen, ROLLOUT_S, rollOut } from './rollout.ts';
import type { Scenario } from './scenario.ts';

/** How long a host is off to boot into the image, and after a crash. */
const REBOOT_S = [15, 30] as const;
const RESET_S = [40, 60] as const;
/** How long the kernel lives. */
const LIVES_S = [15, 80] as const;
const AFTER_S = 130;
const ANNOUNCED_BEFORE_S = 5;

export const imageCrash: Scenario = {
  name: 'image-crash',
  summary: 'an image with a new kernel comes in waves, and crashes',
  plan(plan) {
    const { random } = plan;
    const { fromUs } = faultWindow(plan, ROLLOUT_S + AFTER_S);
    const { hosts } = groupBy(plan, ['image']);
    const image = `Debian GNU/Linux 13 base 2026.${random.below(12) + 1}`;
    const kernel = `6.12.${70 + random.below(20)}-amd64`;
    plan.announce(fromUs - ANNOUNCED_BEFORE_S * SECOND, {
      id: 'image-rollout',
      kind: 'deployment',
      summary: `${image} with kernel ${kernel}`,
      attributes: [{ key: 'image', value: image }],
    });
    const bug = random.pick(BUGS);
    const taken = chosen(plan, hosts);
    const hit = new Set(plan.manifesting(taken));
    const shown: Manifestation[] = [];
    const after = (atUs: number, [least, most]: readonly [number, number]) =>
      atUs + Math.round(random.between(least, most) * SECOND);
    for (const { host, atUs } of rollOut(plan, taken, fromUs)) {
      const bootedUs = after(atUs, REBOOT_S);
      plan.down(host, atUs, bootedUs, 'SIGTERM');
      // It boots into it: nobody is there to notice.
      plan.become(host, bootedUs - SECOND, { image, kernel }, bootedUs);
      if (hit.has(host))
        shown.push(plan.crash(host, after(bootedUs, LIVES_S), bug, random.between(...RESET_S)));
    }
    plan.fault({ kind: 'crash', cause: [{ attribute: 'image', value: image }], shown, signals: [bug] });
  },
};
