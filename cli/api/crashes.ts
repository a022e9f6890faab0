/** Crashes as text. Pure. What they hold comes from hosts, dying ones too, so all of it is cleaned before it is printed. */
import type { Crash, CrashLog, CrashMismatch, CrashRecord } from '@netfall/collector';
import { isSurvived } from '@netfall/crash';
import {
  alternateRows,
  factLines,
  headline,
  hostText,
  meaningOf,
  moduleSection,
  taintText,
  whoText,
} from '../crash/page.ts';
import { stackLines } from '../crash/stack.ts';
import { section } from '../terminal/page.ts';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, compact, cut, span, styled } from '../terminal/text.ts';

/** Columns of the list that a host's name may take. */
const MOST_NAME = 20;
/** Kinds of trouble that a kernel lives on after. */

export function crashList(crashes: readonly Crash[], nowUs: number, paper: Paper): string[] {
  if (crashes.length === 0) return ['No crashes.'];
  return table(
    crashes,
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'WHEN', cell: ({ at_us }) => ago(at_us, nowUs) },
      { title: 'HOST', cell: (crash) => cut(clean(nameOf(crash)), MOST_NAME) },
      { title: 'KIND', cell: ({ kind }) => kind },
      { title: 'SOURCES', cell: sourcesOf },
      { title: 'LOG', cell: (crash) => logOf(bestOf(crash)) },
      {
        title: 'TITLE',
        cell: titleOf,
        flexible: true,
      },
    ],
    paper,
  );
}

export function crashPage(crash: Crash, nowUs: number, paper: Paper): string[] {
  const { id, at_us, detected_us, uptime_us, records, best, unlisted_records, mismatches, reading } = crash;
  const up = uptime_us > 0 ? `, ${span(uptime_us / 1e6)} after its boot` : '';
  const later = (detected_us - at_us) / 1e6;
  const facts: (readonly [string, string])[] = [
    ['host', crash.hostname || crash.host_id || `not known: heard from ${nameOf(crash)}`],
    ['kind', crash.kind || 'not known yet'],
    ['line', reading ? crash.line : ''],
    ['began', `${moment(at_us)} (${ago(at_us, nowUs)})${up}`],
    ['noticed', `${moment(detected_us)}, ${later < 1 ? 'at once' : `${span(later)} later`}`],
    ['process', reading ? whoText(reading) : ''],
    ['kernel', crash.kernel],
    ['taint', taintText(reading?.taint ?? '')],
    ['boot', crash.boot_id],
    ['machine', crash.hardware],
    ['log', logLine(crash)],
    ['signature', reading ? `${reading.signature}, of "${reading.bug}"` : ''],
    ...alternateRows(reading?.alternates ?? []),
    ['next', best === null ? '' : `netfall crashes log ${id}`],
    ['id', id],
    ['merged', crash.merged.join(', ')],
  ];
  return [
    ...titleLines(crash, paper),
    '',
    ...factLines(facts, paper),
    ...mismatchLines(mismatches, paper),
    ...section('STACK', stackOf(crash, paper), paper),
    '',
    ...table(
      records.map((record, i) => ({ ...record, i })),
      [
        { title: '#', cell: ({ i }) => String(i), right: true },
        { title: 'SOURCE', cell: ({ source }) => source },
        { title: 'BY', cell: ({ hostname, host_id }) => hostname || host_id, flexible: true },
        { title: 'FROM', cell: ({ sender }) => sender || 'its own host' },
        {
          title: 'BYTES',
          cell: (record) => ifReported(record, compact(record.bytes), 'not yet'),
          right: true,
        },
        { title: 'MISSING', cell: (record) => ifReported(record, missing(record)), right: true },
        { title: 'PARTS', cell: (record) => ifReported(record, compact(record.parts)), right: true },
        { title: 'TWICE', cell: (record) => ifReported(record, compact(record.duplicates)), right: true },
        { title: 'LOST', cell: (record) => ifReported(record, compact(record.lost_messages)), right: true },
      ],
      paper,
    ),
    ...(unlisted_records > 0 ? [`… and no room for more, ${unlisted_records} times`] : []),
    ...(reading ? moduleSection(reading.modules, reading.unlisted_modules, paper) : []),
  ];
}

/** What happened, what that means, and whether it is to be trusted. */
function titleLines({ reading, kind, line }: Crash, paper: Paper): string[] {
  const fatal = !isSurvived(kind);
  if (!reading)
    return headline(line || 'The line that tells what happened has not been seen yet.', fatal, paper);
  const meaning = meaningOf(reading.type);
  const doubt = reading.corrupted === '' ? '' : `Not to be trusted: ${reading.corrupted}.`;
  return [
    ...headline(reading.title, fatal, paper),
    ...(meaning === undefined ? [] : ['', ...hostText(meaning.meaning, paper)]),
    ...(doubt === '' ? [] : hostText(doubt, paper).map((text) => styled('yellow', text, paper.colour))),
  ];
}

