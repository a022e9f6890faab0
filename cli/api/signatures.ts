/** Crashes by signature as text, and what other signatures would make of them. Pure. What hosts said is cleaned. */
import type {
  CrashGroup,
  CrashShare,
  SignatureChange,
  SignatureCount,
  SignaturePreview,
} from '@netfall/collector';
import { indented } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, compact, cut, styled } from '../terminal/text.ts';

/** A row for each signature, with the title below it: beside the rest there would be no room for one. */
export function groupList(groups: readonly CrashGroup[], nowUs: number, paper: Paper): string[] {
  if (groups.length === 0) return ['No crashes of which it is known what they were.'];
  const [heading = '', ...rows] = table(
    groups,
    [
      { title: 'CRASHES', cell: ({ crashes }) => compact(crashes), right: true },
      { title: 'HOSTS', cell: ({ hosts_total }) => compact(hosts_total), right: true },
      { title: 'SINCE', cell: ({ first_us }) => ago(first_us, nowUs) },
      { title: 'LAST', cell: ({ last_us }) => ago(last_us, nowUs) },
      { title: 'SIGNATURE', cell: ({ signature }) => signature },
      { title: 'KERNELS', cell: ({ kernels }) => firstOf(kernels), flexible: true },
    ],
    paper,
  );
  const titles = groups.map(({ title, corrupted }) => {
    const doubt = corrupted ? ' (not to be trusted)' : '';
    return styled('bold', cut(`  ${clean(title)}${doubt}`, paper.width), paper.colour);
  });
  return [heading, ...rows.flatMap((row, i) => [row, titles[i] ?? ''])];
}

/** The most frequent one, and how many others. */
function firstOf(shares: readonly CrashShare[]): string {
  const [first] = shares;
  if (!first) return '';
  return shares.length > 1 ? `${first.name} +${shares.length - 1}` : first.name;
}

export function previewPage(preview: SignaturePreview, paper: Paper): string[] {
  const { version, current_version, meaning, crashes, groups_before, groups_after } = preview;
  const { changes, unlisted_changes } = preview;
  const summary =
    `Signatures of version ${version} would be the same for crashes that share ${meaning}: ` +
    `${compact(groups_after)} of them instead of ${compact(groups_before)} of version ${current_version}, ` +
    `over ${compact(crashes)} ${crashes === 1 ? 'crash' : 'crashes'}.`;
  return [
    ...indented(clean(summary), 0, paper),
    ...(changes.length === 0 ? ['', 'None would be merged, and none split.'] : []),
    ...changes.flatMap((change) => ['', ...changeLines(change, paper)]),
    ...(unlisted_changes > 0 ? ['', `… and ${compact(unlisted_changes)} more changes`] : []),
  ];
}

const headings = { merge: 'MERGED', split: 'SPLIT', regroup: 'GROUPED ANEW' };

function changeLines({ what, before, after }: SignatureChange, paper: Paper): string[] {
  const lines = (counts: readonly SignatureCount[], sign: string) =>
    counts.map(({ signature, title, crashes }) =>
      cut(`  ${sign} ${signature}  ${compact(crashes).padStart(5)}  ${clean(title)}`, paper.width),
    );
  return [styled('bold', headings[what], paper.colour), ...lines(before, '-'), ...lines(after, '+')];
}
