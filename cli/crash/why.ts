/** Why a crash has its title and its signature, and which known crashes are near to it. Pure. */
import type { CrashGroup } from '@netfall/collector';
import {
  crashTypes,
  type Frame,
  PARSER_VERSION,
  type Report,
  SIGNATURE_VERSION,
  signatureOf,
  signatureVersions,
} from '@netfall/crash';
import { indented, section } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { ago, clean, compact, cut, styled } from '../terminal/text.ts';
import type { Difference, Near } from './near.ts';
import { headline, isFatal } from './page.ts';
import { frameText } from './stack.ts';

/** Known crashes that are listed at most. */
const MOST_NEAR = 8;

/** A signature, and what was hashed to make it. */
export interface SignatureWhy {
  readonly version: number;
  /** Whether crashes are grouped by it. */
  readonly current: boolean;
  readonly signature: string;
  readonly meaning: string;
  readonly parts: readonly string[];
}

/** Near crashes, or why nobody can tell of them. */
export type Known = { readonly near: readonly Near[] } | { readonly unknown: string };

export interface Why {
  readonly report: Report;
  /** The line that began it. */
  readonly beginning: string;
  readonly known: Known;
  /** What the collector has for it; null when it has no reading, or the log is not one of its. */
  readonly collector: { readonly title: string; readonly parser_version: number } | null;
}

function signaturesOf(report: Report): SignatureWhy[] {
  return signatureVersions.map(({ version, meaning, parts }) => ({
    version,
    current: version === SIGNATURE_VERSION,
    signature: signatureOf(report, version),
    meaning,
    parts: parts(report),
  }));
}

/** As JSON; `about` names the crash. */
export function whyDocument(about: object, { report, beginning, known, collector }: Why): object {
  const { title, type, corrupted, signature, frames, guilty, place, start } = report;
  return {
    ...about,
    ...{ crash: true, title, type, corrupted: corrupted === '' ? false : corrupted },
    beginning: { line: start, text: beginning },
    passed: frames.filter(({ passed }) => passed !== ''),
    guilty: guilty === null ? null : (frames[guilty] ?? null),
    ...{ place, signature, signatures: signaturesOf(report), collector },
    near: 'near' in known ? known.near : null,
    ...('unknown' in known && { near_unknown: known.unknown }),
  };
}

export function whyPage(why: Why, nowUs: number, paper: Paper): string[] {
  const { report, known } = why;
  return [
    ...headline(report.title, isFatal(report), paper),
    ...section('WHY THIS TITLE', titleLines(why, paper), paper),
    ...section('WHY THIS SIGNATURE', signatureLines(report, paper), paper),
    ...section(
      'KNOWN CRASHES THAT ARE NEAR',
      'near' in known
        ? nearLines(known.near, nowUs, paper)
        : text(`Not looked at: ${known.unknown}`, 2, paper),
      paper,
    ),
  ];
}

function titleLines({ report, beginning, collector }: Why, paper: Paper): string[] {
  const { title, type, corrupted, start, frames, guilty, place } = report;
  const { title: name, meaning } = crashTypes[type];
  const passed = frames.filter((frame) => frame.passed !== '');
  const blamed = guilty === null ? undefined : frames[guilty];
  return [
    ...text(`Line ${start + 1} began it:`, 2, paper),
    ...text(beginning.trim(), 4, paper).map((line) => styled('bold', line, paper.colour)),
    ...text(`That is of type ${type}, ${name}. ${meaning}`, 2, paper),
    ...(passed.length > 0 ? ['', ...text('Passed over, since they are not to blame:', 2, paper)] : []),
    ...passed.map((frame) => styled('dim', frameLine(frame, frame.passed, paper), paper.colour)),
    '',
    ...(blamed
      ? [
          ...text(`Blamed, the first that is not passed over:`, 2, paper),
          styled('bold', frameLine(blamed, `line ${blamed.line + 1}`, paper), paper.colour),
        ]
      : text(
          place === ''
            ? 'No frame is blamed, and the title names no place.'
            : `No frame is blamed; the place is ${place}, by what the report says.`,
          2,
          paper,
        )),
    ...(corrupted === '' ? [] : text(`The report is not to be trusted: ${corrupted}.`, 2, paper)),
    ...(collector === null || collector.title === title ? [] : text(collectorText(collector), 2, paper)),
  ];
}

function collectorText({ title, parser_version }: NonNullable<Why['collector']>): string {
  const parser = parser_version === PARSER_VERSION ? '' : ", by another release's parser";
  return `The collector has it as "${title}"${parser}.`;
}

function frameLine(frame: Frame, why: string, { width }: Paper): string {
  return cut(`    ${frameText(frame)}  ${clean(why)}`, width);
}

function signatureLines(report: Report, paper: Paper): string[] {
  return signaturesOf(report).flatMap(({ version, current, signature, meaning, parts }, i) => [
    ...(i > 0 ? [''] : []),
    `  ${styled('bold', signature, paper.colour)}`,
    ...text(
      `Version ${version}, ${current ? 'by which crashes are grouped' : 'for previews only'}: ${meaning}.`,
      4,
      paper,
    ),
    ...parts.map((part) => cut(`      ${clean(part)}`, paper.width)),
  ]);
}

function nearLines(near: readonly Near[], nowUs: number, paper: Paper): string[] {
  if (near.length === 0) return text('None: nothing of this place or kind is known.', 2, paper);
  const lines = near
    .slice(0, MOST_NEAR)
    .flatMap((one, i) => [
      ...(i > 0 ? [''] : []),
      ...text(one.group.title, 2, paper).map((line) => styled('bold', line, paper.colour)),
      ...text(`${nearness(one)}: ${countsOf(one.group, nowUs)}`, 4, paper),
      ...(one.group.corrupted ? text('No report of these is to be trusted.', 4, paper) : []),
      ...one.differences.flatMap((difference) => text(differenceText(difference), 4, paper)),
    ]);
  const more = near.length - MOST_NEAR;
  return more > 0 ? [...lines, '', `  … and ${more} more`] : lines;
}

function nearness({ by, functions, shared }: Near): string {
  if (by === 'signature') return 'The same signature';
  if (by === 'place') return 'The same place, and something else happened';
  return `The same happened elsewhere, with ${shared} of ${functions} functions of the stack`;
}

function countsOf({ crashes, hosts_total, last_us, last_crash_id }: CrashGroup, nowUs: number): string {
  const many = crashes === 1 ? '1 crash' : `${compact(crashes)} crashes`;
  const hosts = hosts_total === 1 ? '1 host' : `${compact(hosts_total)} hosts`;
  return `${many} on ${hosts}, the last ${ago(last_us, nowUs)}, ${last_crash_id}.`;
}

const words = { kernel: 'Kernel', taint: 'Taint', hardware: 'Machine', caller: 'Called by' };

function differenceText({ what, here, there }: Difference): string {
  const named = there.slice(0, 3).map((name) => name || 'none');
  const more = there.length > named.length ? ` and ${there.length - named.length} more` : '';
  return `${words[what]}: ${here || 'none'}; theirs ${named.join(', ') || 'none'}${more}.`;
}

/** Text of a host's, in lines that fit. */
function text(of: string, indent: number, paper: Paper): string[] {
  return indented(clean(of), indent, paper).map((line) => cut(line, paper.width));
}
