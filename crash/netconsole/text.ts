/** The log that netconsole's datagrams hold, put together: messages in their order, fragments joined, gaps found. Pure. */
import type { AssembledLog } from '../heard.ts';
import type { Hole } from '../log.ts';
import type { Recorded } from './tape.ts';

/** A message of extended netconsole, of which something may be missing. */
interface Message {
  readonly seq: number;
  readonly uptimeUs: number;
  /** What stands behind the header, as far as it came. */
  readonly body: Buffer;
  /** What is missing of it: after so many bytes of the body, so many. */
  readonly gaps: readonly { readonly at: number; readonly bytes: number }[];
  /** -1 when the sender does not number its messages. */
  readonly msgid: number;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const ESCAPE = /\\x([0-9a-f]{2})/g;

/** Basic netconsole is the console's text as it stands; datagrams that were lost leave no trace in it. */
export function basicLog(recorded: Iterable<Recorded>): AssembledLog {
  const bytes = Buffer.concat(Array.from(recorded, ({ body }) => body));
  return { bytes, holes: [], wrapAt: 0, lostMessages: 0 };
}

/**
 * Puts extended netconsole's messages in order and renders them as the kernel's log has them.
 * @param troubleUs the kernel's own clock where the trouble begins: without numbers that tell more, what is missing in the
 *   kernel's sequence counts as lost from there on, since hardly anything of it is too unimportant for a console
 */
export function extendedLog(recorded: Iterable<Recorded>, troubleUs: number): AssembledLog {
  const parts: Buffer[] = [];
  const holes: Hole[] = [];
  let at = 0;
  let lostMessages = 0;
  let before: Message | undefined;
  const write = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const message of messagesOf(recorded)) {
    if (before) {
      const lost = lostBetween(before, message);
      lostMessages += lost;
      const skipped = message.seq - before.seq > 1 && before.uptimeUs >= troubleUs;
      const unnumbered = before.msgid < 0 || message.msgid < 0;
      if (lost > 0 || (unnumbered && skipped)) holes.push({ at, bytes: 0, exact: false });
    }
    render(message, write, (bytes) => holes.push({ at, bytes, exact: false }));
    before = message;
  }
  return { bytes: Buffer.concat(parts), holes, wrapAt: 0, lostMessages };
}

/** Messages that the network lost between two, by the numbers that the sender gave them. */
function lostBetween(before: Message, message: Message): number {
  if (before.msgid < 0 || message.msgid < 0) return 0;
  // 32 bits of it are sent.
  return Math.max(0, ((message.msgid - before.msgid) | 0) - 1);
}

/** In the order of the kernel's sequence; of repetitions the first. */
function messagesOf(recorded: Iterable<Recorded>): Message[] {
  const bySeq = new Map<number, Recorded[]>();
  for (const entry of recorded) {
    const known = bySeq.get(entry.seq);
    if (known) known.push(entry);
    else bySeq.set(entry.seq, [entry]);
  }
  return [...bySeq.values()].map(joined).sort((a, b) => a.seq - b.seq);
}

function joined(entries: Recorded[]): Message {
  const [first] = entries as [Recorded];
  // One that came whole needs no fragments.
  const whole = entries.find(({ fragmentLength }) => fragmentLength === 0);
  const fragments = whole ? [whole] : entries.toSorted((a, b) => a.fragmentOffset - b.fragmentOffset);
  const length = whole ? whole.body.length : first.fragmentLength;
  const parts: Buffer[] = [];
  const gaps: { at: number; bytes: number }[] = [];
  let at = 0;
  let reached = 0;
  const reach = (offset: number) => {
    if (offset > reached) gaps.push({ at, bytes: offset - reached });
    reached = Math.max(reached, offset);
  };
  for (const { fragmentOffset, body } of fragments) {
    reach(fragmentOffset);
    const part = body.subarray(Math.max(0, reached - fragmentOffset));
    parts.push(part);
    at += part.length;
    reached += part.length;
  }
  reach(length);
  const body = Buffer.concat(parts);
  return { seq: first.seq, uptimeUs: first.uptimeUs, body, gaps, msgid: msgidOf(body) };
}

/** The number in the last line ` msgid=N` behind the text; -1 without one. */
function msgidOf(body: Buffer): number {
  const at = body.lastIndexOf('\n msgid=');
  if (at < 0) return -1;
  const [, digits] = /^(\d{1,15})(?:\n|$)/.exec(body.toString('latin1', at + 8, at + 24)) ?? [];
  return digits === undefined ? -1 : Number(digits);
}

/**
 * Writes a message's text as lines of the log, and says where something of it is missing. Where that is the end of the text,
 * what there is of user data behind it looks like text.
 */
function render(message: Message, write: (part: Buffer) => void, lacks: (bytes: number) => void): void {
  const { body, gaps, uptimeUs } = message;
  const newline = body.indexOf(NEWLINE);
  // Of a datagram of just 1000 bytes the kernel writes the last as NUL when it has put the release in front.
  const last = body.at(-1) === 0 ? body.length - 1 : body.length;
  const end = newline < 0 ? last : newline;
  const stamp = stampOf(uptimeUs);
  write(Buffer.from(stamp));
  let from = 0;
  for (const { at, bytes } of gaps) {
    // What is missing behind the text is not the log's.
    if (at > end || (at === end && newline >= 0)) break;
    write(printed(body.subarray(from, at), stamp));
    lacks(bytes);
    from = at;
  }
  write(printed(body.subarray(from, end), stamp));
  write(Buffer.from('\n'));
}

/** The text as it was printed: escapes undone, each line behind the first with the stamp that all of them have. */
function printed(part: Buffer, stamp: string): Buffer {
  if (!part.includes(BACKSLASH)) return part;
  const plain = part
    .toString('latin1')
    .replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain.replaceAll('\n', `\n${stamp}`), 'latin1');
}

/** As the kernel writes it: `[   12.345678] `. */
function stampOf(uptimeUs: number): string {
  const seconds = String(Math.floor(uptimeUs / 1_000_000)).padStart(5);
  return `[${seconds}.${String(uptimeUs % 1_000_000).padStart(6, '0')}] `;
}
