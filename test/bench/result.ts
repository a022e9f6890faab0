/** What a benchmark hands back. Knows no particular benchmark. */

/** A figure: measured, and compared with its goal where it has one; or not measured, and why. */
export interface Result {
  readonly metric: string;
  /** A ratio against something measured in the same run, or what a budget limits. */
  readonly value?: number;
  /** E.g. "<=0.5", "=1". */
  readonly goal?: string;
  /** Whether the goal was met. */
  readonly ok?: boolean;
  /** Why there is no value. */
  readonly skipped?: string;
}

/** What stood on the command line as `--key=value` or `--key`, for the benchmark to read. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

/** Measures everything that a benchmark is about. Rejects with RangeError for an option that makes no sense. */
export type Benchmark = (options: Options) => Promise<readonly Result[]>;

const goalText = /^(<=|>=|<|>|=)(-?\d+(?:\.\d+)?)$/;

/** A measured figure and whether it meets its goal. Throws RangeError for a goal that cannot be read. */
export function measured(metric: string, value: number, goal: string): Result {
  const [, relation, text] = goalText.exec(goal) ?? [];
  if (text === undefined) throw new RangeError(`${metric} has the goal ${goal}: write one like <=0.5`);
  const limit = Number(text);
  const ok =
    relation === '<='
      ? value <= limit
      : relation === '>='
        ? value >= limit
        : relation === '<'
          ? value < limit
          : relation === '>'
            ? value > limit
            : value === limit;
  return { metric, value, goal, ok };
}

/** A figure that could not be measured here. */
export function unmeasured(metric: string, goal: string, why: string): Result {
  return { metric, goal, skipped: why };
}
