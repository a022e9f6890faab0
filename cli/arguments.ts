/** What stands on the command line, as values. Throws InvalidArgumentError, which commander shows as wrong usage. */
import { parseAddress } from '@netfall/collector/listen';
import { InvalidArgumentError } from 'commander';

const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The longest delay that a timer of Node takes, about 24 days. */
const MOST_MS = 2 ** 31 - 1;

/** "500ms", "5s", "2m", "1h" → milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = match ? Math.round(Number(match[1]) * factors[match[2]!]!) : 0;
  if (ms < 1 || ms > MOST_MS) throw new InvalidArgumentError('Give a duration like 500ms, 5s, 2m or 1h.');
  return ms;
}

/** A positive number of things. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,7}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('Give a number from 1 to 9999999.');
}

/** A place in a list that counts from 0. */
export function parseIndex(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number from 0 to 999.');
}

/** What crashes of one bug share, as it is. */
export function parseSignature(text: string): string {
  if (/^\d{1,10}:[0-9a-f]{16}$/.test(text)) return text;
  throw new InvalidArgumentError('Give a signature as "netfall crashes signatures" shows it.');
}

/** Bytes of a packet. */
export function parseSnapLength(text: string): number {
  const bytes = Number(text);
  if (/^\d{1,6}$/.test(text) && bytes >= 14 && bytes <= 262_144) return bytes;
  throw new InvalidArgumentError('Give a number of bytes from 14 to 262144.');
}

/** A place in the log. */
export function parseSequence(text: string): number {
  const sequence = Number(text);
  if (/^\d+$/.test(text) && sequence > 0 && Number.isSafeInteger(sequence)) return sequence;
  throw new InvalidArgumentError('Give the number of an entry, from 1 on.');
}

/** "key=value", as an agent's configuration has labels; added to those that came before. */
export function parseLabel(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, key, value] = /^([a-z0-9_.-]{1,64})=(.{0,256})$/s.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return { ...before, [key]: value };
  throw new InvalidArgumentError('Give key=value like rack=r7.');
}

/** "name=value" or "name!=value", as it is; added to those that came before. */
export function parseMatcher(text: string, before: readonly string[] = []): readonly string[] {
  if (/^[a-z0-9_.-]{1,64}!?=.{0,256}$/s.test(text)) return [...before, text];
  throw new InvalidArgumentError('Give name=value or name!=value like rack=r12 or host!=web-*.');
}

/** How long a silence may last, seconds. */
const LONGEST_S = 30 * 86_400;
const spans: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "30m", "12h", "7d" → seconds. */
export function parseSpan(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  const seconds = match ? Math.round(Number(match[1]) * spans[match[2]!]!) : 0;
  if (seconds < 1 || seconds > LONGEST_S)
    throw new InvalidArgumentError('Give a duration like 30m, 12h or 7d, at most 30d.');
  return seconds;
}

/** "22:00", which is the next one, or a whole date → µs. Local time unless it says otherwise. */
export function parseNext(text: string): number {
  return parseMoment(text, (date, nowMs) => date.getTime() <= nowMs && date.setDate(date.getDate() + 1));
}

/** "22:00", which is the last one, or a whole date → µs. Local time unless it says otherwise. */
export function parseLast(text: string): number {
  return parseMoment(text, (date, nowMs) => date.getTime() > nowMs && date.setDate(date.getDate() - 1));
}

/** @param choose makes another day's of a time of today */
function parseMoment(text: string, choose: (date: Date, nowMs: number) => void): number {
  const nowMs = Date.now();
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  const date = new Date(clock ? nowMs : text);
  if (clock) {
    date.setHours(Number(clock[1]), Number(clock[2]), 0, 0);
    choose(date, nowMs);
  } else if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) || !(date.getTime() > 0)) {
    throw new InvalidArgumentError('Give a time like 22:00, 2026-01-31T22:00 or 2026-01-31T22:00Z.');
  }
  return date.getTime() * 1000;
}

/** A path, as it is. */
export function parsePath(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Give a path.');
}

/** "HOST:PORT", as it is. */
export function parseListen(text: string): string {
  try {
    parseAddress(text);
    return text;
  } catch {
    throw new InvalidArgumentError(
      'Give HOST:PORT like 127.0.0.1:7070 or [::1]:7070; port 0 takes a free one.',
    );
  }
}

/** The http(s) URL of a collector, as it is. */
export function parseApi(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('Give a URL like http://127.0.0.1:7070.');
}

/** NATS servers, separated by commas: each host, host:port or nats:// or tls:// URL. */
export function parseServers(text: string): string[] {
  const servers = text.split(',').map((server) => server.trim());
  if (servers.every(isServer)) return servers;
  throw new InvalidArgumentError('Give host:port or nats://host:port, more of them separated by commas.');
}

function isServer(text: string): boolean {
  const url = /^(nats|tls):\/\//.test(text) ? text : `nats://${text}`;
  if (!URL.canParse(url)) return false;
  const { hostname, pathname, search, hash } = new URL(url);
  return /^(?:\[[0-9a-f:]+\]|[\w.-]+)$/i.test(hostname) && `${pathname}${search}${hash}`.length <= 1;
}
