/**
 * How well crashes are told from other logs, named and told apart, against the titles that people gave to a corpus of real
 * logs; and how long reading takes.
 *
 *   npm run bench -- crash-titles [--corpus=DIR] [--half=odd|even] [--runs=5] [--verbose] [--json]
 *
 * The corpus is a folder as kernel-reports.ts reads it, by default $NETFALL_CORPUS. --half takes every other log of it, so
 * that rules which were made with one half in view can be tried on the other. --verbose tells of all that disagrees.
 */
import { readCrash } from '@netfall/crash';
import { crashSpeed } from './crash-speed.ts';
import { type KernelReport, kernelReportsIn } from './kernel-reports.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const GOALS = {
  'right verdicts: crash or none': '>=0.99',
  'right titles': '>=0.9',
  'pairs with one signature, F1': '>=0.98',
} as const;

type Crash = ReturnType<typeof readCrash>;

interface Read {
  readonly expected: KernelReport;
  readonly crash: Crash;
}

export async function run(options: Options): Promise<readonly Result[]> {
  const { corpus = process.env['NETFALL_CORPUS'], half, verbose, runs = '5' } = options;
  const say = verbose ? (line: string) => console.error(line) : () => {};
  if (half !== undefined && half !== 'odd' && half !== 'even')
    throw new RangeError(`--half=${half}: write odd or even`);
  const speed = crashSpeed(Number(runs), say);
  if (typeof corpus !== 'string' || corpus === '') return [...unscored(), ...speed];
  const logs = kernelReportsIn(corpus).filter(
    (_, i) => half === undefined || (i % 2 === 0) === (half === 'odd'),
  );
  return [...titleScores(logs, say), ...speed];
}

function unscored(): readonly Result[] {
  return Object.entries(GOALS).map(([metric, goal]) =>
    unmeasured(metric, goal, 'needs a corpus: set NETFALL_CORPUS or give --corpus=DIR'),
  );
}

/** What is read of logs against their titles. @param say takes a line for each disagreement */
export function titleScores(logs: readonly KernelReport[], say: (line: string) => void): readonly Result[] {
  const all = logs.map((expected) => ({ expected, crash: readCrash(expected.log) }));
  const whole = all.filter(({ expected }) => !expected.corrupted);
  const cut = all.filter(({ expected }) => expected.corrupted).filter(isTitled);
  const titled = whole.filter(isTitled);
  for (const one of all) {
    const { file, titles, corrupted } = one.expected;
    const about = `${file}${corrupted ? ' (corrupted)' : ''}`;
    if (!isVerdictRight(one) || !isTitleRight(one))
      say(`${about}: expected ${titles.join(' | ') || 'no crash'}; got ${one.crash?.title ?? 'no crash'}`);
    if (one.crash && !corrupted && isToldCorrupted(one))
      say(`${about}: whole, told as: ${one.crash.corrupted}`);
  }
  const { precision, recall, f1 } = pairScores(titled, say);
  return [
    scored('right verdicts: crash or none', share(whole, isVerdictRight)),
    scored('right titles', share(titled, isTitleRight)),
    { metric: 'pairs with one signature, precision', value: precision },
    { metric: 'pairs with one signature, recall', value: recall },
    scored('pairs with one signature, F1', f1),
    { metric: 'whole, told as corrupted', value: share(titled, isToldCorrupted) },
    { metric: 'corrupted: right titles', value: share(cut, isTitleRight) },
    { metric: 'corrupted: told as corrupted', value: share(cut, isToldCorrupted) },
  ];
}

function scored(metric: keyof typeof GOALS, value: number): Result {
  return measured(metric, value, GOALS[metric]);
}

function isTitled({ expected }: Read): boolean {
  return expected.titles.length > 0;
}

function isVerdictRight(read: Read): boolean {
  return isTitled(read) === (read.crash !== null);
}

function isTitleRight({ expected, crash }: Read): boolean {
  return crash ? expected.titles.includes(crash.title) : expected.titles.length === 0;
}

function isToldCorrupted({ crash }: Read): boolean {
  return crash !== null && crash.corrupted !== '';
}

/**
 * Over all pairs of logs: two are of one bug if they have any title in common, and were found to be if their signatures are
 * equal.
 */
function pairScores(logs: readonly Read[], say: (line: string) => void) {
  let [both, sameOnly, foundOnly] = [0, 0, 0];
  for (const [i, a] of logs.entries()) {
    for (const b of logs.slice(i + 1)) {
      const isSame = a.expected.titles.some((title) => b.expected.titles.includes(title));
      const isFound = a.crash !== null && a.crash.signature === b.crash?.signature;
      if (isSame && isFound) both++;
      else if (isSame) sameOnly++;
      else if (isFound) foundOnly++;
      if (isSame !== isFound) say(`${a.expected.file} and ${b.expected.file}: ${apart(a, b, isSame)}`);
    }
  }
  return {
    precision: both / (both + foundOnly),
    recall: both / (both + sameOnly),
    f1: (2 * both) / (2 * both + sameOnly + foundOnly),
  };
}

function apart(a: Read, b: Read, isSame: boolean): string {
  const bugs = [a, b].map(({ crash }) => crash?.bug ?? 'no crash');
  const titles = [a, b].map(({ expected }) => expected.titles[0]);
  return isSame
    ? `one bug, ${titles.join(' and ')}, but two signatures: ${bugs.join(' and ')}`
    : `two bugs, ${titles.join(' and ')}, but one signature: ${bugs[0]}`;
}

function share<T>(of: readonly T[], holds: (one: T) => boolean): number {
  return of.filter(holds).length / of.length;
}
