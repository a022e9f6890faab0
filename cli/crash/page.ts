/** A crash as its log tells of it, as a page for whom it woke. Pure. All of it comes from hosts, so it is cleaned. */
import {
  type CrashType,
  type CrashTypeMeaning,
  crashTypes,
  type OtherReport,
  type Report,
  taintMeanings,
} from '@netfall/crash';
import { indented, labelled, section } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { clean, cut, span, styled, wrap } from '../terminal/text.ts';
import { stackLines } from './stack.ts';

/** Columns that the labels of facts take. */
const LABELS = 11;
/** Other reports that are listed at most: a dying kernel repeats itself. */
const MOST_OTHERS = 8;

export function reportPage(report: Report, paper: Paper): string[] {
  const { title, type, corrupted, frames, guilty, modules } = report;
  const { colour } = paper;
  return [
    ...headline(title, isFatal(report), paper),
    '',
    ...hostText(crashTypes[type].meaning, paper),
    ...(corrupted === ''
      ? []
      : hostText(`Not to be trusted: ${corrupted}.`, paper).map((line) => styled('yellow', line, colour))),
    '',
    ...facts(report, paper),
    ...section('STACK', stackLines(frames, guilty, paper), paper),
    ...section('WHAT FOLLOWED', others(report.consequences, paper), paper),
    ...section('WHAT CAME BEFORE', before(report, paper), paper),
    ...section('EARLIER TROUBLE', others(report.earlier, paper), paper),
    ...moduleSection(modules, 0, paper),
  ];
}

/** What a type of crash means; undefined for one of another release. */
export function meaningOf(type: string): CrashTypeMeaning | undefined {
  return Object.hasOwn(crashTypes, type) ? crashTypes[type as CrashType] : undefined;
}

/** Whether a kernel does not usually live on after what happened, or after what followed: a warning may end in a panic. */
export function isFatal({ type, consequences }: Report): boolean {
  return [type, ...consequences.map((other) => other.type)].some((one) => !crashTypes[one].survived);
}

/** A title, red for what a kernel does not live on after. */
export function headline(title: string, fatal: boolean, paper: Paper): string[] {
  return hostText(title, paper).map((line) => styled(fatal ? 'red' : 'yellow', line, paper.colour));
}

/** How many modules there were, and their names. @param unlisted those that are counted only */
export function moduleSection(names: readonly string[], unlisted: number, paper: Paper): string[] {
  const more = unlisted > 0 ? ` and ${unlisted} that had no room` : '';
  const lines = names.length === 0 ? [] : indented(clean(names.join(' ') + more), 2, paper);
  return section(
    `MODULES (${names.length + unlisted})`,
    lines.map((line) => cut(line, paper.width)),
    paper,
  );
}

/** Rows of facts for other titles of the same trouble. */
export function alternateRows(alternates: readonly string[]): (readonly [string, string])[] {
  return alternates.map((title, i) => [i === 0 ? 'also' : '', title]);
}

/** Text of a host's, in lines that fit. */
export function hostText(text: string, { width }: Paper): string[] {
  return wrap(clean(text), width).map((line) => cut(line, width));
}

/** Labels and what stands beside them, without those that have nothing. */
export function factLines(rows: readonly (readonly [string, string])[], paper: Paper): string[] {
  return rows
    .filter(([, value]) => value !== '')
    .flatMap(([label, value]) => labelled(label, clean(value), LABELS, paper))
    .map((line) => cut(line, paper.width));
}

/** What the letters are and mean, or nothing when it is not tainted. */
export function taintText(flags: string): string {
  const meanings = taintMeanings(flags);
  return meanings.length === 0 ? flags : `${flags}: ${meanings.join('; ')}`;
}

/** "sh (77) on CPU 1", as far as it is known. */
export function whoText({ process, pid, cpu }: Pick<Report, 'process' | 'pid' | 'cpu'>): string {
  const who = pid === null ? process : `${process} (${pid})`.trim();
  return `${who}${cpu === null ? '' : ` on CPU ${cpu}`}`.trim();
}

function facts(report: Report, paper: Paper): string[] {
  const { type, place, uptimeUs, kernel, taint, hardware, start, end, signature, bug, alternates } = report;
  const seconds = uptimeUs / 1e6;
  return factLines(
    [
      ['type', `${type}, ${crashTypes[type].title}`],
      ['place', place],
      ['process', whoText(report)],
      ['uptime', uptimeUs > 0 ? `${seconds.toFixed(6)} s, ${span(seconds)} after its boot` : ''],
      ['kernel', kernel],
      ['taint', taintText(taint.flags)],
      ['machine', hardware],
      ['log', end - start > 1 ? `lines ${start + 1} to ${end}` : `line ${end}`],
      ['signature', `${signature}, of "${bug}"`],
      ...alternateRows(alternates),
    ],
    paper,
  );
}

function others(all: readonly OtherReport[], { width }: Paper): string[] {
  const lines = all
    .slice(0, MOST_OTHERS)
    .map(({ title, line }) => cut(`  ${clean(title)}, line ${line + 1}`, width));
  return all.length > lines.length ? [...lines, `  … and ${all.length - lines.length} more`] : lines;
}

function before({ before: messages }: Report, { width, colour }: Paper): string[] {
  return messages.map((message) => styled('dim', cut(`  ${clean(message)}`, width), colour));
}
