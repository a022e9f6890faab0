/**
 * A vitest reporter: names every suite that was skipped, whose name carries the reason, and ends with the counts in one
 * line. With NETFALL_NO_SKIP=1 a skipped test fails the run.
 */
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import { type Outcome, summary } from './summary.ts';

export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const outcomes = modules.flatMap((module) => {
      const tests = [...module.children.allTests()].map((test) => outcome(module, test));
      // A module that failed to load, or whose hooks failed, has errors and perhaps no test that shows it.
      const broken = module.errors().length > 0;
      return broken ? [...tests, { state: 'failed', file: module.relativeModuleId } as const] : tests;
    });
    for (const _ of errors) outcomes.push({ state: 'failed', file: 'outside any test' });
    const strict = process.env['NETFALL_NO_SKIP'] === '1';
    const { lines, ok } = summary(outcomes, strict);
    if (!ok) process.exitCode = 1;
    // The other reporters print their summaries at the same event; the counts are to stand last.
    process.once('exit', () => process.stdout.write(`${lines.join('\n')}\n`));
  }
}

function outcome(module: TestModule, test: TestCase): Outcome {
  const result = test.result();
  if (result.state !== 'skipped') return { state: result.state === 'passed' ? 'passed' : 'failed' };
  return {
    state: 'skipped',
    file: module.relativeModuleId,
    name: skippedSuite(test) ?? test.fullName,
    ...(result.note && { note: result.note }),
  };
}

/** The outermost suite that is skipped as a whole: its name says why. */
function skippedSuite(test: TestCase): string | null {
  let found: string | null = null;
  let at: TestSuite | TestModule = test.parent;
  while (at.type === 'suite') {
    if (at.options.mode === 'skip') found = at.fullName;
    at = at.parent;
  }
  return found;
}
