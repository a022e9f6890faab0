/**
 * Reads the crash off a kernel's log: a log in, a report out. Pure, in linear time, and never throws, whatever the text is.
 */
import { EPISODE_GAP_US } from '../trouble.ts';
import { type Begin, beginningOf, beginningsOf, isPanic } from './beginnings.ts';
import { type Blamed, blame } from './blame.ts';
import { tracesOf } from './body.ts';
import { factsOf } from './facts.ts';
import type { Detail, Format } from './formats.ts';
import { type Message, messagesOf } from './lines.ts';
import { NOWHERE, nameOf } from './name.ts';
import type { OtherReport, Report } from './report.ts';
import { signatureOf } from './signature.ts';
import { traceHead } from './trace.ts';

/** Which readings of logs are of this parser: grows whenever a log may be read differently. */
export const PARSER_VERSION = 1;

/** Messages of a report that are looked at. */
const MOST_BODY = 4096;
const MOST_OTHERS = 64;
/** Messages before a report that are kept, and how much of each. */
const BEFORE = 8;
const MOST_BEFORE = 256;

/**
 * The last crash that a log tells of, with what followed from it; null when it tells of none. Of several reports that follow
 * closely the first is the crash.
 * @param log the text, a line for each message
 * @param holes lines of it that are no messages but stand where something is missing, counted from 0, in order
 */
export function readCrash(log: string, holes: readonly number[] = []): Report | null {
  const messages = messagesOf(log, holes);
  const begins = beginningsOf(messages);
  const first = beginningOf(begins, messages);
  if (!first) return rebootIn(messages);
  const { at, format, match } = first;
  const end = endOf(messages, first, begins);
  const body = bodyOf(messages, at, end, format);
  const traces = tracesOf(body);
  const detail = detailOf(format, body);
  const blamed = blame(
    format.blame,
    traces,
    body,
    format.within === undefined ? undefined : match[format.within],
  );
  const where = namedIn(format, body) || placeOf(format, match, blamed);
  const corrupted = corruptionOf(format, body, blamed, where);
  const named = nameOf(
    titleOf(format, match, detail),
    detail?.rule.bugClass ?? format.bugClass,
    format.blame === 'none' ? null : where || NOWHERE,
  );
  const { frames, guilty } = around(blamed);
  const start = startOf(messages, at);
  const report = {
    ...named,
    place: where === '' ? '' : named.place,
    type: detail?.rule.type ?? format.type,
    corrupted,
    frames,
    guilty,
    start: messages[start]!.line,
    end: (messages[end - 1]?.line ?? 0) + 1,
    uptimeUs: messages[at]!.uptimeUs,
    ...factsOf(body, messages),
    before: beforeOf(messages, start),
    ...othersOf(messages, first, end, begins),
  };
  return { ...report, signature: signatureOf(report) };
}

/** What only says that the kernel ends because of what it told before. */
const BECAUSE =
  /^Kernel panic - not syncing: (?:(?:KASAN|KCSAN|KMSAN|UBSAN|kernel)?:? ?panic_on_warn set|Fatal exception|Fatal hardware error|hung_task: blocked|softlockup: hung|Hard LOCKUP|RCU Stall|scheduling while atomic|Asynchronous SError|Fatal machine check)/;

/** What belongs to a report although it could begin one. */
function isPartOf(begin: Begin, first: Begin, trace: number): boolean {
  // The same trouble in other words, before the trace that tells where: "Oops: …", "general protection fault: …".
  if (isPanic(begin) || begin.at <= trace) return true;
  return begin.format === first.format && first.format.part?.test(begin.match.input) === true;
}

