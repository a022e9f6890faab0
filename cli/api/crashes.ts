/** Crashes as text. Pure. What they hold comes from hosts, dying ones too, so all of it is cleaned before it is printed. */
import type { Crash, CrashLog, CrashMismatch, CrashRecord } from '@netfall/collector';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, compact, cut, span, styled, wrap } from '../terminal/text.ts';

/** Columns of the list that a host's name may take. */
const MOST_NAME = 20;
/** Kinds of trouble that a kernel lives on after. */
const SURVIVED: readonly string[] = ['warning', 'hung task', 'stall'];

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
      { title: 'TITLE', cell: ({ line }) => line || 'not seen yet', flexible: true },
    ],
    paper,
  );
}

export function crashPage(crash: Crash, nowUs: number, paper: Paper): string[] {
  const { id, at_us, detected_us, uptime_us, records, best, unlisted_records, mismatches } = crash;
  const up = uptime_us > 0 ? `, ${span(uptime_us / 1e6)} after its boot` : '';
  const later = (detected_us - at_us) / 1e6;
  const title = clean(crash.line || 'The line that tells what happened has not been seen yet.');
  const tone = SURVIVED.includes(crash.kind) ? 'yellow' : 'red';
  const facts: [string, string][] = [
    ['host', crash.hostname || crash.host_id || `not known: heard from ${nameOf(crash)}`],
    ['kind', crash.kind || 'not known yet'],
    ['began', `${moment(at_us)} (${ago(at_us, nowUs)})${up}`],
    ['noticed', `${moment(detected_us)}, ${later < 1 ? 'at once' : `${span(later)} later`}`],
    ['kernel', crash.kernel],
    ['boot', crash.boot_id],
    ['machine', crash.hardware],
    ['log', logLine(crash)],
    ['next', best === null ? '' : `netfall crashes log ${id}`],
    ['id', id],
    ['merged', crash.merged.join(', ')],
  ];
  return [
    ...wrap(title, paper.width).map((line) => styled(tone, cut(line, paper.width), paper.colour)),
    '',
    ...facts
      .filter(([, value]) => value !== '')
      .map(([name, value]) => cut(`${name.padEnd(8)} ${clean(value)}`, paper.width)),
    ...mismatchLines(mismatches, paper),
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
  ];
}

/** A log as it is, but for what would act on the terminal; the marks in it are set off. */
export function crashLogLines({ text, marks }: CrashLog, { colour }: Paper): string[] {
  const marked = new Set(marks);
  const lines = text.split('\n');
  // The text ends with the end of its last line.
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, i) => {
    const harmless = line.split('\t').map(clean).join('\t');
    return marked.has(i) ? styled('yellow', harmless, colour) : harmless;
  });
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

function mismatchLines(mismatches: readonly CrashMismatch[], { width, colour }: Paper): string[] {
  if (mismatches.length === 0) return [];
  const lines = mismatches.flatMap((mismatch) => wrap(clean(mismatchText(mismatch)), width));
  return [
    '',
    styled('bold', 'WHAT DOES NOT FIT', colour),
    ...lines.map((line) => styled('yellow', cut(line, width), colour)),
  ];
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
