/**
 * Where JetStream says a delivered message stands, read from its reply subject, and its written time stamps. Pure: it
 * must not know connections.
 *
 * Source: the acknowledgement subject of nats-server (server/consumer.go, `ackReplyT` and `ackReplyOldT`):
 *   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time ns>.<pending>                   (9 tokens)
 *   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time ns>.<pending>[.<…>]
 */

const DOT = 0x2e;
const ZERO = 0x30;
const SHORT_TOKENS = 9;
const LONG_TOKENS = 11;

/** Filled in place, so that no object is made for a message. */
export class Position {
  /** Of the stream. */
  sequence = 0;
  /** How many messages this consumer has delivered, from 1. */
  delivered = 0;
  /** Microseconds since the Unix epoch; the nanoseconds are cut off. */
  timeUs = 0;

  /** Reads a reply subject. Returns false, with the fields undefined, when it is not of the form above. */
  parse(reply: string): boolean {
    if (!reply.startsWith('$JS.ACK.')) return false;
    let tokens = 1;
    for (let at = reply.indexOf('.'); at >= 0; at = reply.indexOf('.', at + 1)) tokens++;
    if (tokens !== SHORT_TOKENS && tokens < LONG_TOKENS) return false;
    let at = 0;
    for (let skip = tokens === SHORT_TOKENS ? 5 : 7; skip > 0; skip--) at = reply.indexOf('.', at) + 1;
    const sequenceEnd = reply.indexOf('.', at);
    const deliveredEnd = reply.indexOf('.', sequenceEnd + 1);
    const timeEnd = reply.indexOf('.', deliveredEnd + 1);
    this.sequence = wholeNumber(reply, at, sequenceEnd);
    this.delivered = wholeNumber(reply, sequenceEnd + 1, deliveredEnd);
    // Nanoseconds exceed 2^53: the last three digits are never read.
    this.timeUs = wholeNumber(reply, deliveredEnd + 1, timeEnd - 3);
    return this.sequence > 0 && this.delivered > 0 && this.timeUs >= 0;
  }
}

/** The decimal number in `text` from `start` to `end`, or -1 when there is none or it exceeds 2^53-1. */
function wholeNumber(text: string, start: number, end: number): number {
  if (end <= start) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const char = text.charCodeAt(at);
    if (char === DOT) return -1;
    const digit = char - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

/**
 * Microseconds since the Unix epoch of a time stamp as JetStream's JSON writes it (RFC 3339, UTC, up to nine digits of
 * fraction, cut off after the sixth), or null when it is no such thing.
 */
export function timestampUs(text: string): number | null {
  const match = TIMESTAMP.exec(text);
  if (!match) return null;
  const milliseconds = Date.parse(`${match[1]}Z`);
  if (Number.isNaN(milliseconds)) return null;
  return milliseconds * 1000 + Number((match[2] ?? '').padEnd(6, '0').slice(0, 6));
}