function endOf(messages: readonly Message[], first: Begin, begins: readonly Begin[]): number {
  const last = Math.min(messages.length, first.at + MOST_BODY);
  let trace = first.at + 1;
  while (trace < last && traceHead(messages[trace]!.text) !== 'call') trace++;
  const { context } = messages[first.at]!;
  const isNext = (begin: Begin) =>
    begin.at > first.at && messages[begin.at]!.context === context && !isPartOf(begin, first, trace);
  const next = begins.find(isNext);
  const most = Math.min(last, next?.at ?? last);
  let lastUs = 0;
  for (let i = first.at; i < most; i++) {
    const { text, uptimeUs } = messages[i]!;
    if (uptimeUs > 0 && lastUs > 0 && uptimeUs - lastUs > EPISODE_GAP_US) return i;
    if (uptimeUs > 0) lastUs = uptimeUs;
    if (text.startsWith('---[ end Kernel panic') || text.startsWith('Rebooting in ')) return i + 1;
    if (text.startsWith('Linux version ')) return i;
  }
  return most;
}

/**
 * What one writer wrote, as far as the log tells who wrote what. A CPU that is asked what it does, since it is stuck, answers
 * itself.
 */
function bodyOf(
  messages: readonly Message[],
  at: number,
  end: number,
  { blame: how }: Format,
): readonly Message[] {
  const { context } = messages[at]!;
  const body = messages.slice(at, end);
  if (context === '') return body;
  const writers = new Set([context, '']);
  return body.filter((message) => {
    if (!message.hole && !writers.has(message.context)) return false;
    const asked = how === 'stall' ? ASKED.exec(message.text)?.[1] : undefined;
    if (asked !== undefined) writers.add(`C${asked}`);
    return true;
  });
}

const ASKED = /\b(?:on cpu|to CPUs|for cpu|on CPU) (\d{1,5})\b/;

function detailOf(
  { details = [] }: Format,
  body: readonly Message[],
): { readonly rule: Detail; readonly match: RegExpExecArray } | null {
  for (const rule of details) {
    for (const { text } of rule.isNext ? body.slice(1, 2) : body) {
      const match = rule.says.exec(text);
      if (match) return { rule, match };
    }
  }
  return null;
}

function titleOf(format: Format, match: RegExpExecArray, detail: ReturnType<typeof detailOf>): string {
  return (detail?.rule.title ?? format.title)
    .replaceAll(/\$(\d)/g, (_, group) => match[Number(group)] ?? '')
    .replaceAll(/%(\d)/g, (_, group) => detail?.match[Number(group)] ?? '')
    .replace(/[\s.]+$/, '');
}

function placeOf(format: Format, match: RegExpExecArray, blamed: Blamed): string {
  if (format.blame === 'named') {
    const names = match.slice(format.place ?? 1).filter((name) => name !== undefined);
    return names.toSorted().join(' / ');
  }
  if (blamed.place !== undefined) return blamed.place;
  return blamed.guilty === null ? '' : (blamed.frames[blamed.guilty]?.function ?? '');
}

/** Frames that are kept, and those of them before the one to blame: a stack that overflowed has thousands. */
const MOST_FRAMES = 64;
const BEFORE_GUILTY = 24;

function around({ frames, guilty }: Blamed): Pick<Blamed, 'frames' | 'guilty'> {
  const from = guilty === null ? 0 : Math.max(0, guilty - BEFORE_GUILTY);
  return { frames: frames.slice(from, from + MOST_FRAMES), guilty: guilty === null ? null : guilty - from };
}

function namedIn({ named }: Format, body: readonly Message[]): string {
  if (!named) return '';
  for (const { text } of body) {
    const name = named
      .exec(text)
      ?.slice(1)
      .find((group) => group !== undefined);
    if (name !== undefined) return name;
  }
  return '';
}

