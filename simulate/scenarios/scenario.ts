/** What a scenario is. */
import type { Plan } from '../plan.ts';
import type { Disturbances } from '../truth.ts';

export interface Scenario {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** What it is about, where that is not what disturbs every other one. */
  readonly disturbances?: Partial<Disturbances>;
  /** Writes down what happens, and the truth about it. */
  readonly plan: (plan: Plan) => void;
}
