/** Looks at datagrams of netconsole byte by byte, so that none of them is made into text that is of no interest. Pure. */

const NEWLINE = 0x0a;
const BRACKET = 0x5b;
const CLOSING = 0x5d;
const LESS = 0x3c;
const GREATER = 0x3e;
const SPACE = 0x20;

/** Where a line's text begins, behind `<6>`, `[   12.345678]` and `[   T12]`. */
export function textStart(bytes: Buffer, start: number, end: number): number {
  let at = start;
  if (bytes[at] === LESS) at = skipTo(bytes, at, end, GREATER);
  // The kernel's clock, and the caller.
  for (let i = 0; i < 2 && bytes[at] === BRACKET; i++) at = skipTo(bytes, at, end, CLOSING);
  return bytes[at] === SPACE ? at + 1 : at;
}

/** Behind the first `byte` within the next few; where it is not there, `at`+1 lest it be looked for again. */
function skipTo(bytes: Buffer, at: number, end: number, byte: number): number {
  const last = Math.min(end, at + 24);
  for (let i = at + 1; i < last; i++) if (bytes[i] === byte) return i + 1;
  return at + 1;
}

/** The kernel's own clock in the stamp that a line begins with, microseconds; -1 without one. */
export function uptimeAt(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== BRACKET) return -1;
  let at = start + 1;
  let value = 0;
  let digits = 0;
  for (; at < end && at < start + 24; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + byte - 0x30;
      digits++;
    } else if (byte === CLOSING) return digits > 6 ? value : -1;
    else if (byte !== SPACE && byte !== 0x2e) return -1;
  }
  return -1;
}

const MSGID = Buffer.from(' msgid=');

/** The number of a message, where it stands in this datagram; -1 where it does not. @param isCut the message goes on behind it */
export function msgidIn(bytes: Buffer, start: number, end: number, isCut: boolean): number {
  // The text is a line, and so is each of what stands behind it. The last one counts.
  const text = bytes.indexOf(NEWLINE, start);
  if (text < 0 || text >= end - 1) return -1;
  for (let at = end - MSGID.length - 1; at >= text; at--) {
    if (bytes[at] === NEWLINE && bytes.compare(MSGID, 0, MSGID.length, at + 1, at + 1 + MSGID.length) === 0) {
      return digitsAt(bytes, at + 1 + MSGID.length, end, isCut);
    }
  }
  return -1;
}

function digitsAt(bytes: Buffer, start: number, end: number, isCut: boolean): number {
  let value = 0;
  let at = start;
  for (; at < end && at < start + 15; at++) {
    const byte = bytes[at]!;
    if (byte < 0x30 || byte > 0x39) break;
    value = value * 10 + byte - 0x30;
  }
  return at === start || (isCut && at === end) ? -1 : value;
}