function stackOf({ reading }: Crash, paper: Paper): string[] {
  if (!reading) return [];
  const { frames, unlisted_frames, guilty } = reading;
  const lines = stackLines(
    frames.map((frame) => ({ ...frame, source: '' })),
    guilty,
    paper,
  );
  return unlisted_frames > 0 ? [...lines, `    … and ${unlisted_frames} that had no room`] : lines;
}

/**
 * A log as it is, but for what would act on the terminal. On one, what is missing is set off, and who is blamed.
 * @param margin whether there is room for an arrow before a line: it would be taken for the log's where programs read it
 */
export function crashLogLines(
  { text, marks, report }: CrashLog,
  { colour }: Paper,
  margin: boolean,
): string[] {
  const marked = new Set(marks);
  const lines = text.split('\n');
  // The text ends with the end of its last line.
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, i) => {
    const harmless = line.split('\t').map(clean).join('\t');
    const blamed = i === report?.guilty;
    const edge = margin ? (blamed ? '→ ' : '  ') : '';
    if (marked.has(i)) return edge + styled('yellow', harmless, colour);
    return blamed ? styled('red', edge + harmless, colour) : edge + harmless;
  });
}

/** What happened, behind a mark when that is not to be trusted: at the end it would be cut. */
function titleOf({ reading, line }: Crash): string {
  const doubt = reading && reading.corrupted !== '' ? '(?) ' : '';
  return doubt + (reading?.title || line || 'not seen yet');
}

/** The host that crashed, or the first address that it was heard from. */
function nameOf({ hostname, host_id, records }: Crash): string {
  return hostname || host_id || (records.find(({ sender }) => sender !== '')?.sender ?? '');
}

/** The best source, and how many others. */
function sourcesOf(crash: Crash): string {
  const best = bestOf(crash)?.source ?? '';
  const others = new Set(crash.records.map(({ source }) => source)).size - 1;
  return others > 0 ? `${best} +${others}` : best;
}

function bestOf({ records, best }: Crash): CrashRecord | undefined {
  return records[best ?? 0];
}

/** What there is of a record's log, in two words. */
function logOf(record: CrashRecord | undefined): string {
  if (!record || record.revision === 0) return 'heard';
  if (record.complete) return 'whole';
  const holes = record.holes.length + record.unlisted_holes;
  if (holes === 0) return 'in part';
  return holes === 1 ? '1 hole' : `${compact(holes)} holes`;
}

function logLine(crash: Crash): string {
  const record = bestOf(crash);
  if (!record || crash.best === null) return 'not here yet: it follows once nothing more of it comes';
  const lacks = record.complete ? '' : `, ${missing(record)} missing`;
  const others = crash.records.filter(({ digest }) => digest !== '').length - 1;
  const more =
    others > 0 ? `; --record shows ${others === 1 ? 'the other one' : `the ${others} others`}` : '';
  return `${logOf(record)}, ${compact(record.bytes)} bytes by ${record.source}${lacks}${more}`;
}

/** How many bytes: exactly, at most (≤), about (~), or nobody knows (?). */
function missing({ holes, unlisted_holes, complete }: CrashRecord): string {
  let sum = 0;
  let exact = true;
  let unknown = unlisted_holes;
  for (const hole of holes) {
    sum += hole.bytes;
    if (hole.bytes === 0) unknown++;
    else if (!hole.exact) exact = false;
  }
  if (sum === 0) return complete ? '0' : '?';
  return `${unknown > 0 ? '~' : exact ? '' : '≤'}${compact(sum)}`;
}

function ifReported({ revision }: CrashRecord, text: string, otherwise = ''): string {
  return revision > 0 ? text : otherwise;
}

function mismatchLines(mismatches: readonly CrashMismatch[], paper: Paper): string[] {
  const lines = mismatches.flatMap((mismatch) => hostText(mismatchText(mismatch), paper));
  return section(
    'WHAT DOES NOT FIT',
    lines.map((line) => styled('yellow', line, paper.colour)),
    paper,
  );
}

function mismatchText({ what, said, known }: CrashMismatch): string {
  if (what === 'address') return `It was heard from ${said}, which is an address of ${known}.`;
  const name = what === 'kernel' ? 'kernel' : 'machine';
  return `Its ${name} was ${said} by its own word, and ${known} by the inventory.`;
}

/** UTC, to the second. */
function moment(us: number): string {
  return new Date(us / 1000).toISOString().replace(/\.\d+/, '');
}
