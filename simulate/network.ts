/** The way from agents to the log: how long messages take, which come late and which twice. Must not know what they say. */
import type { Random } from './random.ts';
import type { Disturbances } from './truth.ts';

const MS = 1000;
const MOST_DELAY_US = 300 * MS;
const MOST_LATE_US = 40_000 * MS;
/** A log takes no repetition while it remembers the first: ten seconds. */
const FORGOTTEN_US = 10_000 * MS;

export class Network {
  readonly #random: Random;
  readonly #disturbances: Pick<Disturbances, 'late' | 'duplicated'>;

  constructor(random: Random, disturbances: Pick<Disturbances, 'late' | 'duplicated'>) {
    this.#random = random;
    this.#disturbances = disturbances;
  }

  /** How long a message takes in the usual way, µs: some ms, seldom much longer. */
  delayUs(): number {
    const random = this.#random;
    const mean = random.chance(0.02) ? 80 * MS : 8 * MS;
    return Math.round(Math.min(MOST_DELAY_US, 1 * MS + random.exponential(mean)));
  }

  /** How long a message waits in its host's spool besides, µs: mostly not at all. */
  spooledUs(): number {
    const random = this.#random;
    if (!random.chance(this.#disturbances.late)) return 0;
    return Math.round(Math.min(MOST_LATE_US, 2000 * MS + random.exponential(8000 * MS)));
  }

  /** How long after a message its repetition comes, µs, or null when none does. */
  repeatedUs(): number | null {
    const random = this.#random;
    if (!random.chance(this.#disturbances.duplicated)) return null;
    return Math.round(FORGOTTEN_US + random.exponential(5000 * MS));
  }
}
