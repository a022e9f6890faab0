/** What the test reporter prints at the end of a run. Pure: outcomes in, lines out. */

export type Outcome =
  | { readonly state: 'passed' }
  | { readonly state: 'failed'; readonly file?: string }
  | { readonly state: 'skipped'; readonly file: string; readonly name: string; readonly note?: string };

/** The closing lines, and whether the run counts as good. `strict` makes a skipped test a failure. */
export function summary(
  outcomes: readonly Outcome[],
  strict: boolean,
): { readonly lines: readonly string[]; readonly ok: boolean } {
  const count = (state: Outcome['state']) => outcomes.filter((outcome) => outcome.state === state).length;
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')];
  const suites = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.state !== 'skipped') continue;
    const note = outcome.note ? `: ${outcome.note}` : '';
    const suite = `${outcome.file} > ${outcome.name}${note}`;
    suites.set(suite, (suites.get(suite) ?? 0) + 1);
  }
  const lines = [...suites].map(([suite, tests]) => `  ${suite} [${tests}]`);
  if (skipped > 0) lines.unshift(strict ? 'Skipped, which is not allowed here:' : 'Skipped:');
  lines.push(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return { lines, ok: failed === 0 && passed > 0 && !(strict && skipped > 0) };
}
