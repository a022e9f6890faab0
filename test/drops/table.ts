/** The page docs/drop-signals.md out of what scenarios came to on several kernels. Pure. */
import type { Outcome } from './run.ts';

/** One run of all scenarios. */
export interface Column {
  /** Major and minor version of the kernel. */
  readonly kernel: string;
  /** What watched: `BPF`, `packet alerts`, `summary alerts`. */
  readonly mode: string;
  readonly outcomes: readonly Outcome[];
}

const INTRODUCTION = `<!-- Made by "NETFALL_VM=1 UPDATE=1 npm test -- test/vm/drop-signals": change test/drops/ instead. -->

# What a lost packet shows up as

Packets lost on purpose, on real kernels, and what there was to see of each: the reasons and functions of the drops that
were reported, or nothing, where only a counter shows the loss. Wherever something was reported, it was exactly as many
packets as were lost (\`NETFALL_VM=1 npm test\` counts them again).
`;

export function page(columns: readonly Column[]): string {
  const first = columns[0]?.outcomes ?? [];
  const sections = first.map(({ scenario, counter }) => {
    const rows = columns.map(({ kernel, mode, outcomes }) => {
      const outcome = outcomes.find((other) => other.scenario === scenario);
      return `| ${kernel} | ${mode} | ${outcome ? shown(outcome) : 'not tried'} |`;
    });
    return `## ${scenario}\n\nCounted by: ${counter}.\n\n| Linux | seen by | reported |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

function shown({ signals, skipped }: Outcome): string {
  if (skipped !== undefined)
    return `could not be made: ${skipped.replace(/^Error: /, '').replace(/\.$/, '')}`;
  if (signals.length === 0) return 'nothing';
  const names = signals.map(({ reason, function: fn }) => `\`${reason}\` in \`${fn}\``);
  return [...new Set(names)].sort().join(', ');
}
