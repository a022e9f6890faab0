/** All scenarios. */
import { backlogReplay } from './backlog-replay.ts';
import { combination } from './combination.ts';
import { conntrackExhaustion } from './conntrack-exhaustion.ts';
import { crashLoop } from './crash-loop.ts';
import { firmwareRollout } from './firmware-rollout.ts';
import { hostCrash } from './host-crash.ts';
import { imageCrash } from './image-crash.ts';
import { leaderKilled } from './leader-killed.ts';
import { chronicOnly, noiseOnly } from './nothing.ts';
import { overlapping } from './overlapping.ts';
import type { Scenario } from './scenario.ts';
import { poolSilence, switchSilence } from './silences.ts';
import { synFlood } from './syn-flood.ts';
import { torFailure } from './tor-failure.ts';

/** In the order in which they are listed. */
export const scenarios: readonly Scenario[] = [
  ...[torFailure, firmwareRollout, imageCrash, conntrackExhaustion, synFlood, hostCrash, crashLoop],
  ...[overlapping, combination, switchSilence, poolSilence, backlogReplay, leaderKilled],
  ...[noiseOnly, chronicOnly],
];