function corruptionOf(format: Format, body: readonly Message[], blamed: Blamed, where: string): string {
  if (BECAUSE.test(body[0]?.text ?? '')) return 'what led to it is missing';
  if (format.corruptedUnless && !body.some(({ text }) => format.corruptedUnless?.test(text)))
    return 'it ends before it says what happened';
  if (format.blame === 'none' || format.blame === 'named') return '';
  const guilty = blamed.guilty === null ? undefined : blamed.frames[blamed.guilty];
  if (guilty && body.some(({ hole, line }) => hole && line < guilty.line)) return 'some of it is missing';
  if (where === '')
    return blamed.frames.length === 0 ? 'it has no stack trace' : 'its stack trace ends too early';
  return '';
}

/** The marks that stand before a report are of it. */
function startOf(messages: readonly Message[], at: number): number {
  let start = at;
  for (let i = at - 1; i >= 0 && i >= at - 4; i--) {
    const { text, context } = messages[i]!;
    if (context !== messages[at]!.context) continue;
    if (/^-{12}\[ cut here \]-{12}$|^={30,}$/.test(text)) start = i;
  }
  return start;
}

function beforeOf(messages: readonly Message[], start: number): readonly string[] {
  return messages
    .slice(Math.max(0, start - BEFORE), start)
    .filter(({ hole }) => !hole)
    .map(({ text }) => text.slice(0, MOST_BEFORE));
}

/** What came before; and what followed: panics, and what begins when the report has ended. */
function othersOf(
  messages: readonly Message[],
  first: Begin,
  end: number,
  begins: readonly Begin[],
): Pick<Report, 'earlier' | 'consequences'> {
  const before = begins.filter(({ at }) => at < first.at);
  const isOther = ({ at, match: { input } }: Begin) =>
    !input.startsWith('---[ end') && (at >= end || input.startsWith('Kernel panic - '));
  const after = begins.filter((begin) => begin.at > first.at && isOther(begin));
  const told = ({ at, format, match }: Begin): OtherReport => ({
    title: nameOf(titleOf(format, match, null), undefined, null).title,
    type: format.type,
    line: messages[at]!.line,
  });
  return {
    earlier: distinct(messages, before).slice(-MOST_OTHERS).map(told),
    consequences: distinct(messages, after).slice(0, MOST_OTHERS).map(told),
  };
}

/** Each report once, in whatever words it is told before its own trace. */
function distinct(messages: readonly Message[], begins: readonly Begin[]): readonly Begin[] {
  return begins.filter((begin, i) => {
    const last = begins[i - 1];
    return !last || isPanic(begin) || hasTrace(messages, last.at, begin.at);
  });
}

function hasTrace(messages: readonly Message[], from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (traceHead(messages[i]!.text) === 'call') return true;
  return false;
}

/** The first words of firmware, and of a kernel. */
const FIRMWARE = /^(?:SeaBIOS \(|iPXE initialising)/;
const KERNEL = /^(?:Linux version \d|Booting Linux on )/;
/** Last words before a boot that was meant. */
const MEANT =
  /^(?:reboot: |Power down|kexec_core: Starting new kernel|systemd-shutdown|systemd\[1\]: Rebooting)/;
const LAST_WORDS = 16;

/** Where a log goes on with another boot although nothing says why. */
function rebootIn(messages: readonly Message[]): Report | null {
  let isUp = false;
  const at = messages.findIndex(({ text, uptimeUs }, i) => {
    const boots = KERNEL.test(text) ? isUp : FIRMWARE.test(text) && i > 0;
    // A kernel that has run for a while, by its clock.
    if (uptimeUs > 1_000_000) isUp = true;
    return boots && !messages.slice(Math.max(0, i - LAST_WORDS), i).some((before) => MEANT.test(before.text));
  });
  if (at < 0) return null;
  const report = {
    ...nameOf('unexpected kernel reboot', undefined, null),
    type: 'reboot' as const,
    corrupted: '',
    frames: [],
    guilty: null,
    start: messages[at]!.line,
    end: messages[at]!.line + 1,
    uptimeUs: 0,
    ...factsOf([], messages),
    before: beforeOf(messages, at),
    earlier: [],
    consequences: [],
  };
  return { ...report, signature: signatureOf(report) };
}
