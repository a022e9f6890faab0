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

/** What turns colours on and off or moves the cursor, and all other control characters but for the tab. */
const ESCAPES = /[^\P{Cc}\t](?:\[[\d;?]{0,16}[@-~])?/gu;

/** syslog, with a month or an ISO date and with or without "kernel:"; the journal; rsyslog with facility and severity. */
const SYSLOG =
  /^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) \S{1,255} (?:[a-z0-9]{1,10}\.[a-z]{1,8} )?kernel(?:\[\d{1,10}\])?: ?/;
/** netconsole's extended header: level and facility, sequence, microseconds, flags and more. */
const EXTENDED = /^\d{1,6},\d{1,20},(\d{1,19}),[-c+](?:,[\w-]{1,32}=[^;,]{0,64}){0,8};/;
/** `dmesg -x` and `dmesg -T`. */
const DMESG =
  /^(?:[a-z]{2,8} {0,4}:[a-z]{3,7} {0,4}: )?(?:\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] ?)?/;
/** A prompt that waits on the console, and what is written behind it. */
const PROMPT = /^[\w.-]{1,64} login: /;
const CALLER = /\[ {0,9}([TC]\d{1,9})\]/;
/** What begins another message in the middle of a line. */
const STAMP = /\[ {0,6}\d{1,8}\.\d{6}\]/g;

/**
 * The messages of a log, one line at a time: nothing is kept of those that went by.
 * @param holes lines that are no messages, in order
 * @param from where to begin: the start of a line, characters
 */
export function* messagesOf(log: string, holes: readonly number[], from = 0): Generator<Message> {
  let line = newlinesIn(log, from);
  let hole = holes.findIndex((each) => each >= line);
  for (let at = from; at < log.length; line++) {
    const newline = log.indexOf('\n', at);
    const end = newline < 0 ? log.length : newline;
    const raw = log.slice(at, Math.min(end, at + MOST_LINE));
    at = end + 1;
    if (holes[hole] === line) {
      hole++;
      yield { text: '', uptimeUs: 0, context: '', line, hole: true };
    } else yield* messagesOn(raw, line);
  }
}

function* messagesOn(raw: string, line: number): Generator<Message> {
  const plain = raw.replace(ESCAPES, '');
  const extended = EXTENDED.exec(plain);
  if (extended) {
    const text = plain.slice(extended[0].length).trimEnd();
    const caller = /,caller=([TC]\d{1,9})/.exec(extended[0])?.[1] ?? '';
    yield { text, uptimeUs: Number(extended[1]), context: caller, line, hole: false };
    return;
  }
  const syslog = SYSLOG.exec(plain);
  const rest = plain.slice((syslog ?? PROMPT.exec(plain) ?? DMESG.exec(plain))?.[0].length ?? 0);
  let from = 0;
  let many = 0;
  for (const { index } of rest.matchAll(STAMP)) {
    if (index === 0 || rest[index - 1] === '>' || ++many > MOST_ON_LINE) continue;
    yield messageAt(rest.slice(from, index), line);
    from = index;
  }
  yield messageAt(rest.slice(from), line);
}

function messageAt(raw: string, line: number): Message {
  const { text, uptimeUs } = readLine(raw);
  const prefix = raw.slice(0, raw.length - text.length);
  return { text: text.trimEnd(), uptimeUs, context: CALLER.exec(prefix)?.[1] ?? '', line, hole: false };
}
