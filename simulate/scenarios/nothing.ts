/** Windows in which nothing is wrong, however it looks. */
import type { Plan } from '../plan.ts';
import type { Scenario } from './scenario.ts';

const WINDOW_S = 300;

function nothing(plan: Plan): void {
  plan.window('quiet', WINDOW_S);
}

export const noiseOnly: Scenario = {
  name: 'noise-only',
  summary: 'nothing is wrong: hosts have short, random troubles',
  disturbances: { chronic: 0 },
  plan: nothing,
};

export const chronicOnly: Scenario = {
  name: 'chronic-only',
  summary: 'nothing is wrong: some hosts have always dropped much',
  disturbances: { noise: 0 },
  plan: nothing,
};
