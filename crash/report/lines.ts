/**
 * A log's lines as the messages that the kernel wrote: without what consoles, syslog, the journal and netconsole put before
 * them, and with who wrote them where the log says so. Pure. What messages mean is not known here.
 */
import { readLine } from '../line.ts';
import { newlinesIn } from '../log.ts';

export interface Message {
  /** Without what stands before it, and without its trailing blanks. */
  readonly text: string;
  /** The kernel's own clock, microseconds; 0 when the line does not say. */
  readonly uptimeUs: number;
  /** Who wrote it, "T123" for a task and "C0" for a CPU; empty when the line does not say. */
  readonly context: string;
  /** The log's line, counted from 0. */
  readonly line: number;
  /** Something is missing here: no message. */
  readonly hole: boolean;
}

/** The longest stretch of a line that is looked at, characters. */
const MOST_LINE = 4096;
/** How many messages that interleaved on one line are told apart. */
const MOST_ON_LINE = 16;

/** What turns colours on and off or moves the cursor, carriage returns, and zeros: nothing is lost without them. */
const SILENT = /[^\P{Cc}\t\n](?:\[[\d;?]{0,16}[@-~])|\r|\0/gu;
/** All other control characters but for tab and newline. */
const ACTING = /[^\P{Cc}\t\n]|[\p{Zl}\p{Zp}]/gu;
const ANY = /[^\P{Cc}\t\n\r]|[\p{Zl}\p{Zp}]|\r(?!\n|$)/u;

/** syslog, with a month or an ISO date and with or without "kernel:"; the journal; rsyslog with facility and severity. */
const SYSLOG =
  /^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) \S{1,255} (?:[a-z0-9]{1,10}\.[a-z]{1,8} )?kernel(?:\[\d{1,10}\])?: ?/;
const DIGIT = /^\d/;
/** netconsole's extended header: level and facility, sequence, microseconds, flags and more. */
const EXTENDED = /^\d{1,6},\d{1,20},(\d{1,19}),[-c+](?:,[\w-]{1,32}=[^;,]{0,64}){0,8};/;
/** The journal's short-monotonic: behind the kernel's own stamp. */
const MONOTONIC = /^(\[ {0,6}\d{1,8}\.\d{6}\]) \S{1,255} kernel: /;
/** The journal's short-full, `dmesg --time-format iso`, `dmesg -H` and `-d`, and what syslogd tells everybody. */
const OTHER =
  /^(?:[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]{2,5} \S{1,255} kernel: |\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:\d\d |\[ {0,6}\+\d{1,8}\.\d{6}\] |\[ {0,6}\d{1,8}\.\d{6} <[ \d.]{1,20}>\] | kernel:)/;
/** What an old kernel's console had to leave out. */
const DROPPED = /^\*\* \d{1,10} printk messages dropped \*\*/;
/** `dmesg -x` and `dmesg -T`. */
const DMESG =
  /^(?:[a-z]{2,8} {0,4}:[a-z]{3,7} {0,4}: )?(?:\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] ?)?/;
/** A prompt that waits on the console, and what is written behind it. */
const PROMPT = /^[\w.-]{1,64} login: /;
const CALLER = /\[ {0,9}([TC]\d{1,9})\]/;
/** What begins another message in the middle of a line. */
const STAMP = /\[ {0,6}\d{1,8}\.\d{6}\]/g;

/** Of a longer log only the end is read: characters and lines. It is the last crash that is looked for. */
const MOST_LOG = 1024 * 1024;
const MOST_LINES = 32 * 1024;

/**
 * The messages at the end of a log, in order. Blank ones are left out.
 * @param holes lines that are no messages, counted from 0, in order
 */
export function messagesOf(log: string, holes: readonly number[]): readonly Message[] {
  const messages: Message[] = [];
  const from = readFrom(log);
  let line = newlinesIn(log, from);
  let hole = holes.findIndex((each) => each >= line);
  for (let at = from; at < log.length; line++) {
    const newline = log.indexOf('\n', at);
    const end = newline < 0 ? log.length : newline;
    if (holes[hole] === line) {
      hole++;
      messages.push({ text: '', uptimeUs: 0, context: '', line, hole: true });
    } else if (end > at) addMessages(messages, log.slice(at, Math.min(end, at + MOST_LINE)), line);
    at = end + 1;
  }
  return messages;
}

/** Where the first line begins that is read, characters. */
function readFrom(log: string): number {
  const least = log.length - MOST_LOG;
  let from = log.length;
  for (let lines = 0; lines <= MOST_LINES && from > 0; lines++) {
    const newline = log.lastIndexOf('\n', from - 1);
    if (newline < least) return from === log.length ? Math.max(0, least) : newline < 0 ? 0 : from + 1;
    from = newline;
  }
  return from <= 0 ? 0 : from + 1;
}

function addMessages(messages: Message[], raw: string, line: number): void {
  const plain = withoutControls(raw);
  const extended = DIGIT.test(plain) ? EXTENDED.exec(plain) : null;
  if (extended) {
    const text = plain.slice(extended[0].length).trimEnd();
    const context = /,caller=([TC]\d{1,9})/.exec(extended[0])?.[1] ?? '';
    if (text !== '') messages.push({ text, uptimeUs: Number(extended[1]), context, line, hole: false });
    return;
  }
  const rest = plain.slice(carrierOf(plain)).replace(MONOTONIC, '$1 ');
  if (DROPPED.test(rest)) messages.push({ text: '', uptimeUs: 0, context: '', line, hole: true });
  let from = 0;
  if (rest.includes('[', 1)) {
    let many = 0;
    for (const { index } of rest.matchAll(STAMP)) {
      if (index === 0 || rest[index - 1] === '>' || ++many > MOST_ON_LINE) continue;
      addMessage(messages, rest.slice(from, index), line);
      from = index;
    }
  }
  addMessage(messages, rest.slice(from), line);
}

/** A text without what acts on a terminal, which is how it is read: a dot stands for what cannot be left out. */
export function withoutControls(text: string): string {
  return ANY.test(text) ? text.replaceAll(SILENT, '').replaceAll(ACTING, '\u00b7') : text;
}

/** What begins with the kernel's own stamp, or with blanks. */
const PLAIN = /^(?:\[ {0,6}\d{1,8}\.\d{6}\]|\[[<a-z]|\s(?!kernel:))/;

/** How much of a line is of what carried it. What begins as messages do is not looked at. */
function carrierOf(line: string): number {
  if (PLAIN.test(line)) return 0;
  const found = SYSLOG.exec(line) ?? OTHER.exec(line) ?? PROMPT.exec(line) ?? DMESG.exec(line);
  return found?.[0].length ?? 0;
}

function addMessage(messages: Message[], raw: string, line: number): void {
  if (!/^[<[*]/.test(raw)) {
    const text = raw.trimEnd();
    if (text !== '') messages.push({ text, uptimeUs: 0, context: '', line, hole: false });
    return;
  }
  const { text: message, uptimeUs } = readLine(raw);
  const text = message.trimEnd();
  if (text === '') return;
  const prefix = raw.slice(0, raw.length - message.length);
  messages.push({ text, uptimeUs, context: CALLER.exec(prefix)?.[1] ?? '', line, hole: false });
}
